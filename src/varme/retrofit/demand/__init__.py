"""Demand of retrofitted heat pumps: per building, day, hour."""
