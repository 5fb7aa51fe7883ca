"""Homes: sizing, scheduling, replay, learning and fleets of heat pumps with tank, PV, battery and vehicle."""
