"""How retrofitted demand is computed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from varme.ground.spec import Spec
from varme.retrofit.demand.sizing import AIR_FALL_SHARE_PER_K, CATALOGUE_KW


class DemandSpec(Spec):
    """Retrofitted demand."""

    shapes: Literal["measured", "bdew", "when2heat"] = "measured"
    """Where hourly shapes come from: the town's own heat-pump meters, or a standard profile of heat (BDEW's through the
    extra `profiles`, When2Heat's from `profile_folder`) with the COP of each hour."""
    profile_folder: str = ""
    """Folder with When2Heat's parameter files (`hourly_factors_SFH.csv`...), for `when2heat`."""
    profile_building: Literal["SFH", "MFH"] = "SFH"
    """Building of a standard profile: single-family or multi-family."""
    profile_class_count: int = Field(default=5, ge=1, le=11)
    """Building class of the BDEW profile, 1 to 11 by the share of old buildings (5: assumption)."""
    seed: int = Field(default=1, ge=0)
    """Seed of what is drawn."""
    step_min: int = Field(default=60, ge=15, le=60)
    """Step of the load [min]: 15, 30 or 60."""
    heating_limit_c: float | None = Field(default=None, ge=5, le=25)
    """Daily temperature from which on nobody heats [C]: all heat is hot water then. If not given: 1 K above the limit
    that 99 % of the slopes of the change-point models lie below."""
    hot_water_cop: float | None = Field(default=None, gt=0.8, le=8)
    """COP of hot water; read from the days without heating of both fleets if not given."""
    hot_water_swing_share: float = Field(default=0.0, ge=0, lt=0.5)
    """Half the yearly range of hot water, of its mean: colder mains in winter (0: flat, what the paper assumes)."""
    standby_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of the gas base load that the furnace loses standing by and no heat pump replaces (0 unless known)."""
    legionella: bool = False
    """Whether tanks are heated up once a week by the electric rod."""
    tank_l: float = Field(default=200.0, gt=0)
    """Hot-water tank of a home [l] (assumption)."""
    stored_c: float = Field(default=50.0, ge=35, le=70)
    """Temperature that the heat pump keeps in the tank [C] (assumption)."""
    legionella_c: float = Field(default=60.0, ge=55, le=80)
    """Temperature of the weekly heating-up [C] (DVGW W 551: 60 C at the outlet)."""
    backup: Literal["in_meters", "modelled", "none"] = "in_meters"
    """Backup heaters: `in_meters`: the electricity of the measured heat pumps holds theirs, so the COP curve does too
    (boundary H3 or H4); `modelled`: added from the sizing (boundary H1 or H2); `none`."""
    sizing: Literal["monovalent", "bivalent_parallel", "bivalent_alternative"] = "bivalent_parallel"
    """Rule by which heat pumps are chosen."""
    backup_energy: Literal["electric", "fuel"] = "electric"
    """What backup heaters burn: electricity, or the fuel of the furnace that stays."""
    design_temperature_c: float | None = Field(default=None, ge=-45, le=15)
    """Design outdoor temperature [C]; the two-day mean that is undercut ten times in twenty years if not given."""
    design_spell_days: int = Field(default=7, ge=2, le=60)
    """Length of the design cold spell [days]."""
    design_indoor_c: float | None = Field(default=None, ge=15, le=26)
    """Indoor temperature of the design load without gains [C] (EN 12831: 20); the measured limit if not given."""
    bivalence_c: float = Field(default=-5.0, ge=-30, le=10)
    """Bivalence temperature aimed at [C] (assumption; EN 14825 allows up to 2 C in the average climate)."""
    capacity_fall_share_per_k: float = Field(default=AIR_FALL_SHARE_PER_K, ge=0, lt=0.1)
    """Fall of the heat pump's capacity per kelvin [1/K]: median of 7,420 air/water models at 55 C flow (Heat Pump
    Keymark, hplib's collection of October 2024); brine 0.0032."""
    operation_limit_c: float = Field(default=-20.0, ge=-40, le=0)
    """Outdoor temperature below which heat pumps stand still [C]: 10th percentile of the Keymark's declared limits."""
    catalogue_kw: list[float] = Field(default=list(CATALOGUE_KW))
    """Sizes on the market at -7 C [kW], from the Keymark's frequent ones; an empty list allows any size."""
    blocking: list[str] = Field(default=[])
    """Hours in which the grid operator blocks heat pumps, local time, for example `11:00-13:00` (at most 3 x 2 h a day
    were usual in Germany)."""
    blocking_days: Literal["all", "weekdays"] = "all"
    """Days with blocking."""
    preheat_share: float = Field(default=0.3, ge=0, le=1)
    """Share of a blocked window's energy that is drawn before it (assumption)."""
    shift_reach_h: float = Field(default=6.0, gt=0, le=24)
    """How far before and after a window energy is moved [h] (assumption)."""
    draws_count: int = Field(default=1000, ge=100, le=100000)
    """Draws for the intervals of demand."""
