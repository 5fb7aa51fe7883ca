"""Series as they are written in a study: a number, a list, a file with a column, or a synthetic quantity.

Only the specs live here; ``varme.data.series`` turns them into arrays on a time grid.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from varme.ground.spec import Spec


class FileSeries(Spec):
    """A column of a CSV or Parquet file."""

    file: str
    """Path of the file, relative to the study file."""
    column: str | None = None
    """Column to read; needed unless the file has one value column only."""
    layout: str = "plain"
    """How the file is laid out: `plain`, or the name of a known export (`eds_settlement`, `eds_balance`,
    `eds_elspot`, `entsoe`, `opsd`)."""
    area: str | None = None
    """Price area or control area to pick from a file that holds several."""
    time_column: str | None = None
    """Column with the time stamps; detected if not given."""
    timezone: str = "UTC"
    """Clock of time stamps without an offset (IANA name)."""
    label: Literal["start", "end"] = "start"
    """Whether a stamp marks the start or the end of its interval."""
    unit: str | None = None
    """Unit of the column, if its name does not end in it (`mw`, `kwh`, `eur_per_mwh`...)."""
    scale_share: float = 1.0
    """Factor on every value."""
    gaps: Literal["refuse", "interpolate", "keep"] = "refuse"
    """What to do with missing values: refuse, interpolate gaps up to `gap_max_h` and report them, or keep them (only
    for measurements that are learnt from)."""
    gap_max_h: float = Field(default=3.0, gt=0)
    """Longest gap that is interpolated [h]."""
    shift_years: int = 0
    """Years to add to the time stamps, for aligning a series of one year with another year's grid; reported."""


class SyntheticSeries(Spec):
    """A quantity of the study's seeded synthetic generator."""

    synthetic: str
    """Name of the quantity, as the generator's reference lists them."""
    scale_share: float = 1.0
    """Factor on every value."""


SeriesSpec = float | list[float] | FileSeries | SyntheticSeries
