"""Adoption: what transformers and the town see while more and more gas homes switch, and who is full first.

A home that has switched stays: the homes of a smaller share are among those of a larger one. Orders:

- ``random``: each draw has its own order;
- ``oldest_furnace``: by the furnace's year of construction; homes of the same year in random order, homes whose year is
  not known at random places among the others;
- ``by_transformer``: one transformer after the other, in random order: the worst clustering.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import InputError, Problem
from varme.retrofit.grid import moments
from varme.retrofit.grid.moments import PeakTable
from varme.retrofit.grid.peaks import PeakCase, Simulation, simulate
from varme.retrofit.grid.transformers import Method, method_for

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Draws at most for towns of more homes than this: their orders differ little, and each takes half a second.
DRAWS_OF_LARGE, LARGE = 40, 100_000


@dataclass(frozen=True)
class Adoption:
    """Adoption path of one order.

    Attributes:
        order: Who switches first.
        share: Share of the gas homes that have switched, rising, shape (shares,).
        switched: Homes that have switched, shape (shares,).
        town_p50_kw: Median of the town's annual peak, base load included [kW], shape (shares,).
        town_p95_kw: 95th percentile.
        energy_kwh: Mean annual electricity of the heat pumps [kWh], shape (shares,).
        overloaded_p50_count: Transformers whose annual peak exceeds their rating, median over draws, shape (shares,).
        overloaded_p95_count: 95th percentile over draws.
        loading_p50_share: Median loading by transformer, shape (shares, transformers).
        loading_p95_share: 95th percentile.
        overload_share: Probability that a transformer is above its rating, shape (shares, transformers).
        first: Transformer that is above its rating first most often (name; ties by the higher loading), "" if none is.
        first_share: Median of the share at which the first one is; NaN if less than half of the draws have one.
        draws: Draws.
        method: ``monte_carlo`` or ``moments``.
    """

    order: str
    share: Floats
    switched: Ints
    town_p50_kw: Floats
    town_p95_kw: Floats
    energy_kwh: Floats
    overloaded_p50_count: Floats
    overloaded_p95_count: Floats
    loading_p50_share: Floats
    loading_p95_share: Floats
    overload_share: Floats
    first: str
    first_share: float
    draws: int
    method: str


def bracket_maker(
    order: str, shares: Floats, transformer: Ints, furnace_year: Floats | None = None
) -> Callable[[np.random.Generator], Ints]:
    """Return a function that draws each home's bracket: the first share at which it has switched.

    Args:
        order: ``random``, ``oldest_furnace`` or ``by_transformer``.
        shares: Shares, rising, shape (shares,).
        transformer: Transformer of each home.
        furnace_year: Year of construction of each home's furnace, NaN where not known.

    Raises:
        InputError: P130 if the order needs furnace years and there are none, or is not known.
    """
    homes = len(transformer)
    last = np.round(np.asarray(shares, dtype=float) * homes).astype(np.int64)
    if order == "oldest_furnace" and (furnace_year is None or not np.isfinite(furnace_year).any()):
        raise InputError(
            Problem("P130", "adoption.order", "the building table has no years of construction of the furnaces",
                    value="oldest_furnace", limit="column furnace_year")
        )  # fmt: skip
    if order not in {"random", "oldest_furnace", "by_transformer"}:
        raise InputError(
            Problem("P130", "adoption.order", "not an order of adoption", value=order,
                    limit="random, oldest_furnace, by_transformer")
        )  # fmt: skip
    years = None if furnace_year is None else np.asarray(furnace_year, dtype=float)
    known = np.flatnonzero(np.isfinite(years)) if years is not None else np.empty(0, dtype=np.int64)

    at_each = np.searchsorted(last, np.arange(homes), side="right").astype(np.int64)

    def draw(rng: np.random.Generator) -> Ints:
        if order == "random":  # who switches at each share, shuffled: no sorting
            return rng.permutation(at_each)
        score = rng.random(homes)
        if order == "by_transformer":
            of_transformer = rng.permutation(int(transformer.max(initial=0)) + 1)
            ranked = np.lexsort((score, of_transformer[transformer]))
        else:
            assert years is not None
            filled = years.copy()
            missing = ~np.isfinite(filled)
            filled[missing] = rng.choice(years[known], int(missing.sum()))
            ranked = np.lexsort((score, filled))
        rank = np.empty(homes, dtype=np.int64)
        rank[ranked] = np.arange(homes)
        return np.asarray(at_each[rank])

    return draw


def adoption_path(
    case: PeakCase,
    shares: Floats,
    order: str = "random",
    *,
    furnace_year: Floats | None = None,
    draws: int = 200,
    seed: int = 1,
    method: Method = "auto",
    table: PeakTable | None = None,
) -> Adoption:
    """Return the adoption path of one order.

    Args:
        case: What peaks are drawn from; ``annual_kwh`` gives the energy.
        shares: Shares of the gas homes, 0 to 1.
        order: Who switches first, see the module.
        furnace_year: Year of construction of each home's furnace, NaN where not known, shape (homes,).
        draws: Draws.
        seed: Seed.
        method: As in :func:`varme.retrofit.grid.transformers.transformer_peaks`.
        table: Table of the moments *without* doubt about the SPF, if it is built already.

    Raises:
        InputError: P130 for an order that cannot be.
    """
    steps = np.unique(np.clip(np.asarray(shares, dtype=float), 0, 1))
    of_gas = bracket_maker(order, steps, case.transformer[: case.gas_homes], furnace_year)
    existing = np.zeros(case.existing, dtype=np.int64)

    def make(rng: np.random.Generator) -> Ints:
        return np.concatenate([of_gas(rng), existing])

    chosen = method_for(case, len(steps)) if method == "auto" else method
    if chosen == "monte_carlo":
        found = simulate(case, draws, seed, len(steps), make)
    else:
        table = table or moments.build_table(moments.without_spf_doubt(case), seed=seed)
        count = min(draws, DRAWS_OF_LARGE) if len(case.transformer) > LARGE else draws
        found = _simulate_by_moments(case, table, count, seed, len(steps), make)
    return _summed_up(case, found, steps, order, chosen)


def _summed_up(case: PeakCase, found: Simulation, steps: Floats, order: str, method: str) -> Adoption:
    draws, shares, groups, years = found.peak_kw.shape
    pooled = np.moveaxis(found.peak_kw, 3, 1).reshape(draws * years, shares, groups)
    rated = case.rated_kw
    above = pooled > rated[None, None, :]
    count = above.sum(axis=2)
    p50, p95 = np.quantile(pooled, [0.5, 0.95], axis=0) / rated
    town = np.quantile(np.moveaxis(found.town_kw, 2, 1).reshape(-1, shares), [0.5, 0.95], axis=0)
    many = np.quantile(count, [0.5, 0.95], axis=0)
    first, first_share = _first_full(above, pooled / rated, steps, case.names)
    return Adoption(
        order, steps, np.round(steps * case.gas_homes).astype(np.int64), town[0], town[1],
        found.energy_kwh.mean(axis=0), many[0], many[1], p50, p95, above.mean(axis=0), first, first_share, draws,
        method,
    )  # fmt: skip


def _first_full(
    above: NDArray[np.bool_], loading: Floats, steps: Floats, names: tuple[str, ...]
) -> tuple[str, float]:
    """Return which transformer is overloaded first, and the median of the share at which one is.

    Several that are above their rating at the same share: the one with the highest loading is first.
    """
    any_above = np.asarray(above.any(axis=2), dtype=bool)
    some = np.asarray(any_above.any(axis=1), dtype=bool)
    if not some.any():
        return "", float("nan")
    at = any_above.argmax(axis=1)
    rows = np.arange(len(at))
    reached = np.where(above[rows, at], loading[rows, at], -np.inf)[some]
    winner = int(np.bincount(reached.argmax(axis=1), minlength=len(names)).argmax())
    share = np.where(some, steps[at], np.inf)
    median = float(np.median(share))
    return names[winner], median if np.isfinite(median) else float("nan")


def _simulate_by_moments(
    case: PeakCase,
    table: PeakTable,
    draws: int,
    seed: int,
    brackets: int,
    bracket_of: Callable[[np.random.Generator], Ints],
) -> Simulation:
    """Draw peaks of very many transformers: orders and the SPF are drawn, the peaks are read from the table.

    A transformer keeps its place within the distribution of its peak from share to share of a draw.
    """
    groups, feeders = len(case.names), len(case.feeders)
    energy = moments.peak_day_energy(case.energy_kwh, table)
    base_peak = case.base_kw.max(axis=(1, 2), initial=0.0)
    peak = np.empty((draws, brackets, groups, 1))
    town = np.empty((draws, brackets, 1))
    used = np.zeros((draws, brackets))
    annual = case.annual_kwh if case.annual_kwh is not None else np.zeros(len(energy))
    mean, noise = case.base.mean_kw, case.base.noise_share
    total_mean = float(mean.sum())
    total_noise = float(np.sqrt(((mean * noise) ** 2).sum())) / max(total_mean, 1e-12)
    shape = case.base.relative[case.days].max(initial=0.0)
    for i in range(draws):
        rng = np.random.default_rng([seed, i])
        bracket = bracket_of(rng)
        factor = float(np.exp(case.spf_log_sd * rng.standard_normal()))
        level = rng.random(groups)
        town_level = float(rng.random())
        at = bracket * groups + case.transformer
        size = (brackets + 1) * groups
        e = np.cumsum(np.bincount(at, energy * factor, minlength=size).reshape(-1, groups)[:brackets], axis=0)
        e2 = np.cumsum(
            np.bincount(at, (energy * factor) ** 2, minlength=size).reshape(-1, groups)[:brackets], axis=0
        )
        used[i] = np.cumsum(np.bincount(bracket, annual, minlength=brackets + 1)[:brackets]) * factor
        for b in range(brackets):
            mine = moments.Moments(e[b], e2[b], np.zeros(groups, dtype=np.int64))
            found = moments.quantiles_kw(table, mine, mean, noise, base_peak)
            peak[i, b, :, 0] = moments.value_at(found, level)
            whole = moments.Moments(e[b].sum(keepdims=True), e2[b].sum(keepdims=True), np.zeros(1, np.int64))
            one = moments.quantiles_kw(
                table,
                whole,
                np.array([total_mean]),
                np.array([total_noise]),
                np.array([total_mean * shape]),
            )
            town[i, b, 0] = moments.value_at(one, np.array([town_level]))[0]
    empty = np.zeros((groups, len(case.days), case.library.slots), dtype=np.int64)
    nan = np.full((draws, groups), np.nan)
    return Simulation(
        peak, nan[..., None], np.full((draws, brackets, feeders, 1), np.nan), town, nan, empty, used
    )
