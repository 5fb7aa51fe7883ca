"""The Keymark's machines as arrays: for fitting the prior of the efficiency, and for judging it on held-out makers.

``python -m benchmarks.keymark FILE`` fits the shipped figures anew and writes them into the package.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.catalogue import heat_pumps
from varme.data.catalogue.heat_pumps import CERTIFIED, HeatPumpModel, read_catalogue
from varme.ground.result import write_text
from varme.physics import efficiency_prior
from varme.physics.efficiency_prior import (
    AIR_ANCHORS,
    BRINE_ANCHORS,
    FIGURES,
    EfficiencyPrior,
    HeatSource,
    fit_prior,
    log_efficiency,
)

Floats = NDArray[np.float64]
KEYMARK = (
    Path(__file__).resolve().parents[1].parent
    / "shared"
    / "data"
    / "heatpumps"
    / "keymark_en14825_points_2024.csv.gz"
)
#: Refrigerants with a mean of their own; the others (most of them R32) share one.
LISTED: dict[HeatSource, tuple[str, ...]] = {"air": ("R290", "R410A"), "brine": ()}
SOURCE = (
    "Heat Pump Keymark, EN 14825 points in hplib's collection of October 2024 (FZJ-IEK3-VSA/hplib, data CC BY 4.0 by "
    "its README); figures fitted by varme"
)


@dataclass(frozen=True, eq=False)
class Machines:
    """Distinct machines.

    Attributes:
        models: One model per machine, m of them.
        cop: COP at the eight certified points, shape (m, 8).
        heat_kw: Heat there, shape (m, 8).
        log_eta: Log efficiency at the anchors of the prior, shape (m, k).
        refrigerant: Refrigerant.
        maker: Number of the maker: manufacturers that sell one and the same machine count as one, shape (m,).
    """

    models: list[HeatPumpModel]
    cop: Floats
    heat_kw: Floats
    log_eta: Floats
    refrigerant: list[str]
    maker: NDArray[np.int64]


def machines(source: HeatSource, path: Path = KEYMARK) -> Machines:
    """Return the distinct machines of one source with all anchors known."""
    catalogue = read_catalogue(path)
    models = [m for m in catalogue.models if m.source == source]
    maker = _makers(models)
    seen: dict[tuple[float, ...], HeatPumpModel] = {}
    for model in models:
        points = model.points[: len(CERTIFIED)]
        if len(model.points) == len(CERTIFIED) + 2 or source == "brine":
            seen.setdefault(tuple(p.cop for p in points), model)
    found = list(seen.values())
    cop = np.array([[p.cop for p in m.points[:8]] for m in found])
    heat = np.array([[p.heat_kw or np.nan for p in m.points[:8]] for m in found])
    if source == "air":
        every = np.array([[p.cop for p in m.points] for m in found])
        s, f = np.array(AIR_ANCHORS).T
    else:  # the two uses meet at 30 C: their mean
        every = np.stack([cop[:, 0], np.sqrt(cop[:, 1] * cop[:, 7]), cop[:, 2], *cop[:, 4:7].T], axis=1)
        s, f = np.array(BRINE_ANCHORS).T
    return Machines(
        found, cop, heat, log_efficiency(every, s, f), [m.refrigerant for m in found],
        np.array([maker[m.manufacturer] for m in found]),
    )  # fmt: skip


def _makers(models: list[HeatPumpModel]) -> dict[str, int]:
    """Return a number per manufacturer; those that share a machine have the same."""
    root: dict[str, str] = {m.manufacturer: m.manufacturer for m in models}

    def top(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    first: dict[tuple[float, ...], str] = {}
    for model in models:
        key = tuple(p.cop for p in model.points[:8])
        root[top(model.manufacturer)] = top(first.setdefault(key, model.manufacturer))
    numbers = {name: i for i, name in enumerate(sorted({top(n) for n in root}))}
    return {name: numbers[top(name)] for name in root}


def part_load(found: Machines) -> tuple[float, float, Floats, Floats]:
    """Return the elasticity of the COP to the load with its standard error, and the median load line of air machines.

    Within each certified point, machines whose smallest heat is above what was asked for ran at a higher load; the
    regression has one constant and one shift per refrigerant for each point, so that only that difference counts. It is
    a comparison of machines, not of one machine with itself. Standard error: bootstrap over makers.
    """
    full = np.array([m.full_kw or np.nan for m in found.models])[:, None]
    outdoor = np.array([c[1] for c in CERTIFIED])
    capacity = full * (1 + heat_pumps.CAPACITY_PER_K * (np.minimum(outdoor, 7.0) + 7))
    share = np.clip(found.heat_kw / capacity, 0.05, 1.0)
    names = np.array(found.refrigerant)
    design = np.stack([np.ones(len(names)), names == "R290", names == "R410A"], axis=1).astype(float)
    fit = np.isfinite(share).all(axis=1)

    def slope(rows: NDArray[np.int64]) -> float:
        top = bottom = 0.0
        for j in (1, 2, 3, 5, 6, 7):
            a = design[rows]
            x, y = np.log(share[rows, j]), found.log_eta[rows, j]
            x = x - a @ np.linalg.lstsq(a, x, rcond=None)[0]
            y = y - a @ np.linalg.lstsq(a, y, rcond=None)[0]
            top, bottom = top + float(x @ y), bottom + float(x @ x)
        return -top / bottom

    every = np.flatnonzero(fit)
    rng = np.random.default_rng(1)
    makers = np.unique(found.maker)
    drawn = []
    for _ in range(200):
        chosen = rng.choice(makers, len(makers))
        drawn.append(slope(np.concatenate([every[found.maker[every] == k] for k in chosen])))
    line = np.median(share[every], axis=0)
    middle = [1.0, 1.0, *(float((line[j] + line[j + 4]) / 2) for j in (1, 2, 3))]
    return slope(every), float(np.std(drawn)), np.array([-10.0, -7.0, 2.0, 7.0, 12.0]), np.array(middle)


def fitted(source: HeatSource, found: Machines) -> EfficiencyPrior:
    """Return the prior of a set of machines."""
    anchors = AIR_ANCHORS if source == "air" else BRINE_ANCHORS
    more: dict[str, Any] = {"manufacturer_count": len({m.manufacturer for m in found.models})}
    if source == "air":
        e, error, line_c, line = part_load(found)
        more |= {
            "part_load_exponent": e,
            "part_load_error": error,
            "line_source_c": line_c,
            "line_share": line,
        }
    return fit_prior(source, anchors, found.log_eta, found.refrigerant, LISTED[source], **more)


def typical(source: HeatSource, found: Machines) -> list[dict[str, Any]]:
    """Return typical machines: median, good (upper decile) and weak (lower decile) level of each refrigerant.

    A machine's level is its mean log efficiency above the mean of its refrigerant; good and weak ones have the mean of
    the machines within five percentiles of the decile.
    """
    out = []
    names = np.array(found.refrigerant)
    uses = np.array([[t if source == "air" else 0.0, f] for _, t, f in CERTIFIED])
    log_eta = log_efficiency(found.cop, uses[:, 0], uses[:, 1])
    carnot = np.exp(np.log(found.cop[0]) - log_eta[0])
    for refrigerant in ("R290", "R32", "R410A") if source == "air" else ("R290", "R410A"):
        rows = np.flatnonzero(names == refrigerant)
        if len(rows) < 20:
            continue
        level = log_eta[rows].mean(axis=1)
        rank = np.argsort(np.argsort(level)) / (len(rows) - 1)
        for word, middle in (("weak", 0.1), ("median", 0.5), ("good", 0.9)):
            near = rows[np.abs(rank - middle) <= 0.05]
            cop = carnot * np.exp(log_eta[near].mean(axis=0))
            group = [found.models[i] for i in near]
            share = [m.minimum_kw / m.full_kw for m in group if m.minimum_kw and m.full_kw]
            out.append(
                {
                    "name": f"{word} {source}/water {refrigerant}",
                    "source": source,
                    "refrigerant": refrigerant,
                    "points": [
                        [*map(float, use), round(float(c), 3)] for use, c in zip(uses, cop, strict=True)
                    ],
                    "full_kw": 1.0,
                    "minimum_kw": round(float(np.median(share)), 3),
                    "regulated": bool(np.median(share) < 0.8),
                    "standby_w": float(np.median([m.standby_w for m in group])),
                    "flow_max_c": float(np.nanmedian([m.flow_max_c for m in group])),
                }
            )
    return out


def main(path: Path) -> None:
    """Fit the shipped figures and write them into the package."""
    priors: dict[str, Any] = {"source": SOURCE}
    typicals: list[dict[str, Any]] = []
    for source in ("air", "brine"):
        found = machines(source, path)
        prior = fitted(source, found)
        priors[source] = prior.as_dict()
        typicals += typical(source, found)
        shown = replace(prior, covariance=np.sqrt(np.diag(prior.covariance)).round(3))
        sys.stdout.write(f"{shown}\n")
    home = Path(efficiency_prior.__file__).parent
    write_text(home / FIGURES, json.dumps(priors, indent=1) + "\n")
    table = {"source": SOURCE, "machines": typicals}
    write_text(Path(heat_pumps.__file__).parent / heat_pumps.TYPICAL_FILE, json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else KEYMARK)
