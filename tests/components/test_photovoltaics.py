"""Photovoltaics: power by direction, heat, inverter limit; a year's yield; clocks."""

from datetime import date

import numpy as np
import pytest

from tests.components.around import surroundings
from varme.components.photovoltaics import Photovoltaics, power_kw_per_kwp
from varme.ground.spec import parse
from varme.physics.sun import irradiance, sun_at


def field(**fields):
    return parse(Photovoltaics, fields, "test")


def sunny(
    start=date(2025, 6, 21), end=date(2025, 6, 22), clear=0.75, outdoor_c=20.0, zone="Europe/Copenhagen"
):
    bare = surroundings(start, end, zone=zone)
    sun = sun_at(bare.grid.times, 55.68, 12.57, 15)
    ghi = clear * 1050 * sun.cosine**1.15
    light = irradiance(bare.grid.times, 15, 55.68, 12.57, ghi)
    return surroundings(start, end, light=light, outdoor_c=outdoor_c, zone=zone)


def test_south_peaks_at_solar_noon_and_east_before_west_after_it():
    seen = sunny()
    noon = {
        a: float(seen.local_h[np.argmax(power_kw_per_kwp(field(azimuth_deg=a), seen))])
        for a in (90, 180, 270)
    }
    assert noon[90] < noon[180] < noon[270]
    assert noon[180] == pytest.approx(13.2, abs=0.5)  # summer time, 12.57 degrees east


def test_power_never_exceeds_peak_by_much_and_is_nothing_at_night():
    power = power_kw_per_kwp(field(), sunny())
    assert np.all(power >= 0)
    assert power[:8].max() == 0.0
    assert 0.5 < power.max() < 1.0


def test_heat_costs_power():
    cool, hot = (power_kw_per_kwp(field(), sunny(outdoor_c=t)).max() for t in (0.0, 30.0))
    assert hot / cool == pytest.approx(1 - 0.0035 * 30, abs=0.01)
    free = power_kw_per_kwp(field(mounting="free"), sunny())
    assert free.sum() > power_kw_per_kwp(field(), sunny()).sum()


def test_the_inverter_cuts_the_peak_and_nothing_else():
    seen = sunny()
    whole = power_kw_per_kwp(field(), seen)
    cut = power_kw_per_kwp(field(inverter_kw_per_kwp=0.5), seen)
    assert cut == pytest.approx(np.minimum(whole, 0.5))
    assert cut.max() == 0.5


def test_losses_scale_power():
    seen = sunny()
    bare, lossy = (power_kw_per_kwp(field(loss_share=x), seen) for x in (0.0, 0.14))
    assert lossy == pytest.approx(0.86 * bare)


def test_a_year_of_even_clearness_gives_what_is_usual():
    year = sunny(date(2025, 1, 1), date(2026, 1, 1), clear=0.62)
    assert year.light is not None
    ghi = year.light.ghi.sum() / 4e3
    yields = {a: power_kw_per_kwp(field(azimuth_deg=a), year).sum() / 4 for a in (90, 180)}
    assert 900 < ghi < 1200
    assert 0.8 < yields[180] / ghi < 1.0  # kWh per kWp over kWh/m2; PVGIS has about 0.9 for Copenhagen
    assert 0.7 < yields[90] / yields[180] < 0.9


@pytest.mark.parametrize("day", [date(2025, 3, 30), date(2025, 10, 26)])
def test_the_sun_does_not_know_summer_time(day):
    after = date.fromordinal(day.toordinal() + 1)
    local, utc = (power_kw_per_kwp(field(), sunny(day, after, zone=z)) for z in ("Europe/Copenhagen", "UTC"))
    assert local.sum() == pytest.approx(utc.sum(), rel=1e-9)


def test_surroundings_without_light_use_the_windows_irradiance():
    seen = surroundings(window_w_per_m2=400.0, outdoor_c=25 - 400 / 20)
    assert power_kw_per_kwp(field(), seen) == pytest.approx(0.4 * 0.86)
