"""Everything that must be on the machine before the sandbox can run: packages, Node, Azurite.

Standard library only: these modules run before anything is installed.
"""
