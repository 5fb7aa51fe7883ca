"""The study file of the kind ``retrofit``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from varme.data.clean.spec import CleaningSpec
from varme.data.meters.spec import MeterFilesSpec
from varme.data.synthetic.town import TownSpec
from varme.ground.series import FileSeries
from varme.ground.spec import Spec
from varme.retrofit.demand.spec import DemandSpec
from varme.retrofit.grid.spec import AdoptionSpec, GridSpec, PrivacySpec
from varme.retrofit.heat import FurnaceSpec, GasSpec
from varme.retrofit.spf.spec import SpfSpec


class PeriodSpec(Spec):
    """The years that are studied."""

    years: list[int] = Field(default=[2019, 2020, 2021], min_length=1)
    """Calendar years, one after the other."""
    timezone: str = "Europe/Berlin"
    """Clock of the town (IANA name): days, and the axes of the report."""

    @model_validator(mode="after")
    def _successive(self) -> PeriodSpec:
        if self.years != list(range(self.years[0], self.years[0] + len(self.years))):
            raise ValueError(f"P101 years: must follow one another without a gap (found {self.years})")
        if not 1950 <= self.years[0] <= 2200:
            raise ValueError("P101 years: must lie between 1950 and 2200")
        return self


class BuildingsSpec(Spec):
    """The table of buildings: what is known of the building behind each meter."""

    file: str
    """CSV or Parquet, one row per meter, relative to the study file."""
    meter_column: str = "meter"
    """Column with the meter's id."""


class TransformersSpec(Spec):
    """The table of transformers."""

    file: str
    """CSV or Parquet, one row per transformer, relative to the study file. Columns: `transformer`, and any of
    `rating_kva`, `feeder`, `base_peak_kw` (what it carries already), `unmetered_homes_count`, `x_m` and `y_m`, or
    `lon_deg` and `lat_deg`."""


class MonitoredSpec(Spec):
    """Heat pumps whose heat and electricity are both metered: the SPF is measured, not inferred.

    As a check, the heat of one half is also compared with the electricity of the other half, as if they were unpaired.
    """

    file: str
    """CSV or Parquet, one row per system and year, relative to the study file."""
    meter_column: str = "meter"
    """Column with the id of the system."""
    heat_column: str
    """Column with the heat of the year [kWh]."""
    electricity_column: str
    """Column with the electricity of the year [kWh]."""
    covariates: list[str] = Field(default=[])
    """Columns that explain heat, for the unpaired check (`floor_area`...)."""
    heat_half_count: int = Field(default=0, ge=0)
    """Systems of which the check uses the heat; the other ones give electricity. 0: half of them."""
    seed: int = Field(default=1, ge=0)
    """Seed of the split."""
    spf_min: float = Field(default=1.5, gt=0)
    """Systems with a lower SPF are left out as implausible, and counted."""
    spf_max: float = Field(default=7.0, gt=1)
    """Systems with a higher SPF are left out as implausible, and counted."""


class OtherTownSpec(Spec):
    """B of another town, from a run of its own: towns are drawn to each other as far as each is uncertain."""

    name: str = Field(min_length=1)
    """Name of the town."""
    b_ratio: float = Field(gt=0.5, lt=12)
    """Its B (the figure `b_ratio` of its run)."""
    low_ratio: float = Field(gt=0.5, lt=12)
    """Lower end of its interval from sampling (`b_sampling_low_ratio` in its table `spf_intervals`)."""
    high_ratio: float = Field(gt=0.5, lt=12)
    """Upper end."""

    @model_validator(mode="after")
    def _ordered(self) -> OtherTownSpec:
        if not self.low_ratio < self.b_ratio < self.high_ratio:
            raise ValueError("P101 b_ratio: must lie between low_ratio and high_ratio")
        return self


class GivenSpfSpec(Spec):
    """An SPF that is given instead of estimated."""

    fleet_spf: float = Field(gt=1, lt=10)
    """Seasonal performance factor of the fleet."""
    low_spf: float = Field(gt=1, lt=10)
    """Lower end of its interval, at the confidence of `spf.confidence_share`."""
    high_spf: float = Field(gt=1, lt=10)
    """Upper end."""
    source: str = Field(min_length=3)
    """Where the figure comes from."""

    @model_validator(mode="after")
    def _ordered(self) -> GivenSpfSpec:
        if not self.low_spf <= self.fleet_spf <= self.high_spf:
            raise ValueError("P101 fleet_spf: must lie between low_spf and high_spf")
        return self


