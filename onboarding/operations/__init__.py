"""What an operator runs by hand: back the tables up, restore them, check them (docs/runbook.md).

No function of the app uses it. It talks to Table Storage alone, with the app's own settings.
"""
