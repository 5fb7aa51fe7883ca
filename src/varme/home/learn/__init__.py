"""Learning a house, its heat pump and its battery from what was measured."""
