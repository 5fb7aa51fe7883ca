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


class BuildingsSpec(Spec):
    """The table of buildings: which meter is where."""

    file: str
    """CSV or Parquet, one row per meter."""
    meter_column: str = "meter"
    """Column with the meter's id."""


class RetrofitStudy(Spec):
    """From gas and heat-pump meters to SPF, retrofitted demand, peaks and transformers."""

    kind: Literal["retrofit"] = "retrofit"
    """Kind of study."""
    title: str = ""
    """Title of the report."""
    description: str = ""
    """What the study is about; shown at the top of the report."""
    period: PeriodSpec = PeriodSpec()
    """The years that are studied."""
    town: TownSpec | None = None
    """A synthetic town instead of files."""
    gas_meters: MeterFilesSpec | None = None
    """Gas meters."""
    heat_pump_meters: MeterFilesSpec | None = None
    """Meters of heat pumps: their electricity."""
    temperature_c: FileSeries | None = None
    """Outdoor temperature, hourly or daily."""
    buildings: BuildingsSpec | None = None
    """Buildings: volume, age, furnace, transformer of each meter."""
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
        files = [
            n for n in ("gas_meters", "heat_pump_meters", "temperature_c") if getattr(self, n) is not None
        ]
        if self.town is not None and files:
            raise ValueError(f"P108: a synthetic town has its own meters; leave out {', '.join(files)}")
        if self.town is None and self.gas_meters is None:
            raise ValueError("P103: give gas_meters and temperature_c, or town for a synthetic one")
        return self
