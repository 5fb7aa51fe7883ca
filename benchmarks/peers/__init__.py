"""The same system, written from the equations for linopy, PyPSA and oemof.solph: peers here, oracles in tests."""
