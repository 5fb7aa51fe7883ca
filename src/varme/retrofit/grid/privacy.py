"""k-anonymity of what is shown: no group below k buildings, also not by subtraction from a total.

A small group is never just left out: the total minus the groups that are shown would give it away. Small groups are
merged into "other"; if that still holds fewer than k buildings, the smallest group that would be shown joins it. With a
hierarchy (transformers of a feeder) this is done within each feeder, because feeders are shown too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Name of what small groups are merged into.
OTHER = "other"


@dataclass(frozen=True)
class Masked:
    """Groups as they may be shown.

    Attributes:
        names: Names of the groups that are shown, those that are shown by themselves first, shape (shown,).
        target: For each original group the row in ``names``, or -1 where it is not shown at all, shape (groups,).
        counts: Buildings of each group shown, shape (shown,).
        parent: For each group shown the row of its parent, -1 without a hierarchy, shape (shown,).
        merged: Original groups that went into an "other".
        hidden: Original groups that are not shown at all: all of them together have fewer than k buildings.
        k: The smallest group.
    """

    names: tuple[str, ...]
    target: Ints
    counts: Ints
    parent: Ints
    merged: int
    hidden: int
    k: int

    def summed(self, values: NDArray[np.float64] | Ints) -> Floats:
        """Return sums by group shown; ``values`` has the original groups on its first axis."""
        out = np.zeros((len(self.names), *np.shape(values)[1:]))
        seen = self.target >= 0
        np.add.at(out, self.target[seen], np.asarray(values, dtype=float)[seen])
        return out


def mask_groups(
    counts: Sequence[int] | Ints,
    k: int,
    names: Sequence[str] | None = None,
    parent: Sequence[int] | Ints | None = None,
) -> Masked:
    """Return which groups may be shown and what the others are merged into.

    Empty groups are not shown: that a group is empty is known from the map, and it has no figures. Parents are masked
    by the same rule first; those that are shown together count as one.

    Args:
        counts: Buildings of each group, shape (groups,).
        k: Smallest group that may be shown; 1 shows all.
        names: Names of the groups.
        parent: Parent of each group (its feeder), shape (groups,); -1 or ``None`` for one parent of all.
    """
    n = np.asarray(counts, dtype=np.int64)
    of = np.zeros(len(n), dtype=np.int64) if parent is None else np.asarray(parent, dtype=np.int64)
    labels = [str(x) for x in (names if names is not None else [f"group {i + 1}" for i in range(len(n))])]
    clusters = _clusters(n, of, k)
    alone, together, hidden = [], [], 0
    for cluster in clusters:
        if not len(cluster):
            continue
        single, rest = _split(n, cluster, k)
        alone += [(i, cluster) for i in single.tolist()]
        if n[rest].sum() >= k and len(rest):
            together.append((rest, cluster))
        else:
            hidden += len(rest)
    target = np.full(len(n), -1, dtype=np.int64)
    shown: list[str] = []
    parents: list[int] = []
    for row, (i, _) in enumerate(alone):
        target[i] = row
        shown.append(labels[i])
        parents.append(int(of[i]) if parent is not None else -1)
    taken = set(shown)
    for rest, cluster in together:
        target[rest] = len(shown)
        name = _other_name(len(together), of[cluster], taken)
        taken.add(name)
        shown.append(name)
        parents.append(int(of[cluster[0]]) if parent is not None else -1)
    total = np.zeros(len(shown), dtype=np.int64)
    np.add.at(total, target[target >= 0], n[target >= 0])
    merged = sum(len(rest) for rest, _ in together)
    return Masked(tuple(shown), target, total, np.array(parents, dtype=np.int64), merged, hidden, k)


def _clusters(n: Ints, of: Ints, k: int) -> list[Ints]:
    """Return the groups of each parent; parents that are shown together, or not at all, are one."""
    parents, place = np.unique(of, return_inverse=True)
    if len(parents) == 1:
        return [np.flatnonzero(n > 0)]
    shown = mask_groups(np.bincount(place, n, minlength=len(parents)).astype(np.int64), k)
    cluster = shown.target[place]
    return [np.flatnonzero((cluster == c) & (n > 0)) for c in range(-1, len(shown.names))]


def _split(n: Ints, cluster: Ints, k: int) -> tuple[Ints, Ints]:
    """Return the groups of a cluster that are shown by themselves, and those that are merged."""
    small = cluster[n[cluster] < k]
    large = cluster[n[cluster] >= k]
    if not len(small):
        return large, small
    by_size = large[np.argsort(n[large], kind="stable")]
    take = 0
    while n[small].sum() + n[by_size[:take]].sum() < k and take < len(by_size):
        take += 1
    return np.sort(by_size[take:]), np.sort(np.concatenate([small, by_size[:take]]))


def _other_name(others: int, parents: Ints, taken: set[str]) -> str:
    name = OTHER if others == 1 else f"{OTHER} ({int(parents[0]) + 1})"
    while name in taken:
        name += "*"
    return name


def pseudonyms(meters: Sequence[str], seed: int, prefix: str = "M") -> dict[str, str]:
    """Return a number for each meter that tells nothing of its id nor of its place in the file.

    The order is a seeded shuffle of the sorted ids: equal sets of meters and seeds give equal numbers. Who knows all
    ids and the seed can undo it; keep the seed as secret as the ids, and do not publish a study file with either.

    Args:
        meters: Ids; doubles count once.
        seed: Seed.
        prefix: Letters before the number.
    """
    distinct = sorted(set(meters))
    order = np.random.default_rng([seed, len(distinct)]).permutation(len(distinct))
    width = max(len(str(len(distinct))), 4)
    return {meter: f"{prefix}{order[i] + 1:0{width}d}" for i, meter in enumerate(distinct)}


def dominated(energy: Floats, group: Ints, groups: int, share: float = 0.8) -> NDArray[np.bool_]:
    """Return which groups are so much one building's that their sum tells that building's figure, shape (groups,).

    Args:
        energy: Energy of each building, shape (buildings,).
        group: Group of each building.
        groups: Number of groups.
        share: Share of the sum above which one building dominates (statistical offices use 75 to 85 %).
    """
    total = np.bincount(group, energy, minlength=groups)
    most = np.zeros(groups)
    np.maximum.at(most, group, energy)
    return np.asarray((total > 0) & (most > share * total), dtype=bool)
