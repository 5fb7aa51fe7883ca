"""The sun: position against pvlib and against the sky, the split of global irradiance, tilted planes, cells."""

import numpy as np
import pytest

from varme.physics.sun import (
    beam_by_erbs,
    cell_c,
    has_pvlib,
    incidence_share,
    irradiance,
    sun_at,
)

pvlib = pytest.importorskip("pvlib", reason="the extra pv is not installed")
pd = pytest.importorskip("pandas")

COPENHAGEN = (55.68, 12.57)
#: A quarter of every hour of a year.
YEAR = np.arange(
    np.datetime64("2019-01-01T00:00:00"), np.datetime64("2020-01-01T00:00:00"), np.timedelta64(3600, "s")
)

DAY_OF_YEAR = np.repeat(np.arange(1, 366), 24).astype(float)


def middle(times):
    return pd.DatetimeIndex(times.astype("datetime64[ns]"), tz="UTC") + pd.Timedelta("7.5min")


def clear_sky(step_min=15):
    """Irradiance of a sky that varies, from a seed."""
    sun = sun_at(YEAR, *COPENHAGEN, step_min=15)
    rng = np.random.default_rng(4)
    clear = np.repeat(rng.uniform(0.1, 0.95, 365), 24)
    return 1050 * clear * sun.cosine**1.15


@pytest.mark.oracle
@pytest.mark.parametrize("place", [COPENHAGEN, (-33.9, 151.2), (40.0, -105.0), (1.3, 103.8)])
def test_position_agrees_with_pvlib_within_two_hundredths_of_a_degree(place):
    ours = sun_at(YEAR, place[0], place[1], step_min=15)
    theirs = pvlib.solarposition.get_solarposition(middle(YEAR), *place)
    up = theirs.zenith.to_numpy() < 87
    assert np.abs(ours.zenith_deg - theirs.zenith.to_numpy())[up].max() < 0.02
    turn = np.abs((ours.azimuth_deg - theirs.azimuth.to_numpy() + 180) % 360 - 180)
    away = np.sin(np.radians(theirs.zenith.to_numpy())) * turn
    assert away[up].max() < 0.03


@pytest.mark.oracle
def test_extraterrestrial_irradiance_agrees_with_pvlib():
    theirs = np.asarray(pvlib.irradiance.get_extra_radiation(DAY_OF_YEAR))
    assert sun_at(YEAR, *COPENHAGEN, step_min=15).extra_w_per_m2 == pytest.approx(theirs, rel=1e-3)


def test_noon_at_the_equinox_stands_at_the_latitude():
    times = np.array(["2025-03-20T12:00:00"], dtype="datetime64[s]")
    sun = sun_at(times, 50.0, 0.0)
    assert sun.zenith_deg[0] == pytest.approx(50.0, abs=0.5)
    assert sun.azimuth_deg[0] == pytest.approx(180.0, abs=4.0)


def test_the_sun_moves_from_east_to_west():
    times = np.array(
        ["2025-06-21T04:00:00", "2025-06-21T11:00:00", "2025-06-21T18:00:00"], dtype="datetime64[s]"
    )
    azimuth = sun_at(times, *COPENHAGEN).azimuth_deg
    assert azimuth[0] < 90 < azimuth[1] < 200 < azimuth[2]


def test_intervals_with_sunrise_have_a_sun_and_a_share_of_day():
    sun = sun_at(np.array(["2025-03-20T05:00:00"], dtype="datetime64[s]"), *COPENHAGEN, step_min=60)
    assert 0 < sun.day_share[0] < 1
    assert sun.zenith_deg[0] < 90


@pytest.mark.oracle
@pytest.mark.parametrize(("tilt", "azimuth"), [(35.0, 180.0), (90.0, 90.0), (90.0, 270.0), (10.0, 0.0)])
def test_hay_davies_agrees_with_pvlib_over_a_year(tilt, azimuth):
    ghi = clear_sky()
    light = irradiance(YEAR, 15, *COPENHAGEN, ghi)
    sun = light.sun
    theirs = pvlib.irradiance.get_total_irradiance(
        tilt, azimuth, sun.zenith_deg, sun.azimuth_deg, light.dni, ghi, light.dhi, sun.extra_w_per_m2, albedo=0.2,
        model="haydavies",
    )["poa_global"]  # fmt: skip
    ours = light.on_plane(tilt, azimuth)
    up = sun.zenith_deg < 85
    assert np.abs(ours - np.asarray(theirs))[up].max() < 0.5
    assert ours.sum() == pytest.approx(np.nansum(theirs), rel=2e-3)


