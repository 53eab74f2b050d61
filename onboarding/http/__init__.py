"""The HTTP API: parse, call the engine, map the result."""
