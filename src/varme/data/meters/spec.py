"""Meter files as they are written in a study."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from varme.ground.spec import Spec


class MeterFilesSpec(Spec):
    """Meter readings in CSV or Parquet files."""

    files: str | list[str]
    """Path, folder, or pattern (`meters/*.csv`), or several of them, relative to the study file."""
    layout: str = "auto"
    """`auto`, `long` (one reading per row), `wide` (one column per meter), or the name of a known data set (`heapo`,
    `wpuq`, `fluvius`, `eoh`, `need`)."""
    meter_column: str | None = None
    """Column with the meter's id; detected if not given."""
    time_column: str | None = None
    """Column with the time stamps; detected if not given."""
    value_column: str | None = None
    """Column with the readings; detected if not given."""
    pick: dict[str, str] | None = None
    """Only rows that hold these values: `{ carrier = "gas" }`."""
    unit: str | None = None
    """Unit of the readings, if neither the column's name nor a unit column tells it: `m3`, `ft3`, `therm`, `kwh_hs`
    (gross), `kwh_hi` (net), `kwh` (electricity), `pulses`..."""
    reading: Literal["auto", "interval", "register"] = "auto"
    """Whether a value is what was used in the interval, or where the register stood."""
    timezone: str | None = None
    """Clock of stamps without an offset (IANA name); that of the study if not given."""
    label: Literal["start", "end"] = "start"
    """Whether a stamp marks the start or the end of its interval."""
    register_day: Literal["end", "start"] = "end"
    """When the register of a date without a time was read: at the end of that day, or at its start. A stamp with a time
    is an instant and needs none of this."""
    day_start_h: float = Field(default=0.0, ge=0, lt=24)
    """Hour at which a day of daily readings begins: 6 for the gas day."""
    m3_per_pulse_m3: float | None = Field(default=None, gt=0)
    """Volume of a pulse [m3], for readings in pulses."""
