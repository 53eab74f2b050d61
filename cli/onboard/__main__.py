"""`python -m onboard`."""

from onboard.app import app

app(prog_name="onboard")
