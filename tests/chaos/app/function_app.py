"""The product's function app with a crash point before and after each effect: what the Functions host loads here.

With its bounds shortened, in the same order.
"""

import importlib.util
from datetime import timedelta

from onboarding import limits, timer
from sandbox.options import ROOT
from tests.chaos import crash_points

crash_points.install()
limits.HTTP_CALL = limits.RECORD = limits.LOOK = 6.0
limits.PASS, limits.MEASURE = 12.0, 2.0
limits.MESSAGE, limits.HAND_BACK = 12.0, 2.0
timer.ROUND_EVERY = timedelta(seconds=2)

# The host has given this file the product's own name.
_spec = importlib.util.spec_from_file_location("product", ROOT / "function_app.py")
assert _spec is not None
assert _spec.loader is not None
_product = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_product)

app = _product.app
