"""What a synthetic year must reach: published totals and anchors, each a field with its source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from varme.ground.spec import Spec

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class HeatAreaSpec(Spec):
    """A district-heating area: its heat in the year and how it follows the outdoor temperature.

    The law is ``base + slope * max(0, limit - T2)`` with ``T2`` the two-day mean outdoor temperature; then everything
    is scaled so that the year's sum is ``annual_twh``.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_]+$")
    """Name of the area; its series is called `heat_NAME_mw`."""
    annual_twh: Positive
    """Heat into the network in the calendar year [TWh]; reached exactly."""
    base_mw: Positive = 327.0
    """Heat that does not depend on the weather, before scaling [MW]. Default: fit to Greater Copenhagen 2020."""
    slope_mw_per_k: Positive = 102.8
    """Heat per kelvin below the limit, before scaling [MW/K]. Default: fit to Greater Copenhagen 2020, R2 0.946."""
    limit_c: float = 15.75
    """Outdoor temperature above which no space heat is drawn [C]. Default: fit to Greater Copenhagen 2020."""
    max_mw: float | None = Field(default=None, gt=0)
    """Most heat that the network takes [MW]: demand bends towards it from 80 % on, because peak boilers further down
    the network cover the coldest hours. No limit if not given."""
    noise_share: Share = 0.13
    """Standard deviation of demand about the law, as share of the law's annual mean: constant in MW, as measured, but
    never a larger share of a warm day's demand. Default: Greater Copenhagen 2020."""


class SyntheticSpec(Spec):
    """A synthetic year. The defaults are the published anchors of East Denmark (price area DK2) in 2011.

    Nothing is fitted to results of any model: totals come from statistics, shapes from measured hours of other years.
    """

    year: int = Field(default=2011, ge=1900, le=2200)
    """Calendar year, in `timezone`."""
    seed: int = Field(default=1, ge=0)
    """Seed; another seed is another weather year with the same totals."""
    timezone: str = "Europe/Copenhagen"
    """Clock by which people live (IANA name): daily profiles, weekends and the calendar year follow it."""

    gross_consumption_twh: Positive = 14.0
    """Gross electricity consumption of the year [TWh]; reached exactly. Default: East Denmark 2011."""
    gross_max_mw: Positive = 2560.0
    """Highest hourly gross consumption [MW]; reached exactly. Default: East Denmark 2011 (measured 2012: 2,520)."""
    electricity_share_per_k: float = Field(default=0.010, ge=0, lt=0.1)
    """Rise of electricity use per kelvin below the season's normal in midwinter [share/K]. Default: fit to DK2 2019."""

    wind_twh: Positive = 2.45
    """Wind power of the year [TWh]; reached exactly. Default: East Denmark 2011 (published: 2.45-2.5)."""
    wind_capacity_mw: Positive = 990.0
    """Installed wind power [MW]. Default: a quarter of the 3.95 GW in Denmark at the end of 2011 (an estimate)."""
    wind_temperature_correlation_share: float = Field(default=0.5, ge=0, le=0.85)
    """Seasonal swing of the correlation between slow wind and temperature: positive in winter, negative in summer.
    Default: DK2 wind and Copenhagen temperature 2019 (daily: +0.5 in winter, -0.3 in summer)."""

    decentral_twh: Annotated[float, Field(ge=0)] = 1.8
    """Decentral electricity of the year (small CHP, waste, industry) [TWh]; reached exactly. Default: East Denmark."""
    decentral_heat_driven_share: Share = 0.6
    """Part of it that follows heat demand and the tariff; the rest runs flat. Default: an assumption."""
    decentral_night_share: Share = 0.6
    """Output of the heat-driven part at night and weekends, relative to working days 7-21 h. Default: an assumption
    (small Danish CHP plants were paid by a three-rate tariff, so they produced by day into heat stores)."""

    heat_areas: tuple[HeatAreaSpec, ...] = (
        HeatAreaSpec(name="1", annual_twh=9.45, max_mw=2650.0),
        HeatAreaSpec(name="2", annual_twh=0.25, max_mw=70.0),
    )
    """Heat areas. Default: Greater Copenhagen (9.2-9.7 TWh in 2011 by the temperature fit: 9.45, the middle; peak
    2.6-2.7 GW, so about the 3,694 full-load hours of Balmorel's DK2_Large) and Kalundborg (0.25 TWh sold a year)."""

    monthly_mean_c: tuple[float, ...] = (0.3, -0.1, 3.1, 9.9, 11.3, 15.1, 16.4, 16.1, 14.1, 9.8, 6.7, 4.2)
    """Mean outdoor temperature per month, January first [C]. Default: Denmark 2011 as published by DMI (monthly
    reviews 'Vejret i Danmark'; May from the spring mean 8.1, November from the autumn mean 10.2)."""
    months: Literal["pinned", "free"] = "pinned"
    """`pinned`: every seed has exactly these monthly means; `free`: they are the climate and months vary by seed."""
    temperature_sd_winter_k: Positive = 3.0
    """Standard deviation of the daily temperature about the season in January [K]. Default: between Denmark 2011
    (PVGIS) and Copenhagen 2019-2023."""
    temperature_sd_summer_k: Positive = 2.2
    """The same in July [K]. Default: Copenhagen 2019-2023 and Denmark 2011."""

    spot_mean_eur_per_mwh: float | None = None
    """Mean day-ahead price of the year [EUR/MWh]; no price series if not given."""
    spot_sd_eur_per_mwh: Positive = 12.0
    """Standard deviation of the hourly price [EUR/MWh]. Default: of the order of DK2 2019 (13)."""

    holidays: tuple[str, ...] = ("01-01", "06-05", "12-24", "12-25", "12-26", "12-31")
    """Days that are like Sundays, as MM-DD. Default: Denmark, with the days that are free in practice."""
    holidays_after_easter_count: tuple[int, ...] = (-3, -2, 0, 1, 26, 39, 49, 50)
    """Further such days, counted from Easter Sunday. Default: Denmark until 2023 (26 = Great Prayer Day)."""

    @model_validator(mode="after")
    def _consistent(self) -> SyntheticSpec:
        if len(self.monthly_mean_c) != 12:
            raise ValueError(f"monthly_mean_c needs 12 values, has {len(self.monthly_mean_c)}")
        hours = 8760.0
        if self.wind_twh * 1e6 >= 0.95 * self.wind_capacity_mw * hours:
            raise ValueError("P101: wind_twh is more than 95 % of what wind_capacity_mw can give in a year")
        if self.gross_consumption_twh * 1e6 >= 0.98 * self.gross_max_mw * hours:
            raise ValueError("P101: gross_max_mw is below the mean of gross_consumption_twh")
        for area in self.heat_areas:
            if area.max_mw is not None and area.annual_twh * 1e6 >= 0.9 * area.max_mw * hours:
                raise ValueError(f"P101: max_mw of heat area {area.name} is too low for its annual_twh")
        names = [area.name for area in self.heat_areas]
        if len(set(names)) < len(names):
            raise ValueError(f"P112: heat areas need different names: {', '.join(names)}")
        return self
