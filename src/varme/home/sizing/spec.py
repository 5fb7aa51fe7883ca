"""The study file of a sizing: the home, what is decided, what it costs, scenarios, and what it is compared with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from varme.components.heat_pump_spec import PointSpec
from varme.ground.series import SeriesSpec
from varme.ground.size import Decision
from varme.ground.spec import Spec
from varme.home.spec import HomeFields, TimeSpec


class ModelSpec(Spec):
    """A heat pump of a catalogue: its own capacity curve and price."""

    name: str
    """Name, unique in the catalogue."""
    rated_kw: float | None = Field(default=None, gt=0)
    """Heat at full load at a source of -7 C (brine: 0 C) and a flow of 35 C; that of `model` if not given."""
    model: str | None = None
    """Its name in the catalogue `heat_pump.catalogue` or among the typical machines, for its certified points."""
    points: list[PointSpec] = Field(default=[])
    """Points of its data sheet; the home's heat pump's if none are given."""
    minimum_share: float | None = Field(default=None, ge=0, le=1)
    """Smallest heat over full load; the home's heat pump's if not given."""
    eur: float = Field(default=0.0, ge=0)
    """Investment, installed."""
    fixed_om_eur_year: float = Field(default=0.0, ge=0)
    """Operation and maintenance a year [EUR]."""
    life_years: float = Field(default=18.0, gt=0)
    """Life over which the investment is paid back."""
    interest_share: float = Field(default=0.04, ge=0, le=1)
    """Real interest rate [share a year]."""
    price_year: int | None = Field(default=None, ge=1990, le=2100)
    """Year of the money in which the price is stated."""
    source: str = ""
    """Where the price comes from."""
    subsidy_eur: float = Field(default=0.0, ge=0)
    """Subsidy [EUR]."""
    eur_range_share: float = Field(default=0.0, ge=0, lt=1)
    """How far the price may lie above or below, as a share of it."""


class ScenarioSpec(Spec):
    """Another year that the home must serve: other weather, or other prices."""

    name: str
    """Name, for tables."""
    weight_share: float = Field(default=1.0, gt=0)
    """Weight, relative to the others'."""
    time: TimeSpec | None = None
    """Its horizon, if it is another."""
    synthetic_seed: int | None = Field(default=None, ge=0)
    """Another seed of the synthetic year."""
    outdoor_c: SeriesSpec | None = None
    """Another air temperature [C]."""
    ghi_w_per_m2: SeriesSpec | None = None
    """Another irradiance [W/m2]."""
    energy_eur_per_kwh: SeriesSpec | None = None
    """Another energy price."""
    energy_scale_share: float = Field(default=1.0, gt=0)
    """Factor on the prices of import and export."""


class ReferenceSpec(Spec):
    """What exists, or would be done otherwise: a boiler that gives the same heat, without PV and battery."""

    name: str = "gas boiler"
    """Name."""
    efficiency_share: float = Field(default=0.92, gt=0, le=1.1)
    """Heat over fuel, both on the base in which the fuel is paid. Default: a condensing boiler, gross (assumption)."""
    fuel_eur_per_kwh: SeriesSpec = 0.10
    """Price of the fuel with everything included [EUR per kWh on its base]."""
    fuel_co2_g_per_kwh: float = Field(default=202.0, ge=0)
    """Emissions of the fuel [g per kWh]. Default: natural gas, 56.1 kg/GJ net (IPCC 2006), on net energy."""
    electric_share: float = Field(default=0.01, ge=0, le=0.2)
    """Electricity of pumps and controls over heat (assumption)."""
    eur: float = Field(default=0.0, ge=0)
    """Investment that the reference needs (a new boiler); 0 if it is there."""
    fixed_om_eur_year: float = Field(default=0.0, ge=0)
    """Operation and maintenance a year, with the gas connection's fixed charge [EUR]."""
    life_years: float = Field(default=20.0, gt=0)
    """Life of the investment."""


