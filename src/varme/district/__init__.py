"""District: heat pumps in systems of CHP plants, stores and district-heating networks."""
