"""Connects gateways to Microsoft Operator Connect and Teams Phone Mobile.

`core` holds the rules (pure), `steps` what each step reads and makes true, `azure` the adapters to the real
services, `memory` their in-memory twins, `http` the API; `engine` and `timer` are the thin shells around.
"""
