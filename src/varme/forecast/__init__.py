"""Forecasts: what is known at an instant of what comes, and how good that was."""
