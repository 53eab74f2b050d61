"""The whole application in simulated time: seeded, so that one number says everything that happens."""
