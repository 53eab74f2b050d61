"""Reads Bicep and finds mistakes in it, as far as that goes without Microsoft's compiler.

Two parsers that know nothing of each other read each file: pycep, whose grammar is strict, and tree-sitter, whose tree
tells a name from a text. What only Azure knows (quotas, regions, whether a property does what it says) stays unknown.
"""
