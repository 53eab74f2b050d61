"""The deployment package: the app's files, and of its libraries what it can reach.

`python3 dev.py package` makes it (docs/packaging.md). Standard library only here: options are read before anything
is installed.
"""
