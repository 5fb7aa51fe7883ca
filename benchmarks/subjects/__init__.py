"""The subjects, one module a group; importing them fills the registry, in the order of the table."""

# District.
from benchmarks.subjects import window, year, milp, surface  # noqa: F401, I001

# Retrofit.
from benchmarks.subjects import ingest  # noqa: F401
from benchmarks.subjects import cleaning  # noqa: F401
from benchmarks.subjects import change_point  # noqa: F401
from benchmarks.subjects import spf_accuracy  # noqa: F401
from benchmarks.subjects import spf_years  # noqa: F401
from benchmarks.subjects import retrofit_scale  # noqa: F401
from benchmarks.subjects import hourly  # noqa: F401
from benchmarks.subjects import peak_day  # noqa: F401
from benchmarks.subjects import town  # noqa: F401
from benchmarks.subjects import transformers  # noqa: F401

# Home.
from benchmarks.subjects import home_learn  # noqa: F401
from benchmarks.subjects import cop  # noqa: F401
from benchmarks.subjects import emhass  # noqa: F401
from benchmarks.subjects import home_build  # noqa: F401
from benchmarks.subjects import home_plan  # noqa: F401
from benchmarks.subjects import fleet  # noqa: F401
from benchmarks.subjects import home_scenarios  # noqa: F401
from benchmarks.subjects import home_sizing  # noqa: F401
from benchmarks.subjects import home_simulation  # noqa: F401
from benchmarks.subjects import home_replay  # noqa: F401
