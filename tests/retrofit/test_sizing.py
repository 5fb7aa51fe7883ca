"""Sizing: against a brute-force simulation of every hour, by hand, and its laws; design temperature and cold spell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from varme.retrofit.demand.sizing import (
    AIR_FALL_SHARE_PER_K,
    CATALOGUE_KW,
    GROUND_FALL_SHARE_PER_K,
    REFERENCE_C,
    SizingRule,
    Weather,
    backup_by_temperature,
    capacity,
    cold_spell,
    design_temperature_c,
    size_heat_pumps,
)

Floats = NDArray[np.float64]
KEYMARK = (
    Path(__file__).resolve().parents[3]
    / "shared"
    / "data"
    / "heatpumps"
    / "keymark_en14825_points_2024.csv.gz"
)


@dataclass(frozen=True)
class Line:
    """COP 3 at 5 C, 2 % per kelvin."""

    def cop(self, temperature_c: Floats | float) -> Floats:
        return 3 * np.exp(0.02 * (np.asarray(temperature_c, dtype=float) - 5))


@dataclass(frozen=True)
class Homes:
    """Heating lines of a few homes."""

    base: Floats
    slope: Floats
    limit_c: Floats


def homes(n: int = 40, seed: int = 1) -> Homes:
    rng = np.random.default_rng(seed)
    return Homes(rng.gamma(3, 3, n), rng.gamma(4, 1.3, n), rng.normal(15, 1.2, n))


def winter(seed: int = 1) -> Floats:
    """Return three years of hours, cold enough that heat pumps reach their limit."""
    rng = np.random.default_rng(seed)
    hours = np.arange(3 * 8766)
    slow = np.repeat(rng.normal(0, 5, len(hours) // 48 + 1), 48)[: len(hours)]
    return np.asarray(8 - 9 * np.cos(2 * np.pi * hours / 8766) + slow)


def test_one_house_by_hand():
    """4.8 kWh/(K d) is 0.2 kW/K: 0.2 x (15 + 12) + 0.4 = 5.8 kW; at -7 C the same pump gives 5.8 / (1 - 0.0195 x 5)."""
    one = Homes(np.array([9.6]), np.array([4.8]), np.array([15.0]))
    rule = SizingRule("monovalent", design_c=-12.0, catalogue_kw=())
    s = size_heat_pumps(one, winter(), Line(), rule)
    assert s.design_kw[0] == pytest.approx(5.8)
    assert s.size_kw[0] == pytest.approx(5.8 / (1 - 0.0195 * 5))
    assert s.bivalence_c[0] == pytest.approx(-12.0)
    assert s.backup_kw[0] == pytest.approx(0.0, abs=1e-9)
    assert s.electric_kw[0] == pytest.approx(5.8 / Line().cop(-12.0))


def test_bivalence_point_is_where_capacity_meets_load():
    """At the bivalence temperature that was aimed at, load and capacity are equal; below, the backup takes the rest."""
    rule = SizingRule("bivalent_parallel", design_c=-14.0, bivalence_c=-4.0, catalogue_kw=())
    h = homes()
    s = size_heat_pumps(h, winter(), Line(), rule)
    assert s.bivalence_c == pytest.approx(-4.0)
    load = h.slope / 24 * (h.limit_c + 4) + h.base / 24
    assert s.capacity_kw(-4.0) == pytest.approx(load)
    assert s.backup_kw == pytest.approx(s.design_kw - s.capacity_kw(-14.0))


@pytest.mark.parametrize("rule", ["monovalent", "bivalent_parallel", "bivalent_alternative"])
@pytest.mark.parametrize("operation_limit", [-20.0, -8.0])
def test_the_year_is_that_of_a_simulation_of_every_hour(rule, operation_limit):
    """Heat, backup share and hours in closed form equal the sums over all hours, for every home."""
    chosen = SizingRule(rule, design_c=-12.0, bivalence_c=-2.0, operation_limit_c=operation_limit)
    t, h = winter(), homes()
    s = size_heat_pumps(h, t, Line(), chosen)
    load = h.slope[:, None] / 24 * np.maximum(h.limit_c[:, None] - t, 0) + h.base[:, None] / 24
    able = capacity(s.size_kw[:, None], t, chosen)
    if rule == "bivalent_alternative":
        able = np.where(t < s.bivalence_c[:, None], 0, able)
    backup = np.where(t < h.limit_c[:, None], np.maximum(load - able, 0), 0).sum(axis=1) / 3
    heat = load.sum(axis=1) / 3
    assert s.heat_kwh_th == pytest.approx(heat, rel=1e-9)
    assert s.backup_share == pytest.approx(backup / heat, abs=1e-9)
    assert s.full_load_h == pytest.approx((heat - backup) / s.size_kw, rel=1e-9)
    assert s.running_h == pytest.approx((t < h.limit_c[:, None]).sum(axis=1) / 3)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    design=st.floats(-25, 0),
    bivalence=st.floats(-15, 5),
    blocked=st.floats(0, 8),
    gamma=st.floats(0, 0.4),
)
def test_sizing_laws(seed, design, bivalence, blocked, gamma):
    """Less heat or no blocking never asks for more; monovalent pumps serve their design; shares lie in 0..1."""
    h, t = homes(20, seed), winter(seed)
    for name in ("monovalent", "bivalent_parallel", "bivalent_alternative"):
        rule = SizingRule(
            name, design_c=design, bivalence_c=bivalence, blocked_h=blocked, operation_limit_c=-40
        )
        s = size_heat_pumps(h, t, Line(), rule, gamma=gamma)
        more = size_heat_pumps(h, t, Line(), rule)
        free = size_heat_pumps(
            h,
            t,
            Line(),
            SizingRule(name, design_c=design, bivalence_c=bivalence, operation_limit_c=-40),
            gamma=gamma,
        )
        assert (s.size_kw <= more.size_kw + 1e-9).all()
        assert (free.size_kw <= s.size_kw + 1e-9).all()
        assert ((s.backup_share >= 0) & (s.backup_share <= 1)).all()
        assert (s.backup_kw >= 0).all()
        if name == "monovalent":
            assert (s.capacity_kw(design) >= s.design_kw - 1e-9).all()
            assert (s.bivalence_c <= design + 1e-6).all()


def test_sizes_come_from_the_catalogue_and_large_buildings_get_several():
    """Every size is one on the market, the next one up; above the largest, equal units side by side."""
    h = Homes(np.zeros(3), np.array([3.0, 6.5, 120.0]), np.full(3, 15.0))
    s = size_heat_pumps(h, winter(), Line(), SizingRule("monovalent", design_c=-7.0))
    need = h.slope / 24 * 22
    assert s.units.tolist() == [1, 1, 2]
    assert set(s.size_kw / s.units) <= set(CATALOGUE_KW)
    assert (s.size_kw >= need).all()
    assert s.size_kw[:2].tolist() == [3.0, 6.0]


def test_design_load_without_gains_is_higher_and_its_interval_follows_the_slope():
    """EN 12831 takes 20 C inside and no gains; the interval is 1.96 standard errors of the slope."""
    h = homes()
    measured = size_heat_pumps(h, winter(), Line(), SizingRule(design_c=-12.0), slope_se=0.05 * h.slope)
    norm = size_heat_pumps(h, winter(), Line(), SizingRule(design_c=-12.0, indoor_c=20.0))
    assert (norm.design_kw > measured.design_kw).all()
    half = 1.96 * 0.05 * h.slope / 24 * (h.limit_c + 12)
    assert measured.design_high_kw - measured.design_kw == pytest.approx(half)
    assert measured.design_kw - measured.design_low_kw == pytest.approx(half)


def test_fuel_backup_adds_no_electric_power():
    """The furnace that stays burns fuel: the connection carries the heat pump alone."""
    h = homes()
    electric = size_heat_pumps(h, winter(), Line(), SizingRule(design_c=-15.0, bivalence_c=0.0))
    fuel = size_heat_pumps(
        h, winter(), Line(), SizingRule(design_c=-15.0, bivalence_c=0.0, electric_backup=False)
    )
    assert electric.electric_kw - fuel.electric_kw == pytest.approx(electric.backup_kw)
    either = size_heat_pumps(
        h, winter(), Line(), SizingRule("bivalent_alternative", -15.0, 0.0, catalogue_kw=())
    )
    assert (either.backup_kw == either.design_kw).all()
    assert (either.electric_kw >= either.backup_kw - 1e-9).all()


def test_backup_of_groups_is_the_sum_over_their_buildings():
    """The share of a group's room heat from backup heaters, day by day, equals the sum over buildings."""
    h, t = homes(60), np.linspace(-18, 18, 37)
    rule = SizingRule("bivalent_parallel", design_c=-14.0, bivalence_c=-2.0)
    s = size_heat_pumps(h, winter(), Line(), rule)
    group = np.arange(60) % 3 - 1
    found = backup_by_temperature(s, t, group, 2)
    room = h.slope[:, None] / 24 * np.maximum(h.limit_c[:, None] - t, 0)
    short = np.clip(room + s.water_kw[:, None] - s.capacity_kw(t[:, None]).T, 0, room)
    for g in range(2):
        mine = group == g
        exact = short[mine].sum(axis=0) / np.maximum(room[mine].sum(axis=0), 1e-12)
        assert found[g] == pytest.approx(exact, abs=0.004)
    assert found[:, t > 0].max() == 0
    assert found[:, 0].min() > 0.2


