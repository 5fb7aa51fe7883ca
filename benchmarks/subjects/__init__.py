"""The subjects, one module a group; importing them fills the registry, in the order of the table."""

# District.
from benchmarks.subjects import window, year, milp, surface  # noqa: F401, I001
# Retrofit.
