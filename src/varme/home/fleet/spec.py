"""The study file of a fleet: a typical home, how homes differ, the feeder, the flexibility that is asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from varme.ground.spec import Spec
from varme.home.spec import HomeFields, PlanSpec, StateSpec


class SpreadSpec(Spec):
    """How a figure is spread over homes: log-normal about a median, cut off at both ends."""

    median: float = Field(gt=0)
    """Median, in the unit of the field that it stands in."""
    spread_share: float = Field(default=0.25, ge=0, le=2)
    """Standard deviation of the logarithm."""
    min: float = Field(default=0.0, ge=0)
    """Smallest value."""
    max: float = Field(default=1e9, gt=0)
    """Largest value."""

    @model_validator(mode="after")
    def _ordered(self) -> SpreadSpec:
        if not self.min <= self.median <= self.max:
            raise ValueError("P108 median: must lie between min and max")
        return self


class AgeSpec(Spec):
    """An age of buildings."""

    name: str
    """Name, for tables."""
    homes_share: float = Field(gt=0, le=1)
    """Share of the homes; the shares are scaled to add up to 1."""
    loss_100_m2_w_per_k: float = Field(gt=0)
    """Heat loss per kelvin of 100 m2 of heated floor."""
    emitter: Literal["floor", "radiator"] = "radiator"
    """Kind of emitters."""
    design_flow_c: float = Field(default=55.0, gt=25)
    """Flow temperature at the design outdoor temperature [C]; the return is 5 K (floor) or 10 K (radiator) lower."""


#: Ages of a mixed stock of Danish detached and terraced houses; figures are assumptions, not statistics.
AGES = [
    AgeSpec(name="before 1961, insulated later", homes_share=0.35, loss_100_m2_w_per_k=150),
    AgeSpec(name="1961-1985", homes_share=0.35, loss_100_m2_w_per_k=120),
    AgeSpec(name="1986-2010", homes_share=0.20, loss_100_m2_w_per_k=90, emitter="floor", design_flow_c=40.0),
    AgeSpec(name="after 2010", homes_share=0.10, loss_100_m2_w_per_k=60, emitter="floor", design_flow_c=35.0),
]


class PopulationSpec(Spec):
    """Homes drawn at random, seeded; every default is an assumption."""

    homes_count: int = Field(default=200, ge=1, le=1_000_000)
    """Number of homes."""
    seed: int = Field(default=1, ge=0)
    """Seed."""
    ages: list[AgeSpec] = Field(default=AGES, min_length=1)
    """Building ages."""
    floor_area_m2: SpreadSpec = SpreadSpec(median=130.0, spread_share=0.30, min=50.0, max=350.0)
    """Heated floor area."""
    capacity_100_m2_kwh_per_k: SpreadSpec = SpreadSpec(median=7.0, spread_share=0.30, min=2.5, max=18.0)
    """Heat capacity of 100 m2 of heated floor."""
    persons_share: list[float] = Field(default=[0.25, 0.35, 0.17, 0.16, 0.07], min_length=1)
    """Shares of homes with 1, 2, 3... persons; scaled to add up to 1."""
    pump_sizing_ratio: SpreadSpec = SpreadSpec(median=0.85, spread_share=0.15, min=0.5, max=1.5)
    """Heat of the heat pump over the heat loss at the design outdoor temperature."""
    pump_quality_ratio: SpreadSpec = SpreadSpec(median=1.0, spread_share=0.08, min=0.75, max=1.3)
    """COP relative to the typical home's machine, where that one has data-sheet points; else to the median machine."""
    pump_step_kw: float = Field(default=1.0, gt=0)
    """Machines are made in steps of this size."""
    tank_per_person_l: SpreadSpec = SpreadSpec(median=70.0, spread_share=0.20, min=35.0, max=150.0)
    """Hot-water tank per person; at least 100 l."""
    typical_persons_count: int = Field(default=2, ge=1, le=20)
    """Persons of the typical home, whose series of load and draws the other sections give."""
    draw_ratio: SpreadSpec = SpreadSpec(median=1.0, spread_share=0.35, min=0.2, max=4.0)
    """Hot water per person, relative to the typical home's."""
    load_ratio: SpreadSpec = SpreadSpec(median=1.0, spread_share=0.35, min=0.2, max=4.0)
    """Electricity without heating and car, relative to the typical home's; 15 % more for each further person."""
    photovoltaics_share: float = Field(default=0.4, ge=0, le=1)
    """Share of the homes with PV."""
    peak_kwp: SpreadSpec = SpreadSpec(median=6.0, spread_share=0.3, min=1.5, max=15.0)
    """Peak power of PV."""
    battery_share: float = Field(default=0.5, ge=0, le=1)
    """Share of the homes with PV that have a battery."""
    battery_kwh: SpreadSpec = SpreadSpec(median=8.0, spread_share=0.35, min=2.5, max=25.0)
    """Usable capacity of a battery."""
    vehicle_share: float = Field(default=0.4, ge=0, le=1)
    """Share of the homes with an electric vehicle."""
    vehicle_kwh: SpreadSpec = SpreadSpec(median=60.0, spread_share=0.25, min=20.0, max=110.0)
    """Usable capacity of a vehicle."""
    trip_kwh: SpreadSpec = SpreadSpec(median=7.0, spread_share=0.5, min=1.0, max=30.0)
    """Electricity of a trip."""
    leave_spread_h: float = Field(default=0.8, ge=0, le=4)
    """Standard deviation of departure and return about those of the typical home's trip."""
    comfort_spread_k: float = Field(default=0.7, ge=0, le=4)
    """Standard deviation of the comfort band about that of the typical home."""
    state_spread_share: float = Field(default=1.0, ge=0, le=1)
    """How much the states at the start differ; 0 for the typical home's state everywhere."""
    shift_h: float = Field(default=1.0, ge=0, le=6)
    """Standard deviation of the shift in time of load and draws between homes."""
    noise_share: float = Field(default=0.4, ge=0, le=2)
    """Spread of load and draws from step to step between homes (log-normal, energy kept)."""