@pytest.mark.oracle
def test_erbs_agrees_with_pvlib():
    ghi = clear_sky()
    sun = sun_at(YEAR, *COPENHAGEN, step_min=15)
    theirs = pvlib.irradiance.erbs(ghi, sun.zenith_deg, DAY_OF_YEAR)
    high = sun.zenith_deg < 80
    assert beam_by_erbs(ghi, sun)[high] == pytest.approx(np.asarray(theirs["dni"])[high], abs=1.5)


@pytest.mark.oracle
def test_perez_and_dirint_run_and_lie_near_our_own():
    assert has_pvlib()
    ghi = clear_sky()
    own = irradiance(YEAR, 15, *COPENHAGEN, ghi).on_plane(35, 180).sum()
    theirs = irradiance(YEAR, 15, *COPENHAGEN, ghi, sky="perez", split="dirint").on_plane(35, 180)
    assert np.all(np.isfinite(theirs))
    assert theirs.sum() == pytest.approx(own, rel=0.06)


def test_a_flat_plane_sees_the_global_irradiance():
    ghi = clear_sky()
    for sky in ("hay_davies", "isotropic"):
        light = irradiance(YEAR, 15, *COPENHAGEN, ghi, sky=sky)
        up = light.sun.zenith_deg < 86
        assert light.on_plane(0.0, 180.0)[up] == pytest.approx(ghi[up], rel=1e-9)


def test_parts_make_the_whole_whatever_is_given():
    ghi = clear_sky()
    split = irradiance(YEAR, 15, *COPENHAGEN, ghi)
    whole = split.dni * split.sun.cosine + split.dhi
    assert whole == pytest.approx(ghi, abs=1e-9)
    from_diffuse = irradiance(YEAR, 15, *COPENHAGEN, ghi, dhi=split.dhi)
    from_beam = irradiance(YEAR, 15, *COPENHAGEN, ghi, dni=split.dni)
    up = split.sun.zenith_deg < 86
    assert from_diffuse.dni[up] == pytest.approx(split.dni[up], abs=1e-6)
    assert from_beam.dhi == pytest.approx(split.dhi, abs=1e-9)


def test_nothing_shines_at_night_and_no_beam_is_stronger_than_the_sun():
    ghi = np.full(len(YEAR), 300.0)  # a broken sensor
    light = irradiance(YEAR, 15, *COPENHAGEN, ghi)
    assert np.all(light.dni[light.sun.zenith_deg > 90] == 0)
    assert np.all(light.dni <= light.sun.extra_w_per_m2 + 1e-9)
    assert np.all(np.isfinite(light.on_plane(90, 180)))


def test_south_beats_east_and_a_wall_beats_the_roof_in_winter_only():
    light = irradiance(YEAR, 15, *COPENHAGEN, clear_sky())
    month = YEAR.astype("datetime64[M]").astype(int) % 12
    south, east, wall = light.on_plane(35, 180), light.on_plane(35, 90), light.on_plane(90, 180)
    assert south.sum() > east.sum()
    assert wall[month == 11].sum() > light.on_plane(0, 180)[month == 11].sum()
    assert wall[month == 5].sum() < south[month == 5].sum()


def test_glass_lets_a_slanting_sun_through_less():
    share = incidence_share(np.cos(np.radians([0.0, 40.0, 60.0, 80.0, 89.9, 95.0])))
    assert share[0] == 1.0
    assert np.all(np.diff(share) <= 0)
    assert share[2] == pytest.approx(0.95)
    assert share[-1] == 0.0


@pytest.mark.oracle
def test_cells_are_as_warm_as_pvlib_says():
    theirs = pvlib.temperature.faiman(800.0, 20.0, 2.0)
    assert cell_c(800.0, 20.0, 2.0) == pytest.approx(theirs)
