"""Fleets: thousands of homes in parallel, each with its plan; flexibility envelopes; a feeder limit kept by prices."""
