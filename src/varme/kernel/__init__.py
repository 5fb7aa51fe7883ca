"""The optimisation kernel: models over index arrays, HiGHS, search with proof, rolling horizon. It knows no energy."""
