"""Simulation of homes: a plan replayed minute by minute, rule-based controllers, whole fleets in one loop."""
