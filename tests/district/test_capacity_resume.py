"""A capacity study that was killed between blocks of points gives, resumed, the same bytes as one that was not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from varme.district import capacity
from varme.district.capacity import CapacityStudy, chain_order, solve_points
from varme.ground.context import Context
from varme.ground.spec import parse

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "district-east-denmark-2011"


class _StopAfter:
    """Progress that stops the study after some points, as a kill would."""

    def __init__(self, points: int) -> None:
        self.points = points

    def stage(self, name: str, total: int) -> None:
        """A stage begins."""

    def advance(self, done: int, info: object) -> None:
        """Stop when enough is done."""
        if done >= self.points:
            raise KeyboardInterrupt


def test_resumed_chain_gives_the_same_bytes(tmp_path: Path) -> None:
    """Points in two blocks, killed in the second: what was finished is read, the rest is solved as before."""
    study = parse(
        CapacityStudy,
        {
            "kind": "district-capacity", "base": "study.toml", "start": "2011-01-01", "end": "2011-01-06",
            "capacities_mw": {"HP1": [50, 100, 200, 300, 400, 500], "HP2": [25 + 5 * k for k in range(25)]},
        },
        "capacity",
    )  # fmt: skip
    context = Context(base=FOLDER, source="capacity")
    case = capacity._load(study, context)
    points = [{"HP1": 0.0, "HP2": 0.0}, *study.points()]
    whole = solve_points(case, points, replace(context, work=tmp_path / "whole"), "capacity")
    with pytest.raises(KeyboardInterrupt):
        solve_points(
            case, points, replace(context, work=tmp_path / "cut", progress=_StopAfter(28)), "capacity"
        )
    again = replace(context, work=tmp_path / "cut", resume=True)
    resumed = solve_points(case, points, again, "capacity")
    for one, other in zip(whole, resumed, strict=True):
        for name, values in one.as_arrays().items():
            assert np.array_equal(values, other.as_arrays()[name]), name


def test_neighbours_in_the_chain_differ_in_one_capacity() -> None:
    """A grid is walked to and fro, from the largest capacities down."""
    points = [{"A": float(a), "B": float(b)} for a in range(3) for b in range(3)]
    order = chain_order(points)
    assert sorted(order) == list(range(9))
    steps = [sum(points[p][k] != points[q][k] for k in "AB") for p, q in pairwise(order)]
    assert steps == [1] * 8
    assert points[order[0]] == {"A": 2.0, "B": 2.0}
