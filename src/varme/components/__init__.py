"""Devices: each is one file with its spec, its physics and its block of the optimisation model."""