def test_backup_share_on_a_day_of_one_temperature():
    """A single mild temperature above every bivalence point asks for no backup, and does not fail."""
    s = size_heat_pumps(homes(), winter(), Line(), SizingRule(design_c=-12.0))
    assert backup_by_temperature(s, np.array([10.0]))[0, 0] == 0


def test_weather_sums_are_those_of_the_record():
    """Hours below a limit and their temperatures, per year of 8,766 h; gaps are left out."""
    t = np.array([-5.0, 0.0, 5.0, 10.0, np.nan])
    hours, sums = Weather(t).below(4.0)
    assert hours == pytest.approx(8766 / 2)
    assert sums == pytest.approx(-5 * 8766 / 4)


def test_design_temperature_is_undercut_ten_times_in_twenty_years():
    """In twenty years of weather the two-day mean falls below it in about ten cold spells."""
    rng = np.random.default_rng(4)
    days = int(20 * 365.25)
    t = 9 - 10 * np.cos(2 * np.pi * np.arange(days) / 365.25) + rng.normal(0, 3, days)
    design = design_temperature_c(t)
    pairs = (t[1:] + t[:-1]) / 2
    under = np.flatnonzero(pairs <= design + 1e-9)
    spells = 1 + int((np.diff(under) > 5).sum())
    assert 9 <= spells <= 11
    assert design > t.min()


