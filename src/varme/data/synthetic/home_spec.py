"""What a synthetic year of a home must reach, each figure a field with its unit and source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from varme.ground.spec import Spec

Positive = Annotated[float, Field(gt=0)]


class HomeYearSpec(Spec):
    """A synthetic year of a home: weather, market, household. The defaults are a house in Copenhagen.

    Every total is reached exactly in the calendar year, so two seeds are two years with the same totals and different
    hours.
    """

    year: int = Field(default=2025, ge=1950, le=2200)
    """Calendar year, in `timezone`."""
    seed: int = Field(default=1, ge=0)
    """Seed; another seed is another year with the same totals."""
    timezone: str = "Europe/Copenhagen"
    """Clock by which people live (IANA name): daily habits, weekends and the calendar year follow it."""
    holidays: tuple[str, ...] = ("01-01", "06-05", "12-24", "12-25", "12-26", "12-31")
    """Days that are like Sundays, as MM-DD. Default: Denmark, with the days that are free in practice."""
    holidays_after_easter_count: tuple[int, ...] = (-3, -2, 0, 1, 39, 49, 50)
    """Further such days, counted from Easter Sunday. Default: Denmark since 2024."""

    try_region: int | None = Field(default=None, ge=1, le=15)
    """Take the weather from the German test reference year of this climate region (DWD 2010, 1 North Sea coast ... 15
    Alps) instead of making it: needs demandlib (`pip install "varme[profiles]"`). Place and weather fields are then
    those of its station; prices still follow the weather."""
    latitude_deg: float = Field(default=55.68, ge=-66, le=66)
    """Latitude, north positive. Default: Copenhagen."""
    longitude_deg: float = Field(default=12.57, ge=-180, le=180)
    """Longitude, east positive. Default: Copenhagen."""
    mean_c: float = 9.0
    """Mean outdoor temperature of the year [C]. Default: between the mean of Denmark 2007-2016 (8.6, PVGIS) and
    Copenhagen 2019 (9.9, NSRDB)."""
    coldest_c: float = -10.0
    """Coldest quarter-hour of the year [C]: what a design cold spell reaches. Default: an assumption for the Danish
    coast, close to the design temperature of the EN 14825 average climate (-10)."""
    season_k: Positive = 8.3
    """Amplitude of the annual wave of temperature, coldest on 28 January [K]; half the difference between the means of
    July and January is about 0.94 of it. Default: Copenhagen 2019 (1.5 and 18.2)."""
    weather_sd_winter_k: Positive = 3.0
    """Standard deviation of daily temperature about the season in January [K]. Default: between Denmark 2011 (PVGIS)
    and Copenhagen 2019-2023, as in the synthetic district."""
    weather_sd_summer_k: Positive = 2.2
    """The same in July [K]. Default: likewise."""
    ghi_kwh_per_m2: Positive = 1000.0
    """Irradiation of the horizontal plane in the year. Default: Copenhagen (the usual 1,000-1,050)."""
    wind_mean_m_per_s: Positive = 4.4
    """Mean wind speed. Default: Copenhagen 2019 (NSRDB)."""

    price_mean_eur_per_kwh: Positive = 0.08
    """Mean day-ahead price. Default: an assumption, of the order of DK2 in 2021 (0.088)."""
    price_sd_eur_per_kwh: Positive = 0.05
    """Standard deviation of the hourly price. Default: an assumption; DK2 had 0.4 to 0.8 of its mean in 2018-2022."""
    price_negative_h: float = Field(default=150.0, ge=0, le=2000)
    """Hours of the year with a negative price. Default: an assumption; DK2 had 5 to 95 a year in 2017-2022, and more
    since."""
    price_level_ratio: Positive = 1.0
    """Factor on all prices, for price paths."""
    co2_mean_g_per_kwh: float = Field(default=120.0, ge=0)
    """Mean emissions of a kWh from the grid. Default: an assumption for Denmark."""

    persons_count: int = Field(default=4, ge=1, le=12)
    """People in the home: how often they cook, shower and wash."""
    load_kwh: Positive = 3500.0
    """Electricity of the household in the year, without heating and car. Default: an assumption for four people."""
    draw_mean_w: float = Field(default=200.0, ge=0)
    """Heat in the hot water that is drawn, mean over the year [W]: 50 W a person, about 40 l a day at 40 K. Default:
    an assumption."""
    load_shape: Literal["home", "h0"] = "home"
    """`home`: one home's events; `h0`: the BDEW standard profile of very many homes (from demandlib), which has no
    peaks of its own."""
    away_days: int = Field(default=10, ge=0, le=28)
    """Days of the summer holidays on which nobody is at home. Default: an assumption."""

    @model_validator(mode="after")
    def _consistent(self) -> HomeYearSpec:
        moved = abs(self.latitude_deg - 55.68) > 5 or abs(self.longitude_deg - 12.57) > 15
        missing = [n for n in ("mean_c", "coldest_c", "ghi_kwh_per_m2") if n not in self.model_fields_set]
        if self.try_region is None and moved and missing:
            raise ValueError(
                f"P108 latitude_deg: the climate is still that of Copenhagen in {', '.join(missing)} | State them "
                "for this place; PVGIS gives all three."
            )
        if self.coldest_c > self.mean_c - self.season_k - self.weather_sd_winter_k:
            raise ValueError(
                "P101 coldest_c: lies above what an ordinary winter reaches | Lower it, or `season_k`."
            )
        if self.price_sd_eur_per_kwh > 2 * self.price_mean_eur_per_kwh:
            raise ValueError("P101 price_sd_eur_per_kwh: is more than twice the mean price | Lower it.")
        return self
