"""What a synthetic town is like: the fields of ``[town]`` in a study file."""

from __future__ import annotations

from pydantic import Field, model_validator

from varme.ground.spec import Spec


class TownSpec(Spec):
    """What the synthetic town is like."""

    seed: int = Field(default=1, ge=0)
    """Seed of everything random."""
    years: tuple[int, ...] = (2019, 2020, 2021)
    """Calendar years, one after the other."""
    timezone: str = "Europe/Berlin"
    """Clock of the town (IANA name)."""
    gas_meters_count: int = Field(default=1400, ge=1)
    """Homes with a gas furnace and a daily gas meter."""
    heat_pumps_count: int = Field(default=73, ge=0)
    """Homes with a heat pump and an hourly meter of its own."""
    ground_source_share: float = Field(default=0.24, ge=0, le=1)
    """Share of heat pumps with the ground as source."""
    winter_mean_c: tuple[float, ...] = ()
    """Mean outdoor temperature of the winter days of each year (1 January to 20 February, November, December); if not
    given, the paper's in 2019 to 2021 (3.8, 4.6, 2.8) and their mean in other years."""
    annual_heat_kwh_th: float = Field(default=22600.0, gt=0)
    """Mean useful heat of a gas home in an average year [kWh]; exact over the gas homes."""
    log_spread_share: float = Field(default=0.5, gt=0)
    """Standard deviation of the logarithm of annual heat over the gas homes, mean over the years; met to 0.02. The
    median of 379 British authorities 2015-2021 is 0.48, quartiles 0.44 and 0.52 (DESNZ sub-national gas statistics)."""
    volume_correlation_share: float = Field(default=0.64, ge=0, lt=0.95)
    """Correlation of annual heat with the volume of the building over the gas homes, mean over the years (Bayer &
    Pruckner: 0.63-0.65); the draws are scaled so that this sample has it to 0.02."""
    own_year_noise_share: float = Field(default=0.08, ge=0, lt=0.2)
    """Standard deviation of the logarithm of a home's own heat from year to year, beyond the weather (assumption)."""
    gamma_share: float = Field(default=0.105, ge=0, lt=1)
    """How much less heat the homes with heat pumps need, for the same volume (Bayer & Pruckner: 10.5 %)."""
    heat_pump_volume_ratio: float = Field(default=1.0, gt=0.2, lt=5)
    """Volume of homes with heat pumps over that of gas homes: 1.1 makes a town in which they are larger."""
    heat_pump_limit_shift_k: float = Field(default=0.0, ge=-5, le=5)
    """How much higher the heating limit of homes with heat pumps is; newer homes stop heating earlier (negative). The
    COP over temperature from daily fleets is less certain then."""
    spf_air: float = Field(default=2.84, gt=1)
    """Mean seasonal performance factor of air-source heat pumps, boundary H3."""
    spf_ground: float = Field(default=3.6, gt=1)
    """The same of ground-source heat pumps."""
    spf_log_spread_share: float = Field(default=0.14, ge=0)
    """Standard deviation of the logarithm of the SPF over homes of one source (0.138 in 310 systems of
    HeatpumpMonitor.org, 0.148 in 166 of Electrification of Heat)."""
    heat_spf_correlation_share: float = Field(default=0.1, gt=-1, lt=1)
    """Correlation of log heat with log SPF over homes (0.15 in the 310 systems of HeatpumpMonitor.org, 0.08 in 166 of
    Electrification of Heat)."""
    cop_slope_per_k_share: float = Field(default=0.022, ge=0)
    """Rise of the logarithm of the COP per kelvin of outdoor temperature, air source, space heating."""
    defrost_dip_share: float = Field(default=0.06, ge=0, lt=0.5)
    """Loss of COP by defrosting at its worst, 2 C outdoors, air source (assumption)."""
    b_by_year_ratio: tuple[float, ...] | None = None
    """B = SPF / (1 - gamma) that the fleet has in each year, exactly: electricity is scaled alike for all, by year.
    Left out: the SPF of each year follows from the weather. The paper's years are 3.3, 3.5, 3.0."""
    even_draws: bool = False
    """Whether the homes with heat pumps are evenly spaced quantiles of their distribution instead of random draws: that
    takes most of the sampling noise out, for showing what a method returns on average."""
    on_off_share: float = Field(default=0.45, ge=0, le=1)
    """Share of heat pumps that run on and off; the others modulate (assumption)."""
    backup_share: float = Field(default=0.3, ge=0, le=1)
    """Share of air-source heat pumps too small for the coldest days, with an electric backup (assumption)."""
    pv_share: float = Field(default=0.04, ge=0, le=1)
    """Share of heat pumps with photovoltaics behind the meter, which hide part of their electricity (assumption)."""
    boundary_h2_share: float = Field(default=0.05, ge=0, le=1)
    """Share of heat-pump meters without the backup heater (SEPEMO boundary H2); others are H3 or H4 (assumption)."""
    boundary_h4_share: float = Field(default=0.15, ge=0, le=1)
    """Share of heat-pump meters that include the pumps of the heating circuit (H4) (assumption)."""
    blocking_h: tuple[float, ...] = ()
    """Local hours in which the network blocks heat pumps (11, 17): what they would draw comes in the hours after."""
    cooking_share: float = Field(default=0.06, ge=0, le=1)
    """Share of gas homes that also cook with gas (assumption)."""
    solar_thermal_share: float = Field(default=0.08, ge=0, le=1)
    """Share of gas homes whose hot water comes from the sun in summer (assumption)."""
    calorific_kwh_hs_per_m3: float = Field(default=11.3, gt=5, lt=16)
    """Mean gross calorific value of the gas [kWh per normal m3]."""
    calorific_swing_share: float = Field(default=0.012, ge=0, lt=0.2)
    """Standard deviation of its monthly values, by supply zone."""
    zones_count: int = Field(default=2, ge=1, le=20)
    """Supply zones of the gas network, each with calorific values of its own."""
    altitude_m: float = Field(default=225.0, ge=-10, le=4000)
    """Altitude, for the z-number."""
    resolution_m3: float = Field(default=0.01, gt=0)
    """Step of the gas meters' registers: 1 for meters that report whole cubic metres (zeros, then jumps)."""
    transformers_count: int = Field(default=24, ge=1)
    """Distribution transformers: about 60 metered homes behind each."""
    faults: bool = True
    """Whether the meters have the faults that real ones have, at known places."""
    fault_share: float = Field(default=0.08, ge=0, le=1)
    """Share of meters with a fault, one each (assumption); of measuring only, so that the truth stays what it is."""

    @model_validator(mode="after")
    def _years_fit(self) -> TownSpec:
        if not self.years or any(b - a != 1 for a, b in zip(self.years, self.years[1:], strict=False)):
            raise ValueError("P108 years: calendar years must follow one another")
        for name in ("winter_mean_c", "b_by_year_ratio"):
            values = getattr(self, name)
            if values and len(values) != len(self.years):
                raise ValueError(f"P108 {name}: {len(values)} values for {len(self.years)} years")
        if self.b_by_year_ratio is not None and min(self.b_by_year_ratio) <= 1:
            raise ValueError("P101 b_by_year_ratio: B must be above 1")
        if self.boundary_h2_share + self.boundary_h4_share > 1:
            raise ValueError("P108 boundary_h2_share: the shares of H2 and H4 add up to more than 1")
        if any(h != int(h) or not 0 <= h <= 23 for h in self.blocking_h) or len(set(self.blocking_h)) > 12:
            raise ValueError("P101 blocking_h: at most 12 whole hours from 0 to 23")
        return self

    @property
    def z_share(self) -> float:
        """The z-number: normal volume per volume at the meter, 15 C and 22 mbar (DVGW G 685)."""
        return 273.15 / 288.15 * (1016 - 0.12 * self.altitude_m + 22) / 1013.25

    def winters_c(self) -> tuple[float, ...]:
        """Return the winter mean of each year [C]."""
        published = {2019: 3.8, 2020: 4.6, 2021: 2.8}
        mean = round(sum(published.values()) / len(published), 2)
        return self.winter_mean_c or tuple(published.get(year, mean) for year in self.years)