def test_one_cold_spell_counts_once():
    """Ten days at -15 C in one January are one spell; the next counts, not the neighbours of the first."""
    t = np.full(4 * 365, 5.0)
    t[100:110], t[900:902] = -15.0, -9.0
    assert design_temperature_c(t) == pytest.approx(-9.0, abs=0.1)
    with pytest.raises(ValueError, match="no two days"):
        design_temperature_c(np.array([np.nan, 1.0]))


def test_the_cold_spell_meets_the_design_temperature():
    """The coldest seven days, moved as a whole: their lowest two-day mean is the design temperature."""
    t = winter()[: 365 * 24]
    day = np.repeat(np.arange(365), 24)
    spell = cold_spell(t, day, -16.0)
    daily = spell.reshape(7, 24).mean(axis=1)
    assert ((daily[1:] + daily[:-1]) / 2).min() == pytest.approx(-16.0)
    assert len(spell) == 7 * 24


def test_a_million_buildings_take_seconds():
    """Closed form: a hundred thousand buildings over 26,000 hours in well under a second."""
    import time

    h, t = homes(100_000), winter()
    started = time.process_time()
    s = size_heat_pumps(h, t, Line(), SizingRule(design_c=-12.0))
    assert time.process_time() - started < 1.0
    assert np.isfinite(s.backup_share).all()


def test_the_fall_of_capacity_is_the_keymarks():
    """The figures in the code are the medians of the file that they name."""
    if not KEYMARK.is_file():
        pytest.skip(f"the Keymark's points are not here ({KEYMARK}); they are not part of the project")
    import pandas as pd

    points = pd.read_csv(KEYMARK, low_memory=False)
    for kind, figure in (
        ("Outdoor Air/Water", AIR_FALL_SHARE_PER_K),
        ("Brine/Water", GROUND_FALL_SHARE_PER_K),
    ):
        mine = points[points.types == kind]
        span = mine.t_biv - mine.tol
        ratio = mine.p_th_tol_h / mine.p_th_tbiv_h
        good = (span >= 2) & (ratio > 0.3) & (ratio < 1.5)
        assert ((1 - ratio[good]) / span[good]).median() == pytest.approx(figure, abs=5e-5)
    assert REFERENCE_C == -7.0
