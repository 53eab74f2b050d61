"""Crash points: the real system on this machine, whose processes die at exact points and come back."""
