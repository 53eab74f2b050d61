"""The command line client: everything by the API, nothing of the server's code."""

__version__ = "0.1.0"
