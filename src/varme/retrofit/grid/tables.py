"""Tables of the grid part: simultaneity, transformers, feeders, adoption, ratio, load by transformer and hour."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.ground.tables import Column, Table, TableSchema
from varme.retrofit.grid.privacy import mask_groups
from varme.retrofit.grid.ratio import Ratios
from varme.retrofit.grid.results import GridResults
from varme.retrofit.grid.simultaneity import Simultaneity

Floats = NDArray[np.float64]

#: Largest number of homes for which the fitted simultaneity is tabled.
BEYOND = (150, 500)
#: Loading classes by the P95 of the annual peak [% of the rating].
CLASSES = ((0.0, "up to 80 %"), (80.0, "80 to 100 %"), (100.0, "100 to 130 %"), (130.0, "above 130 %"))
#: Width of the bins of the histogram of ratios.
RATIO_BIN = 0.4

SIMULTANEITY = TableSchema(
    "simultaneity",
    "Simultaneity of heat pumps: peak of the sum over the sum of the own peaks",
    (
        Column("days", "text", "all days, or the bin of the daily outdoor temperature"),
        Column("homes_count", "integer", "heat pumps in the group"),
        Column("p05_share", "number", "5th percentile over random groups; empty beyond half of the meters"),
        Column("p50_share", "number", "median over random groups"),
        Column("p95_share", "number", "95th percentile over random groups; empty beyond half of the meters"),
        Column("fitted_share", "number", "fitted curve g_inf + (g_1 - g_inf) n^-a"),
        Column("kerber_share", "number", "the same with the exponent 3/4 (Kerber 2011, used by eDisGo)"),
    ),
)
SIMULTANEITY_FIT = TableSchema(
    "simultaneity_fit",
    "Fitted simultaneity by temperature",
    (
        Column("days", "text", "all days, or the bin of the daily outdoor temperature"),
        Column("days_count", "integer", "days in the bin"),
        Column("first_share", "number", "g(1)"),
        Column("limit_share", "number", "g_inf, for very many heat pumps"),
        Column("limit_low_share", "number", "lower end of its 95 % interval"),
        Column("limit_high_share", "number", "upper end"),
        Column("exponent_ratio", "number", "a"),
        Column("exponent_low_ratio", "number", "lower end of its 95 % interval"),
        Column("exponent_high_ratio", "number", "upper end"),
        Column("kerber_limit_share", "number", "g_inf with the exponent held at 3/4"),
    ),
)
TRANSFORMERS = TableSchema(
    "transformers",
    "Annual peaks of transformers with all gas homes switched; the most loaded first",
    (
        Column("transformer", "text", "transformer, or other: groups too small to be shown"),
        Column("feeder", "text", "feeder"),
        Column("homes_count", "integer", "metered gas homes that switch"),
        Column("unmetered_homes_count", "integer", "homes without a meter in the data: base load only"),
        Column("rating_kva", "number", "rating"),
        Column("base_kw", "number", "expected peak of households, or the base peak that is given"),
        Column("heat_pumps_p50_kw", "number", "annual peak of heat pumps alone, those there already included, median"),
        Column("heat_pumps_p95_kw", "number", "annual peak of the heat pumps alone, 95th percentile"),
        Column("p50_kw", "number", "annual peak of everything, median"),
        Column("p95_kw", "number", "annual peak of everything, 95th percentile"),
        Column("loading_p50_percent", "number", "median peak over the rated active power"),
        Column("loading_p95_percent", "number", "95th percentile over the rated active power"),
        Column("overload_percent", "number", "probability that the annual peak exceeds the rating"),
        Column("full_p50_percent", "number", "share of the homes at which the median peak reaches the rating"),
        Column("full_p95_percent", "number", "share of the homes at which the 95th percentile does: hosting capacity"),
        Column("above_rating_h", "number", "hours above the rating in a year, median; on the coldest days only"),
        Column("peak_hour_h", "number", "local hour in which the peak falls most often"),
        Column("loading_class", "text", "class of the loading, 95th percentile"),
        Column("x_m", "number", "place, east"),
        Column("y_m", "number", "place, north"),
    ),
)  # fmt: skip
FEEDERS = TableSchema(
    "feeders",
    "Annual peaks of feeders and of the town with all gas homes switched",
    (
        Column("feeder", "text", "feeder, or town"),
        Column("transformers_count", "integer", "transformers"),
        Column("homes_count", "integer", "metered gas homes that switch"),
        Column("p50_kw", "number", "annual peak, median"),
        Column("p95_kw", "number", "annual peak, 95th percentile"),
        Column("transformers_p95_kw", "number", "sum of the transformers' 95th percentiles"),
        Column(
            "simultaneity_share", "number", "peak over the sum of the transformers' peaks, 95th percentiles"
        ),
    ),
)
ADOPTION = TableSchema(
    "adoption",
    "Adoption path: peak of the town and overloaded transformers by share of the homes that have switched",
    (
        Column("order", "text", "who switches first"),
        Column("switched_percent", "number", "share of the gas homes that have switched"),
        Column("homes_count", "integer", "homes that have switched"),
        Column("town_p50_kw", "number", "annual peak of the town, median"),
        Column("town_p95_kw", "number", "annual peak of the town, 95th percentile"),
        Column("energy_mwh", "number", "annual electricity of the heat pumps"),
        Column("overloaded_p50_count", "number", "transformers above their rating, median"),
        Column("overloaded_p95_count", "number", "transformers above their rating, 95th percentile"),
    ),
)
TRANSFORMER_ADOPTION = TableSchema(
    "transformer_adoption",
    "Loading of transformers by share of the homes that have switched",
    (
        Column("order", "text", "who switches first"),
        Column("transformer", "text", "transformer"),
        Column("switched_percent", "number", "share of the gas homes of the town that have switched"),
        Column("loading_p50_percent", "number", "median of the annual peak over the rating"),
        Column("loading_p95_percent", "number", "95th percentile over the rating"),
        Column("overload_percent", "number", "probability that the annual peak exceeds the rating"),
    ),
)
TRANSFORMER_HOURS = TableSchema(
    "transformer_hours",
    "Load by transformer and hour with all gas homes switched",
    (
        Column("transformer", "text", "transformer, or other: groups too small to be shown"),
        Column("time_utc", "time", "start of the hour"),
        Column("heat_pumps_kw", "number", "expected power of the heat pumps, those there already included"),
        Column("base_kw", "number", "expected base load"),
        Column("p95_kw", "number", "95th percentile of both together in that hour"),
    ),
)
RATIO = TableSchema(
    "ratio",
    "Heat-pump over household electricity by group",
    (
        Column("group", "text", "group of buildings"),
        Column("buildings_count", "integer", "buildings with a ratio"),
        Column("excluded_count", "integer", "buildings without household electricity"),
        Column("clipped_count", "integer", "ratios beyond what the chart shows"),
        Column("median_ratio", "number", "median of the buildings' ratios"),
        Column("median_low_ratio", "number", "lower end of its 95 % interval"),
        Column("median_high_ratio", "number", "upper end"),
        Column("mean_ratio", "number", "mean of the buildings' ratios"),
        Column("of_sums_ratio", "number", "sum of heat-pump over sum of household electricity"),
        Column("of_sums_low_ratio", "number", "lower end of its 95 % interval"),
        Column("of_sums_high_ratio", "number", "upper end"),
    ),
)
RATIO_HISTOGRAM = TableSchema(
    "ratio_histogram",
    "Buildings by ratio of heat-pump to household electricity",
    (
        Column("ratios", "text", "range of the ratio"),
        Column("from_ratio", "number", "lower end of the range"),
        Column("buildings_count", "integer", "buildings; ranges with fewer than k joined to the one below"),
    ),
)

SCHEMAS: tuple[TableSchema, ...] = (
    SIMULTANEITY, SIMULTANEITY_FIT, TRANSFORMERS, FEEDERS, ADOPTION, TRANSFORMER_ADOPTION, TRANSFORMER_HOURS, RATIO,
    RATIO_HISTOGRAM,
)  # fmt: skip


def grid_tables(results: GridResults, hours_count: int = 500) -> list[Table]:
    """Return all tables of the grid part, masked.

    Args:
        results: What was found.
        hours_count: Transformers in ``transformer_hours`` at most, the most loaded first.
    """
    tables = [
        transformers_table(results),
        feeders_table(results),
        adoption_table(results),
        transformer_adoption_table(results),
    ]
    if results.simultaneity is not None:
        tables += [simultaneity_table(results.simultaneity), simultaneity_fit_table(results.simultaneity)]
    if results.ratios is not None:
        tables += ratio_tables(results.ratios, ("all",), results.masked.k)
    if results.hours is not None:
        tables.append(hours_table(results, hours_count))
    return tables


def simultaneity_table(found: Simultaneity) -> Table:
    """Return the measured and fitted curve of every bin; the fit goes on beyond the meters that there are."""
    beyond = [n for n in BEYOND if n > found.count[-1]]
    counts = np.concatenate([found.count, np.array(beyond, dtype=np.int64)])
    rows: dict[str, list[Any]] = {c.name: [] for c in SIMULTANEITY.columns}
    for b, label in enumerate(found.labels):
        fit = found.fits[b]
        measured = np.r_[found.median[b], np.full(len(beyond), np.nan)]
        trusted = counts <= found.measured_to_count
        low = np.where(trusted, np.r_[found.p05[b], np.full(len(beyond), np.nan)], np.nan)
        high = np.where(trusted, np.r_[found.p95[b], np.full(len(beyond), np.nan)], np.nan)
        nothing = np.full(len(counts), np.nan)
        rows["days"] += [label] * len(counts)
        rows["homes_count"] += counts.tolist()
        rows["p05_share"] += low.tolist()
        rows["p50_share"] += measured.tolist()
        rows["p95_share"] += high.tolist()
        rows["fitted_share"] += (fit.at(counts.astype(float)) if fit else nothing).tolist()
        rows["kerber_share"] += (fit.kerber_at(counts.astype(float)) if fit else nothing).tolist()
    return Table(SIMULTANEITY, rows)


def simultaneity_fit_table(found: Simultaneity) -> Table:
    """Return the parameters of the fitted curves."""
    rows: dict[str, list[Any]] = {c.name: [] for c in SIMULTANEITY_FIT.columns}
    nan = float("nan")
    for label, days, fit in zip(found.labels, found.days.tolist(), found.fits, strict=True):
        values = (
            (nan,) * 8
            if fit is None
            else (
                fit.first_share, fit.limit_share, fit.limit_low_share, fit.limit_high_share, fit.exponent,
                fit.exponent_low, fit.exponent_high, fit.kerber_limit_share,
            )
        )  # fmt: skip
        for column, value in zip(SIMULTANEITY_FIT.columns, (label, days, *values), strict=True):
            rows[column.name].append(value)
    return Table(SIMULTANEITY_FIT, rows)


def loading_class(percent: Floats) -> list[str]:
    """Return the class of each loading; "not known" where there is no rating."""
    edges = np.array([c[0] for c in CLASSES])
    place = np.searchsorted(edges, percent, side="right") - 1
    return [
        CLASSES[max(i, 0)][1] if np.isfinite(p) else "not known"
        for i, p in zip(place.tolist(), percent.tolist(), strict=True)
    ]


def rated_loading(results: GridResults) -> Floats:
    """Return the 95th percentile of the loading of the groups shown; NaN for those that have no rating."""
    return _loading_p95(results)


def shown_order(results: GridResults) -> NDArray[np.intp]:
    """Return the groups shown from the most to the least loaded; groups without a rating last."""
    loading = _loading_p95(results)
    return np.lexsort((np.arange(len(loading)), -np.nan_to_num(loading, nan=-1.0)))


def _single(results: GridResults, values: NDArray[Any]) -> Floats:
    """Return a figure of transformers for the groups shown, NaN for groups of several."""
    masked = results.masked
    out = np.full(len(masked.names), np.nan)
    seen = np.flatnonzero(masked.target >= 0)
    alone = np.bincount(masked.target[seen], minlength=len(masked.names)) == 1
    chosen = seen[alone[masked.target[seen]]]
    out[masked.target[chosen]] = np.asarray(values, dtype=float)[chosen]
    return out


def _loading_p95(results: GridResults) -> Floats:
    return _single(results, 100 * results.peaks.loading_p95_share)


def transformers_table(results: GridResults) -> Table:
    """Return the transformers (or groups) that may be shown, the most loaded first."""
    peaks, masked, known = results.peaks, results.masked, results.transformers
    loading = _loading_p95(results)
    feeder = [
        results.case.feeders[int(f)] if 0 <= f < len(results.case.feeders) else ""
        for f in masked.parent.tolist()
    ]
    slot_h = 24 / results.case.library.slots
    when = np.where(peaks.peak_slot >= 0, peaks.peak_slot * slot_h, np.nan)
    data: dict[str, Any] = {
        "transformer": np.array(masked.names, dtype=object),
        "feeder": np.array(feeder, dtype=object),
        "homes_count": masked.counts,
        "unmetered_homes_count": masked.summed(known.unmetered).astype(np.int64),
        "rating_kva": _single(results, known.rating_kva),
        "base_kw": results.shown_base_kw,
        "heat_pumps_p50_kw": _single(results, peaks.heat_pumps_p50_kw),
        "heat_pumps_p95_kw": _single(results, peaks.heat_pumps_p95_kw),
        "p50_kw": results.shown_p50_kw,
        "p95_kw": results.shown_p95_kw,
        "loading_p50_percent": _single(results, 100 * peaks.loading_p50_share),
        "loading_p95_percent": loading,
        "overload_percent": _single(results, 100 * peaks.overload_share),
        "full_p50_percent": _single(results, 100 * peaks.full_p50_share),
        "full_p95_percent": _single(results, 100 * peaks.full_p95_share),
        "above_rating_h": _single(results, peaks.hours_above_h),
        "peak_hour_h": np.floor(_single(results, when)),
        "loading_class": np.array(loading_class(loading), dtype=object),
        "x_m": _single(results, known.x_m),
        "y_m": _single(results, known.y_m),
    }
    order = shown_order(results)
    return Table(TRANSFORMERS, {name: np.asarray(values)[order] for name, values in data.items()})


def feeders_table(results: GridResults) -> Table:
    """Return feeders of at least k homes, and the town."""
    case, feeders, masked = results.case, results.feeders, results.masked
    homes = np.bincount(case.feeder, results.peaks.homes, minlength=len(feeders.names)).astype(np.int64)
    count = np.bincount(case.feeder, minlength=len(feeders.names))
    by_feeder = mask_groups(homes, masked.k, feeders.names)
    members = np.bincount(by_feeder.target[by_feeder.target >= 0], minlength=max(len(by_feeder.names), 1))
    alone = (by_feeder.target >= 0) & (members[by_feeder.target] == 1)
    keep = np.flatnonzero(alone) if len(feeders.names) > 1 else np.empty(0, dtype=np.int64)
    summed = float(results.peaks.p95_kw.sum())
    town = bool(homes.sum() >= masked.k)
    names = [feeders.names[i] for i in keep.tolist()] + ["town"] * town
    p95 = np.r_[feeders.p95_kw[keep], [feeders.town_p95_kw] * town]
    parts = np.r_[feeders.sum_of_transformers_kw[keep], [summed] * town]
    return Table(
        FEEDERS,
        {
            "feeder": names,
            "transformers_count": np.r_[count[keep], [len(case.names)] * town],
            "homes_count": np.r_[homes[keep], [homes.sum()] * town],
            "p50_kw": np.r_[feeders.p50_kw[keep], [feeders.town_p50_kw] * town],
            "p95_kw": p95,
            "transformers_p95_kw": parts,
            "simultaneity_share": p95 / np.maximum(parts, 1e-12),
        },
    )


def shown_shares(switched: NDArray[np.int64], k: int) -> NDArray[np.bool_]:
    """Return which rows of an adoption path may be shown, shape (shares,).

    A path is nested, so the difference of two rows is the figure of the homes in between: they must be k or more, as
    must those of the first row. The last row stays as long as it has k homes.
    """
    keep = np.zeros(len(switched), dtype=bool)
    above = None
    for i in range(len(switched) - 1, -1, -1):
        count = int(switched[i])
        if count == 0 or (count >= k and (above is None or above - count >= k)):
            keep[i] = count > 0 or above is None or above >= k
            above = count
    return keep


def adoption_table(results: GridResults) -> Table:
    """Return the adoption paths; shares that too few homes tell apart are left out."""
    paths = results.paths
    keep = [shown_shares(p.switched, results.masked.k) for p in paths]

    def column(name: str, factor: float = 1.0) -> NDArray[Any]:
        return np.concatenate([getattr(p, name)[m] * factor for p, m in zip(paths, keep, strict=True)])

    return Table(
        ADOPTION,
        {
            "order": [p.order for p, m in zip(paths, keep, strict=True) for _ in range(int(m.sum()))],
            "switched_percent": column("share", 100.0),
            "homes_count": np.concatenate([p.switched[m] for p, m in zip(paths, keep, strict=True)]),
            "town_p50_kw": column("town_p50_kw"),
            "town_p95_kw": column("town_p95_kw"),
            "energy_mwh": column("energy_kwh", 1e-3),
            "overloaded_p50_count": column("overloaded_p50_count"),
            "overloaded_p95_count": column("overloaded_p95_count"),
        },
    )


def transformer_adoption_table(results: GridResults) -> Table:
    """Return loading by transformer and share, for transformers that may be shown by themselves, least loaded first.

    A heat map draws upwards: the most loaded one is at its top.
    """
    masked = results.masked
    seen = np.flatnonzero(masked.target >= 0)
    alone = np.bincount(masked.target[seen], minlength=len(masked.names)) == 1
    single = seen[alone[masked.target[seen]]]
    single = single[np.argsort(results.peaks.loading_p95_share[single], kind="stable")]
    rows: dict[str, list[Any]] = {c.name: [] for c in TRANSFORMER_ADOPTION.columns}
    for path in results.paths:
        shares = len(path.share)
        rows["order"] += [path.order] * (shares * len(single))
        rows["transformer"] += [results.case.names[i] for i in single.tolist() for _ in range(shares)]
        rows["switched_percent"] += np.tile(100 * path.share, len(single)).tolist()
        rows["loading_p50_percent"] += (100 * path.loading_p50_share[:, single]).T.ravel().tolist()
        rows["loading_p95_percent"] += (100 * path.loading_p95_share[:, single]).T.ravel().tolist()
        rows["overload_percent"] += (100 * path.overload_share[:, single]).T.ravel().tolist()
    return Table(TRANSFORMER_ADOPTION, rows)


def hours_table(results: GridResults, most: int) -> Table:
    """Return the load by group shown and hour, of the most loaded groups."""
    hours = results.hours
    assert hours is not None
    chosen = shown_order(results)[:most]
    steps = len(hours.times_utc)
    return Table(
        TRANSFORMER_HOURS,
        {
            "transformer": (np.repeat(np.arange(len(chosen)), steps), [results.masked.names[i] for i in chosen]),
            "time_utc": np.tile(hours.times_utc, len(chosen)),
            "heat_pumps_kw": hours.heat_pumps_kw[chosen].ravel(),
            "base_kw": hours.base_kw[chosen].ravel(),
            "p95_kw": hours.p95_kw[chosen].ravel(),
        },
    )  # fmt: skip


def ratio_tables(found: Ratios, names: tuple[str, ...], k: int) -> list[Table]:
    """Return the ratios by group (groups of at least k buildings) and their histogram.

    Args:
        found: Ratios.
        names: Names of their groups.
        k: Smallest group that is shown.
    """
    keep = np.flatnonzero(found.used >= k)
    table = Table(
        RATIO,
        {
            "group": [names[i] for i in keep.tolist()],
            "buildings_count": found.used[keep],
            "excluded_count": found.excluded[keep],
            "clipped_count": found.clipped[keep],
            "median_ratio": found.median[keep],
            "median_low_ratio": found.median_low[keep],
            "median_high_ratio": found.median_high[keep],
            "mean_ratio": found.mean[keep],
            "of_sums_ratio": found.of_sums[keep],
            "of_sums_low_ratio": found.of_sums_low[keep],
            "of_sums_high_ratio": found.of_sums_high[keep],
        },
    )
    starts, counts = ratio_bins(found, k)
    ends = [*starts[1:], None][: len(starts)]
    texts = [
        f"{a:.1f} to {b:.1f}" if b is not None else f"from {a:.1f}" for a, b in zip(starts, ends, strict=True)
    ]
    return [
        table,
        Table(RATIO_HISTOGRAM, {"ratios": texts, "from_ratio": starts, "buildings_count": counts}),
    ]


def ratio_bins(found: Ratios, k: int) -> tuple[list[float], list[int]]:
    """Return lower ends and counts of the histogram: the last bin is open, bins below k are joined to a neighbour."""
    known = found.ratio[np.isfinite(found.ratio)]
    edges = np.round(np.arange(0, found.clip + RATIO_BIN / 2, RATIO_BIN), 6)
    counts = np.bincount(np.searchsorted(edges, known, side="right") - 1, minlength=len(edges))
    starts: list[float] = []
    sums: list[int] = []
    for start, count in zip(edges.tolist(), counts.tolist(), strict=True):
        if starts and (count < k or sums[-1] < k):
            sums[-1] += count
        else:
            starts.append(start)
            sums.append(count)
    if len(sums) > 1 and sums[-1] < k:
        sums[-2] += sums.pop()
        starts.pop()
    return (starts, sums) if sum(sums) >= k else ([], [])
