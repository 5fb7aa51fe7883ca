"""Small made-up cases for the tests of peaks: everything known, a second of CPU at most."""

from __future__ import annotations

import numpy as np

from varme.retrofit.grid.base_load import BaseLoad, base_from_households, household_profile, no_base
from varme.retrofit.grid.library import ProfileLibrary
from varme.retrofit.grid.peaks import PeakCase

DAYS = np.arange(np.datetime64("2021-01-01"), np.datetime64("2022-01-01"))


def flat_library(days: int = 20, meters: int = 1, slots: int = 24) -> ProfileLibrary:
    """Every heat pump runs evenly at what is expected: no chance at all."""
    return ProfileLibrary(
        np.ones((days, meters, slots), dtype=np.float32), np.linspace(-8, 2, days), meters, 0, 0.0, "made up"
    )


def lively_library(days: int = 40, meters: int = 60, seed: int = 0, spread: float = 0.6) -> ProfileLibrary:
    """Heat pumps with a morning peak, a level of their own, and a common deviation of the day."""
    rng = np.random.default_rng(seed)
    shape = 1 + 0.3 * np.cos(2 * np.pi * (np.arange(24) - 7) / 24)
    k = 1 / spread**2
    own = rng.gamma(k, 1 / k, (days, meters, 24)) * rng.lognormal(-0.02, 0.2, (1, meters, 1))
    common = rng.normal(1, 0.06, (days, 1, 1))
    relative = (own * common * shape).astype(np.float32)
    return ProfileLibrary(relative, np.linspace(-8, 2, days), meters, 0, 0.0, "made up")


def case_of(
    homes: int = 300,
    groups: int = 6,
    *,
    library: ProfileLibrary | None = None,
    base: BaseLoad | None = None,
    seed: int = 0,
    days: int = 6,
    rating_kva: float = 400.0,
    spf_log_sd: float = 0.0,
    energy: float = 60.0,
    log_spread: float = 0.5,
) -> PeakCase:
    """Homes with lognormal energies on a few cold days of one year."""
    rng = np.random.default_rng(seed)
    course = np.linspace(1.0, 0.85, days)
    level = energy * rng.lognormal(-(log_spread**2) / 2, log_spread, homes)
    names = tuple(f"T{i + 1:02d}" for i in range(groups))
    chosen = np.arange(10, 10 + days)
    return PeakCase(
        energy_kwh=(level[:, None] * course[None, :]).astype(np.float32),
        transformer=np.arange(homes) % groups,
        names=names,
        rating_kva=np.full(groups, rating_kva),
        power_factor=1.0,
        days=chosen,
        year=np.full(days, 2021),
        temperature_c=np.linspace(-6.0, -3.0, days),
        base=base or no_base(groups, len(DAYS)),
        library=library or lively_library(),
        feeder=np.arange(groups) % 2,
        feeders=("F1", "F2"),
        spf_log_sd=spf_log_sd,
        annual_kwh=level * 110,
    )


def household_base(homes_by_group, kwh: float = 3500.0, spread: float = 0.7) -> BaseLoad:
    """Households of the same annual electricity."""
    count = np.asarray(homes_by_group)
    return base_from_households(kwh * count, count, household_profile(DAYS), "household", spread_share=spread)
