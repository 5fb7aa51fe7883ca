"""Which cleaning rules apply, how sharp they are, and when a meter's year may be used."""

from __future__ import annotations

from pydantic import Field

from varme.ground.spec import Spec


class CleaningSpec(Spec):
    """Cleaning rules and what is enough."""

    valid_days_share: float = Field(default=0.9, gt=0, le=1)
    """Share of a year's days that must be valid for the year to be used (CalTRACK 2.2: 0.9)."""
    valid_hours_share: float = Field(default=0.5, gt=0, le=1)
    """Share of a day's hours that must be valid for a daily sum (CalTRACK 2.2: 0.5); the sum is the mean times the
    hours of the day."""
    heating_gap_days_max: int = Field(default=25, ge=1)
    """Longest run of invalid days in a year's heating season (assumption: a quarter of a winter's three months; the
    season is where a meter is expected to use more than its mean day)."""
    estimated_share_max: float = Field(default=0.5, ge=0, le=1)
    """Largest share of a year's valid days whose energy was spread over them from a reading of several days
    (assumption; their sum is measured, so a year's total stays right)."""
    bridge_days_max: int = Field(default=62, ge=1)
    """Longest time between two actual readings whose difference is still spread over the days between [days]
    (CalTRACK 2.2 accepts billing periods of up to 35 days, and up to 70 for bi-monthly billing; assumption: two
    months)."""
    audit_lines_max: int = Field(default=2000, ge=0)
    """Lines of the audit table kept of each block of meters; the counters are always complete."""
    spike_means: float = Field(default=4.0, gt=0)
    """A day is a spike if it is so many of the meter's mean days above what is expected of it (assumption; the coldest
    day of a home is about 3.5 mean days, and expected)."""
    spike_hour_means: float = Field(default=25.0, gt=0)
    """The same for an hour or less, in mean hours (assumption: a heat pump's rated power is about 5 mean hours)."""
    zero_days_share: float = Field(default=0.4, gt=0)
    """Zeros are missing values where at least this share of the meter's mean day is expected, of one or two days 1.6
    times as much (assumption: below, a home with solar heat, a short absence or a warm spell may use nothing)."""
    vacant_days_min: int = Field(default=28, ge=7)
    """Shortest time of low use in the heating season that counts as vacancy [days]; shorter is a holiday
    (assumption)."""
    vacant_use_share: float = Field(default=0.35, gt=0, lt=1)
    """Use below this share of the expected is vacancy (assumption)."""
    unit_factors: list[float] = Field(default=[10.55, 11.1, 35.3147, 29.3071, 1000.0, 100.0])
    """Ratios between units that are mixed up within a gas meter; their inverses are tried too: kWh per m3 of L and H
    gas at usual calorific values and z-numbers, ft3 per m3 and kWh per therm (exact), 1,000 for litres, 100 for 100
    ft3. Ratios below 5 cannot be told from habits and are ignored: in the lockdown of 2020, real buildings used 0.25 to
    0.4 of the expected for weeks."""
    electric_unit_factors: list[float] = Field(default=[1000.0, 3.6])
    """The same for heat-pump meters: Wh, and MJ per kWh. The inverse of a ratio below 5 is not tried."""
    cooking_kwh_max: float = Field(default=2500.0, ge=0)
    """Largest annual energy of a gas meter that is taken for cooking only, if it does not follow the temperature [kWh
    gross] (assumption; cooking takes some 300 to 1,500 kWh a year)."""
    heating_share_min: float = Field(default=0.25, ge=0, lt=1)
    """Share of a gas meter's use that must follow the temperature for the meter to count as heating (assumption; hot
    water and cooking of a heated home are 10 to 40 %)."""
    multi_family_kwh_min: float = Field(default=120000.0, gt=0)
    """Annual energy from which a gas meter must serve several dwellings, if their number is not known [kWh gross]
    (assumption: five times the mean of detached homes; at a log spread of 0.5, 1 home in 2,000 is above)."""
    multi_family_m3_min: float = Field(default=3000.0, gt=0)
    """Building volume from which a gas meter must serve several dwellings, if their number is not known [m3]
    (assumption)."""
