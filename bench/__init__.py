"""Measurements: `python3 dev.py bench`. They print numbers and judge nothing; machines differ."""
