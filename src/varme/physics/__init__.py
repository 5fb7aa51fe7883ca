"""Equations of heat pumps, plants and stores: pure functions on floats and arrays, with unit and source."""
