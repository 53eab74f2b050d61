"""A local Azure Functions host for a Python app of the v2 programming model: no Docker, no Core Tools.

It loads ``function_app.py``, reads the binding metadata that ``azure-functions`` itself hands to the real
host, and serves HTTP, Service Bus queue and timer triggers with the library's own converters. What the real
host and worker refuse, it refuses too. Run ``python -m sandbox.functions_host --help``, or use :class:`Host`
in a test. README.md beside this file lists what is covered and where it differs.
"""

from sandbox.functions_host.errors import AppError, HostError, PortInUseError
from sandbox.functions_host.host import Host

__all__ = ["AppError", "Host", "HostError", "PortInUseError"]
