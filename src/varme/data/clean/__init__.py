"""Cleaning of meter readings: every rule has a counter and an audit line; nothing is changed in silence."""