class HomesFileSpec(Spec):
    """A table of homes: one row a home, columns named like the fields of a home study."""

    file: str
    """CSV or Parquet file, relative to the study file."""
    name_column: str = "name"
    """Column with the name of the home; rows are numbered without one."""


class FeederSpec(Spec):
    """The feeder that the homes share."""

    import_max_kw: float | None = Field(default=None, gt=0)
    """Largest import of all homes together; no limit if not given."""
    export_max_kw: float | None = Field(default=None, gt=0)
    """Largest export of all homes together; no limit if not given."""
    base_load_kw: float = Field(default=0.0, ge=0)
    """What others on the feeder draw."""
    rounds_count: int = Field(default=16, ge=1, le=100)
    """Most rounds of prices."""
    gap_share: float = Field(default=0.005, ge=0)
    """Gap relative to the cost at which the rounds end."""
    compare_equal_caps: bool = True
    """Whether to compare with an equal share of the limit for each home."""


class FlexibilitySpec(Spec):
    """The flexibility that is asked for."""

    durations_min: list[int] = Field(default=[15, 60, 120, 240])
    """How long more or less power is to be held [min]; none for no envelope."""
    keep_envelopes: bool = True
    """Whether the envelope of every home is kept (table `fleet_envelope`), or the fleet's totals only."""


class FleetPlanSpec(PlanSpec):
    """How the homes are planned."""

    chunk_homes_count: int = Field(default=50, ge=1, le=10_000)
    """Homes in a chunk: what a worker gets at a time and what a killed run keeps."""
    thorough: bool = False
    """Whether each plan is searched as far as that of a single home: about 0.1 % cheaper, in twice the time (measured
    on 40 homes)."""


class FleetStudy(HomeFields):
    """A fleet of homes, each planned and certified."""

    kind: Literal["fleet"] = "fleet"
    """Kind of study."""
    state: StateSpec = StateSpec()
    """The state of the typical home at the start."""
    population: PopulationSpec | None = None
    """Homes drawn at random about the typical home that the other sections describe."""
    homes: HomesFileSpec | None = None
    """Homes from a file, instead of `population`."""
    feeder: FeederSpec = FeederSpec()
    """The feeder."""
    flexibility: FlexibilitySpec = FlexibilitySpec()
    """The flexibility that is asked for."""
    plan: FleetPlanSpec = FleetPlanSpec()
    """How the homes are planned."""

    @model_validator(mode="after")
    def _homes(self) -> FleetStudy:
        if (self.population is None) == (self.homes is None):
            raise ValueError("P180 population: give either `population` or `homes`, not both and not neither")
        short = [d for d in self.flexibility.durations_min if d % self.time.step_min or d <= 0]
        if short:
            what = f"{', '.join(map(str, short))} min are no whole steps of {self.time.step_min} min"
            raise ValueError(f"P181 flexibility.durations_min: {what} | Give multiples of time.step_min.")
        return self
