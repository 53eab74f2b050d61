"""Microsoft, simulated: ARM, Graph, managed identity, DNS, a Teams webhook and a mailbox, over one world.

Where to look: `arm/` and `graph/` have each a state, the HTTP mapping and the service's own errors; `world.py`
puts everything together from `seed.json`; `pipeline.py` is what every call goes through; `transitions.py` has the
states that change with time; `control.py` is the port that sets the clock, faults, options and contents.
"""

from sandbox.microsoft.clock import Clock
from sandbox.microsoft.ports import PortInUseError
from sandbox.microsoft.server import Microsoft, Ports

__all__ = ["Clock", "Microsoft", "PortInUseError", "Ports"]
