"""One block of meters: read, cleaned, turned into energy, fitted, filled, summed; what is left is small."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.clean.clean import AuditLine, Surroundings, clean, to_daily
from varme.data.clean.spec import CleaningSpec
from varme.data.meters.panel import MeterPanel, MeterSource
from varme.retrofit.demand.change_point import ROWS, ChangePoints, fit_change_points
from varme.retrofit.demand.heating_grid import HeatingGrid

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]

#: Readings that are worked on at a time: as many rows as a fit takes, of three years of days.
PART_READINGS = ROWS * 1100
#: Days of the coldest spell of a year.
COLD_SPELL_DAYS = 7


@dataclass(frozen=True)
class Recipe:
    """What is done with a block.

    Attributes:
        cleaning: Cleaning rules.
        around: What cleaning may know besides; arrays by meter are those of all meters.
        group: Group of each meter, shape (all meters,), -1 for none.
        groups: Number of groups.
        convert: Turns a cleaned daily panel of the meters ``first`` to ``last`` into energy.
    """

    cleaning: CleaningSpec
    around: Surroundings
    group: Ints
    groups: int
    convert: Callable[[MeterPanel, int, int], MeterPanel] | None

    def around_of(self, first: int, last: int) -> Surroundings:
        """Return what is known around some of the meters."""
        around, total = self.around, len(self.group)
        by_meter: dict[str, Any] = {}
        for f in fields(around):
            value = getattr(around, f.name)
            if f.name != "temperature_c" and isinstance(value, np.ndarray) and len(value) == total:
                by_meter[f.name] = value[first:last]
        return replace(around, **by_meter) if by_meter else around


@dataclass
class Condensed:
    """What is left of the meters ``first`` to ``last``; arrays as in ``MeterYears``.

    Attributes:
        unusable: Place (row times years plus year) of each year that is not usable, and why.
        group_index: Groups that have meters here, shape (g,).
        group_days: Their sums by day, shape (g, days).
        seconds: CPU seconds by stage.
    """

    first: int
    last: int
    energy: Floats
    unusable: tuple[Ints, list[str]]
    valid_days: NDArray[np.int32]
    fits: ChangePoints
    peak_day: Floats32
    coldest_week: Floats32
    filled_days: NDArray[np.int16]
    group_index: Ints
    group_days: Floats
    group_meters: Ints
    fleet_days: Floats
    counts: dict[str, NDArray[np.int32]]
    audit: tuple[AuditLine, ...]
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Calendar:
    """Days of the panel, where each year lies in it, and the temperatures."""

    days: int
    years: tuple[slice, ...]
    outside: tuple[slice, ...]
    spell: tuple[slice, ...]
    temperature_c: Floats
    grid: HeatingGrid

    @classmethod
    def of(
        cls, days: NDArray[np.datetime64], years: tuple[int, ...], temperature_c: Floats | None
    ) -> _Calendar:
        t = np.full(len(days), np.nan) if temperature_c is None else np.asarray(temperature_c, dtype=float)
        year = days.astype("datetime64[Y]").astype(int) + 1970
        parts = tuple(slice(*np.searchsorted(year, [y, y + 1]).tolist()) for y in years)
        inside = np.zeros(len(days), dtype=bool)
        for part in parts:
            inside[part] = True
        edges = np.flatnonzero(np.diff(np.r_[True, inside, True].astype(np.int8)))
        outside = tuple(slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True))
        known = np.isfinite(t)
        whole = np.interp(np.arange(len(t)), np.flatnonzero(known), t[known]) if known.any() else t
        return cls(
            len(days), parts, outside, tuple(_spell(whole, p) for p in parts), whole, HeatingGrid.of(t)
        )


def _spell(temperature_c: Floats, year: slice) -> slice:
    """Return the coldest days in a row of a year."""
    t = temperature_c[year]
    n = min(COLD_SPELL_DAYS, len(t))
    if not n or not np.isfinite(t).all():
        return slice(year.start, year.start)
    mean = np.convolve(t, np.ones(n), "valid")
    begin = year.start + int(np.argmin(mean))
    return slice(begin, begin + n)


class _Clock:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.process_time()

    def lap(self, stage: str) -> None:
        """Count the time since the last lap for a stage."""
        now = time.process_time()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


def condense_block(
    source: MeterSource, offset: int, first: int, last: int, block: int, recipe: Recipe, audit_lines: int
) -> Condensed:
    """Return what is left of the meters ``first`` to ``last``.

    Args:
        source: The meters.
        offset: Number of the source's first meter among all meters.
        first: First meter, among all.
        last: Last meter, exclusive.
        block: Meters that are read at a time.
        recipe: What is done.
        audit_lines: Most lines of the audit table.
    """
    clock = _Clock()
    sums = _Sums(recipe.groups)
    parts: list[dict[str, Any]] = []
    calendar: _Calendar | None = None
    for a in range(first, last, block):
        b = min(a + block, last)
        panel = source.block(a - offset, b - offset)
        clock.lap("read")
        rows = max(16, PART_READINGS // max(panel.values.shape[1], 1))
        for i in range(a, b, rows):
            j = min(i + rows, b)
            piece = panel.rows(slice(i - a, j - a)) if j - i < b - a else panel
            share = max(audit_lines - sum(len(p["audit"]) for p in parts), 0)
            part, filled, calendar = _condense_rows(piece, i, j, recipe, share, calendar, clock)
            sums.add(recipe.group[i:j], filled, part["usable"])
            clock.lap("sums")
            parts.append(part)
    return _put_together(first, last, parts, sums, clock)


def _condense_rows(
    panel: MeterPanel,
    first: int,
    last: int,
    recipe: Recipe,
    audit_lines: int,
    calendar: _Calendar | None,
    clock: _Clock,
) -> tuple[dict[str, Any], Floats32, _Calendar]:
    around = recipe.around_of(first, last)
    rules = recipe.cleaning
    if audit_lines < getattr(rules, "audit_lines_max", 0):
        rules = rules.model_copy(update={"audit_lines_max": audit_lines})
    cleaned = clean(panel, rules, around)
    daily = to_daily(cleaned.panel, around.timezone, rules.valid_hours_share)
    clock.lap("clean")
    if recipe.convert is not None:
        daily = recipe.convert(daily, first, last)
    clock.lap("heat")
    calendar = calendar or _Calendar.of(daily.steps, around.years, around.temperature_c)
    fits = fit_change_points(daily.values, calendar.temperature_c, grid=calendar.grid)
    clock.lap("fit")
    filled = np.array(daily.values, dtype=np.float32, order="C")
    gaps = np.flatnonzero(~np.isfinite(filled))
    row, day = np.divmod(gaps, calendar.days)
    expected = fits.at(row, calendar.temperature_c[day])
    filled.reshape(-1)[gaps] = np.where(np.isfinite(expected), expected, 0)
    usable = np.asarray(cleaned.usable, dtype=bool)
    shape = usable.shape
    out: dict[str, Any] = {
        "energy": np.full(shape, np.nan), "peak_day": np.full(shape, np.nan, np.float32),
        "coldest_week": np.full(shape, np.nan, np.float32), "filled_days": np.zeros(shape, np.int16),
    }  # fmt: skip
    for k, (part, spell) in enumerate(zip(calendar.years, calendar.spell, strict=True)):
        if part.stop <= part.start:
            continue
        year, ok = filled[:, part], usable[:, k]
        out["energy"][:, k] = np.where(ok, year.sum(axis=1), np.nan)
        out["peak_day"][:, k] = np.where(ok, year.max(axis=1), np.nan)
        if spell.stop > spell.start:
            out["coldest_week"][:, k] = np.where(ok, filled[:, spell].mean(axis=1), np.nan)
        mine = (day >= part.start) & (day < part.stop)
        out["filled_days"][:, k] = np.bincount(row[mine], minlength=len(filled))
        filled[~ok, part] = 0
    for part in calendar.outside:
        filled[:, part] = 0
    place = np.flatnonzero(~usable)
    out |= {
        "usable": usable, "fits": fits, "valid_days": cleaned.valid_days.astype(np.int32), "counts": cleaned.counts,
        "unusable": (place, [str(r) for r in cleaned.reason.reshape(-1)[place]]),
        "audit": cleaned.audit[:audit_lines],
    }  # fmt: skip
    return out, filled, calendar


class _Sums:
    """Sums of meters by group and day: single precision within a part, double over the parts."""

    def __init__(self, groups: int) -> None:
        self.groups = groups
        self._place = np.full(groups, -1, dtype=np.int64)
        self._rows: list[Floats] = []
        self._meters: list[Ints] = []
        self.fleet: Floats | None = None

    def add(self, group: Ints, filled: Floats32, usable: NDArray[np.bool_]) -> None:
        """Add the meters of a part."""
        total = (np.ones(len(filled), dtype=np.float32) @ filled).astype(float)
        self.fleet = total if self.fleet is None else self.fleet + total
        chosen = np.flatnonzero(group >= 0)
        if not len(chosen):
            return
        order = chosen[np.argsort(group[chosen], kind="stable")]
        names, start = np.unique(group[order], return_index=True)
        by_group = _sum_rows(filled, order, start)
        meters = np.add.reduceat(usable[order].astype(np.int64), start, axis=0)
        place = self._place[names]
        new = np.flatnonzero(place < 0)
        self._place[names[new]] = len(self._rows) + np.arange(len(new))
        for i in np.flatnonzero(place >= 0).tolist():
            self._rows[place[i]] += by_group[i]
            self._meters[place[i]] += meters[i]
        self._rows.extend(by_group[new].astype(float))
        self._meters.extend(meters[new])

    def result(self, days: int, years: int) -> tuple[Ints, Floats, Ints]:
        """Return the groups, their sums by day, and their meters by year."""
        index = np.flatnonzero(self._place >= 0)
        if not len(index):
            return index, np.zeros((0, days)), np.zeros((0, years), dtype=np.int64)
        place = self._place[index].tolist()
        return index, np.stack([self._rows[i] for i in place]), np.stack([self._meters[i] for i in place])


def _sum_rows(values: Floats32, order: Ints, start: Ints) -> Floats32:
    """Return sums of rows: of ``order[start[0]:start[1]]`` and so on, as a product with a sparse matrix."""
    from scipy import sparse

    shape = (len(start), len(values))
    pick = sparse.csr_matrix((np.ones(len(order), np.float32), order, np.r_[start, len(order)]), shape=shape)
    return np.asarray(pick @ values)


def _put_together(
    first: int, last: int, parts: list[dict[str, Any]], sums: _Sums, clock: _Clock
) -> Condensed:
    def joined(name: str) -> Any:
        return np.concatenate([p[name] for p in parts])

    years = parts[0]["energy"].shape[1]
    place, reasons, begin = [], [], 0
    for p in parts:
        place.append(p["unusable"][0] + begin * years)
        reasons.extend(p["unusable"][1])
        begin += len(p["energy"])
    rules = sorted({rule for p in parts for rule in p["counts"]})
    counts = {rule: np.zeros(last - first, dtype=np.int32) for rule in rules}
    begin = 0
    for p in parts:
        for rule, count in p["counts"].items():
            counts[rule][begin : begin + len(count)] = count
        begin += len(p["energy"])
    fleet = np.zeros(0) if sums.fleet is None else sums.fleet
    index, group_days, group_meters = sums.result(len(fleet), years)
    fits = ChangePoints.join([p["fits"] for p in parts])
    clock.lap("sums")
    return Condensed(
        first, last, joined("energy"), (np.concatenate(place), reasons), joined("valid_days"), fits, joined("peak_day"),
        joined("coldest_week"), joined("filled_days"), index, group_days, group_meters, fleet, counts,
        tuple(line for p in parts for line in p["audit"]), clock.seconds,
    )  # fmt: skip