class SizingSpec(Spec):
    """What is decided, and how."""

    heat_pump_kw: Decision | None = None
    """Heat pump: rated heat at -7 C (brine: 0 C) and 35 C [kW]; instead of `heat_pump.rated_kw`."""
    backup_kw: Decision | None = None
    """Electric backup heater [kW]; instead of `heat_pump.backup_kw`."""
    tank_l: Decision | None = None
    """Hot-water tank [litres]; instead of `hot_water.volume_l`."""
    battery_kwh: Decision | None = None
    """Battery [kWh]; instead of `battery.capacity_kwh`."""
    pv_kwp: Decision | None = None
    """First PV field [kWp]; instead of its `peak_kwp`. Other fields are decided at their own `peak_kwp`."""
    models: list[ModelSpec] = Field(default=[])
    """Catalogue: heat pumps to choose from, instead of a size in kW."""
    costs: Literal["", "dea-2020"] = ""
    """Costs for decisions that state none: a set of the package (see the documentation), with its price year."""
    price_year: int | None = Field(default=None, ge=1990, le=2100)
    """Year of the money to count in; needs `price_index` where costs are of other years."""
    price_index: dict[str, float] = Field(default={})
    """Price level by year ("2020" = 100, "2025" = 127), from your statistics office."""
    gap_share: float = Field(default=1e-3, gt=0, le=0.5)
    """Gap at which the search ends, as a share of the yearly cost."""
    period_days: int = Field(default=14, ge=2, le=92)
    """Length of the periods that are solved one by one."""
    rounds_count: int = Field(default=60, ge=1, le=1000)
    """Most rounds of the search."""
    advice: Literal["none", "full"] = "full"
    """`full`: flat ranges, regret, map of sizes, payback beside the optimum; `none`: the optimum alone."""
    flat_share: float = Field(default=0.01, gt=0, le=0.5)
    """What "as good as the best" means: cost within this share of the optimum."""
    co2_max_kg: float | None = Field(default=None, ge=0)
    """Most emissions of bought electricity a year [kg]."""
    pareto_count: int = Field(default=0, ge=0, le=20)
    """Points of the front of cost against CO2; 0 for none."""
    co2_price_max_eur_per_t: float = Field(default=1000.0, gt=0)
    """Highest CO2 price that the front, or the search for a CO2 limit, uses."""
    missed_max_k_h: float = Field(default=100.0, ge=0)
    """Most degree-hours a year below comfort or warm water (in kelvin hours) that the best sizes may leave."""
    check_days_count: int = Field(default=3, ge=0, le=30)
    """Days on which the chosen sizes are planned in full (on/off, starts), to tell what the relaxation leaves out."""
    persons_count: float = Field(default=4.0, gt=0)
    """People, for the rule of thumb of the tank."""

    @model_validator(mode="after")
    def _consistent(self) -> SizingSpec:
        names = [m.name for m in self.models]
        if len(set(names)) < len(names):
            raise ValueError("P173 models: a name is given twice | Give every model its own name.")
        if self.models and self.heat_pump_kw is not None:
            raise ValueError("P108 heat_pump_kw: give a size in kW or a catalogue, not both")
        unknown = [m.name for m in self.models if m.rated_kw is None and m.model is None]
        if unknown:
            raise ValueError(f"P103 models: {unknown[0]} has neither rated_kw nor model | Give one of them.")
        return self


class SizingStudy(HomeFields):
    """Sizes of a home's heat pump, tank, PV and battery over a year, certified."""

    kind: Literal["home-sizing"] = "home-sizing"
    """Kind of study."""
    sizing: SizingSpec = SizingSpec()
    """What is decided, and how."""
    scenarios: list[ScenarioSpec] = Field(default=[])
    """Other years (weather, prices) beside the study's own, all served by the same sizes."""
    base_weight_share: float = Field(default=1.0, gt=0)
    """Weight of the study's own year, relative to the scenarios'."""
    reference: ReferenceSpec | None = None
    """What the home is compared with."""
