"""The study files of homes: the fields that all kinds share, and those of the kind ``home``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from varme.components.battery import Battery
from varme.components.buffer_tank import BufferTank
from varme.components.deferrable_load import DeferrableLoad
from varme.components.dimming import Dimming
from varme.components.electric_vehicle import ElectricVehicle
from varme.components.grid_connection import GridConnection
from varme.components.home_heat_pump import HomeHeatPump
from varme.components.hot_water_tank import HotWaterTank
from varme.components.house import House
from varme.components.photovoltaics import Photovoltaics
from varme.components.second_heater import SecondHeater
from varme.data.synthetic.home import HomeYearSpec
from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec
from varme.home.scenarios.spec import ScenariosSpec
from varme.markets.tariffs import TariffSpec


class TimeSpec(Spec):
    """The horizon."""

    start: datetime | date
    """First instant; without an offset it is wall-clock time of `timezone`."""
    end: datetime | date
    """First instant after the horizon."""
    step_min: int = Field(default=15, ge=1, le=60)
    """Length of a step [min]."""
    timezone: str = "Europe/Copenhagen"
    """Wall clock of the home (IANA name)."""


class PlaceSpec(Spec):
    """Where the home stands, and how the sun's irradiance is put onto roofs and windows."""

    latitude_deg: float = Field(default=55.68, ge=-89, le=89)
    """Latitude, north positive. Default: Copenhagen."""
    longitude_deg: float = Field(default=12.57, ge=-180, le=180)
    """Longitude, east positive."""
    albedo_share: float = Field(default=0.2, ge=0, le=1)
    """Share of irradiance that the ground reflects: 0.2 grass, 0.6 and more fresh snow (assumption)."""
    sky: Literal["hay_davies", "isotropic", "perez"] = "hay_davies"
    """Model of diffuse light on a tilted plane; `perez` needs the extra `varme[pv]`."""
    split: Literal["erbs", "dirint"] = "erbs"
    """Model that splits global irradiance where beam and diffuse are not given; `dirint` needs `varme[pv]`."""


class WeatherSpec(Spec):
    """The weather."""

    outdoor_c: SeriesSpec
    """Air temperature [C]."""
    ghi_w_per_m2: SeriesSpec = 0.0
    """Global irradiance on the horizontal plane [W/m2]."""
    dni_w_per_m2: SeriesSpec | None = None
    """Beam irradiance on a plane that faces the sun [W/m2]; from the global one if not given."""
    dhi_w_per_m2: SeriesSpec | None = None
    """Diffuse irradiance on the horizontal plane [W/m2]; from the global one if not given."""
    ground_c: float = 8.0
    """Temperature of brine or ground water as it enters the heat pump [C]."""
    cold_water_c: float = 10.0
    """Temperature of cold water [C]."""


class HouseholdSpec(Spec):
    """The people: their electricity."""

    load_kw: SeriesSpec = 0.4
    """Electricity without heating and car, mean over each interval [kW]."""


class StateSpec(Spec):
    """The state at the start of the plan."""

    room_c: float = 21.0
    """Room temperature [C]."""
    tank_c: float = 50.0
    """Tank temperature [C]."""
    battery_share: float = Field(default=0.3, ge=0, le=1)
    """Level of the battery."""
    vehicle_share: float = Field(default=0.5, ge=0, le=1)
    """Level of the vehicles."""
    buffer_c: float = 30.0
    """Temperature of the buffer tank [C]."""
    legionella_days: float = Field(default=0.0, ge=0)
    """Days since the tank's last disinfection."""
    compressor: Literal["off", "room", "water", "cool"] = "off"
    """What the compressor does."""
    compressor_min: float = Field(default=600.0, ge=0)
    """For how long it has been on or off [min]."""


class HomeFields(Spec):
    """The home itself: what all kinds of home studies share."""

    title: str = ""
    """Title of the report."""
    description: str = ""
    """What the study is about; shown at the top of the report."""
    time: TimeSpec
    """The horizon."""
    synthetic: HomeYearSpec | None = None
    """A seeded synthetic year of weather, prices, load and draws, for series that ask for one."""
    place: PlaceSpec = PlaceSpec()
    """Where the home stands."""
    weather: WeatherSpec
    """The weather."""
    house: House | None = None
    """The house."""
    heat_pump: HomeHeatPump | None = None
    """The heat pump."""
    hot_water: HotWaterTank | None = None
    """The hot-water tank."""
    buffer: BufferTank | None = None
    """The buffer tank of the heating circuit."""
    second_heater: SecondHeater | None = None
    """A gas or oil boiler, or district heating, beside the heat pump."""
    dimming: Dimming | None = None
    """Hours in which the grid operator dims the controllable loads (German EnWG 14a)."""
    battery: Battery | None = None
    """The battery."""
    vehicles: list[ElectricVehicle] = Field(default=[])
    """Electric vehicles."""
    deferrable_loads: list[DeferrableLoad] = Field(default=[])
    """Loads that may wait: washing machine, dishwasher, pool pump."""
    photovoltaics: list[Photovoltaics] = Field(default=[])
    """PV fields."""
    household: HouseholdSpec = HouseholdSpec()
    """The people."""
    grid: GridConnection = GridConnection()
    """The grid connection."""
    tariff: TariffSpec = TariffSpec()
    """The tariff."""


class PlanSpec(Spec):
    """How the plan is made."""

    quality: Literal["fast", "thorough", "exact"] = "fast"
    """`fast`: bound and a good plan in tens of milliseconds; `thorough`: bound and plan are improved window by window
    until the gap is at most half a percent or `gap_cent`, in a second or a few; `exact`: then branch and bound until
    the gap is at most `gap_cent`, or `exact_nodes_count` is spent."""
    gap_cent: float = Field(default=1.0, ge=0)
    """Gap at which a thorough or exact plan is good enough [cent]."""
    exact_nodes_count: int = Field(default=2000, ge=1)
    """Most nodes of branch and bound for an exact plan: some minutes on the hardest days. Nodes, not seconds, so that
    two equal runs give equal plans."""


class HomeStudy(HomeFields):
    """A plan of a home, certified and explained."""

    kind: Literal["home"] = "home"
    """Kind of study."""
    state: StateSpec = StateSpec()
    """The state at the start."""
    plan: PlanSpec = PlanSpec()
    """How the plan is made."""
    scenarios: ScenariosSpec | None = None
    """How uncertain the forecasts are: the plan's first decisions under scenarios, compared with the plan's own."""