class RetrofitStudy(Spec):
    """From gas and heat-pump meters to SPF, retrofitted demand, peaks and transformers."""

    kind: Literal["retrofit"] = "retrofit"
    """Kind of study."""
    title: str = ""
    """Title of the report."""
    description: str = ""
    """What the study is about; shown at the top of the report."""
    period: PeriodSpec = PeriodSpec()
    """The years that are studied; a synthetic town has its own."""
    town: TownSpec | None = None
    """A synthetic town instead of files."""
    gas_meters: MeterFilesSpec | None = None
    """Gas meters."""
    heat_pump_meters: MeterFilesSpec | None = None
    """Meters of heat pumps: their electricity."""
    monitored: MonitoredSpec | None = None
    """Heat pumps with heat and electricity metered, instead of heat-pump meters."""
    given: GivenSpfSpec | None = None
    """An SPF that is given, instead of heat-pump meters."""
    other_towns: list[OtherTownSpec] = Field(default=[])
    """B of other towns, for partial pooling with the one that is studied."""
    temperature_c: FileSeries | None = None
    """Outdoor temperature, hourly or daily."""
    buildings: BuildingsSpec | None = None
    """Buildings: volume, age, furnace, transformer of each meter."""
    transformers: TransformersSpec | None = None
    """Transformers: rating, feeder, place."""
    gas: GasSpec = GasSpec()
    """The gas, and how a meter's volume becomes energy."""
    furnace: FurnaceSpec = FurnaceSpec()
    """Efficiency of the furnaces."""
    cleaning: CleaningSpec = CleaningSpec()
    """Cleaning rules and what is enough."""
    spf: SpfSpec = SpfSpec()
    """Estimation of B and of the SPF."""
    demand: DemandSpec = DemandSpec()
    """Retrofitted demand."""
    grid: GridSpec = GridSpec()
    """Transformers."""
    adoption: AdoptionSpec = AdoptionSpec()
    """Who switches, and in which order."""
    privacy: PrivacySpec = PrivacySpec()
    """What may be shown."""

    @model_validator(mode="after")
    def _one_source(self) -> RetrofitStudy:
        files = (
            "gas_meters",
            "heat_pump_meters",
            "temperature_c",
            "buildings",
            "transformers",
            "monitored",
            "given",
        )
        named = [n for n in files if getattr(self, n) is not None]
        towns = [town.name for town in self.other_towns]
        if len(set(towns)) < len(towns):
            raise ValueError(f"P112: other_towns need different names: {', '.join(towns)}")
        if self.town is not None and named:
            raise ValueError(
                f"P108: a synthetic town has everything of its own; leave out {', '.join(named)}"
            )
        if self.town is None:
            missing = [n for n in ("gas_meters", "temperature_c") if getattr(self, n) is None]
            if missing:
                raise ValueError(
                    f"P103: {' and '.join(missing)} missing | Give files, or town for a synthetic one."
                )
            levels = [n for n in ("heat_pump_meters", "monitored", "given") if getattr(self, n) is not None]
            if not levels:
                raise ValueError(
                    "P103: nothing tells the SPF | Give heat_pump_meters, monitored (heat and electricity of some "
                    "systems) or given (an SPF with its interval and source)."
                )
            if "given" in levels and len(levels) > 1:
                raise ValueError(f"P108: given excludes {', '.join(n for n in levels if n != 'given')}")
            if self.heat_pump_meters is None and self.demand.shapes == "measured":
                raise ValueError(
                    "P108: demand.shapes: hourly shapes cannot be measured without heat_pump_meters | Use "
                    'shapes = "when2heat" with profile_folder, or shapes = "bdew" (extra `profiles`).'
                )
        return self

    @property
    def years(self) -> tuple[int, ...]:
        """The calendar years."""
        return tuple(self.town.years) if self.town else tuple(self.period.years)

    @property
    def timezone(self) -> str:
        """The clock of the town."""
        return self.town.timezone if self.town else self.period.timezone
