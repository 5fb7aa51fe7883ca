"""Sizing of homes: heat pump, tank, PV and battery over whole years, with a certificate."""
