"""The study file of a district study."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from varme.components.base import Fuel
from varme.components.boiler import Boiler, ElectricBoiler
from varme.components.chp import BackPressure, Extraction, PowerPlant
from varme.components.heat_pump import HeatPump
from varme.components.heat_store import HeatStore
from varme.components.line import Line
from varme.components.market import ElectricityMarket
from varme.components.must_take import MustTake
from varme.components.site import ElectricityNode, HeatArea
from varme.data.synthetic.spec import SyntheticSpec
from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec

DeviceUnion = Annotated[
    BackPressure
    | Extraction
    | PowerPlant
    | Boiler
    | ElectricBoiler
    | HeatPump
    | HeatStore
    | MustTake
    | ElectricityMarket
    | Line,
    Field(discriminator="type"),
]


class TimeSpec(Spec):
    """The horizon."""

    start: datetime | date
    """First instant; a date is its midnight in `timezone`."""
    end: datetime | date
    """First instant after the horizon."""
    timezone: str = "UTC"
    """Zone of `start` and `end`, and of months and axes in the results (IANA name)."""
    step_min: int = Field(default=60, ge=1, le=1440)
    """Step [min]; must divide a day."""

    @field_validator("start", "end", mode="before")
    @classmethod
    def _no_bare_number(cls, value: Any) -> Any:
        """Refuse numbers, which would be read as seconds since 1970."""
        if isinstance(value, (bool, int, float)) or (
            isinstance(value, str) and value.strip().lstrip("+-.").isdigit()
        ):
            raise ValueError(
                "P102: must be a date (2011-01-31) or a date with time (2011-01-31T12:00), not a number"
            )
        return value


class SolveSpec(Spec):
    """How the study is solved."""

    mode: Literal["lp", "milp"] = "milp"
    """`milp`: units are on or off. `lp`: statuses are relaxed to 0 to 1; a lower bound of the cost, quickly."""
    quality: Literal["fast", "precise"] = "fast"
    """How far the search goes for a MILP: `fast` or `precise`; both report the proven gap."""
    horizon: Literal["rolling", "one-shot"] = "rolling"
    """`rolling`: window by window; `one-shot`: the whole horizon at once."""
    keep_h: float = Field(default=168.0, gt=0)
    """Hours kept per window. The Copenhagen paper states no window: one week."""
    overlap_h: float = Field(default=48.0, ge=0)
    """Hours planned beyond the kept ones. The Copenhagen paper states none: 48 h cost 0.0006 % against one shot."""
    gap_share: float | None = Field(default=None, gt=0, lt=1)
    """Relative gap at which the search of a window may stop; the quality's own if not given."""
    time_limit_s: float = Field(default=600.0, gt=0)
    """Longest time for one window [s]; a safety stop: the best plan with its gap is used, and reported."""
    compare_lp: bool = False
    """Whether a MILP study is solved as an LP too, and both are put side by side (table `comparison_lp_milp`)."""
    solver: Literal["search", "highs"] = "search"
    """`search`: bound-first search; `highs`: plain branch and bound, for comparison."""


class CarbonSpec(Spec):
    """CO2: price and cap."""

    price_eur_per_t: SeriesSpec = 0.0
    """Price of CO2 [EUR/t]."""
    cap_kt: float | None = Field(default=None, gt=0)
    """Largest emissions over the horizon [kt]. In a rolling horizon the one-shot relaxation divides it over the
    windows; a cap that is missed in the end is an alarm."""


class ReferenceSpec(Spec):
    """The case that the study is compared with."""

    without: list[str] = Field(default=[])
    """Devices that the reference case does not have."""


class DistrictStudy(Spec):
    """Heat pumps in a system of CHP plants, stores and district-heating networks."""

    kind: Literal["district"] = "district"
    """Kind of study."""
    title: str = "District study"
    """Title of the report."""
    description: str = ""
    """A few sentences for the report: what is studied, with which data."""
    time: TimeSpec
    """The horizon."""
    solve: SolveSpec = SolveSpec()
    """How the study is solved."""
    synthetic: SyntheticSpec | None = None
    """Targets of the seeded series generator, for series written as `{ synthetic = "..." }`."""
    fuels: dict[str, Fuel] = Field(default={})
    """Fuels by name."""
    carbon: CarbonSpec = CarbonSpec()
    """CO2 price and cap."""
    electricity: dict[str, ElectricityNode] = Field(default={})
    """Electricity nodes by name."""
    heat: dict[str, HeatArea] = Field(default={})
    """Heat areas by name."""
    devices: dict[str, DeviceUnion] = Field(default={})
    """Devices by name."""
    devices_table: str | None = None
    """CSV file with more devices: a `name` column, a `type` column and fields; empty cells take the default."""
    table_changes: dict[str, dict[str, Any]] = Field(default={})
    """Fields to change in devices of the table, by device: `table_changes.AMV1.min_load_share = 0.4`; `"*"` changes
    every device of the table that has the field."""
    reference: ReferenceSpec | None = None
    """The case to compare with; savings are reported against it."""
    on_top: list[str] = Field(default=[])
    """Files of capacity and parameter studies whose tables and charts go into the same report."""
    published_table: str | None = None
    """CSV file with published figures to print beside the results: figure, published, low, high, source, note."""


class DeviceRow(Spec):
    """One row of a devices table."""

    device: DeviceUnion
    """The device."""
