"""Years and temperature: false changes between years, the COP slope of daily fleets, coverage of the joint estimate.

Seeds below 1,000 were for development; what is reported here begins at 100,000.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.registry import Bar, Line, Options, subject
from varme.data.synthetic.town import TownSpec, build_town
from varme.ground.timegrid import utc_offset_s
from varme.physics.gas import z_number
from varme.retrofit.spf.curve import CopCurve, fit_cop_curve
from varme.retrofit.spf.joint import YearLevel, joint_estimate
from varme.retrofit.spf.paper import scan
from varme.retrofit.spf.spec import SpfSpec
from varme.retrofit.spf.years import panel_changes

Floats = NDArray[np.float64]

SEED = 100_000
YEARS = (2019, 2020, 2021)
WINTER_C = np.array([3.8, 4.6, 2.8])
B, CHANGE = 3.3, 0.5
GAS, PUMPS = 1400, 73


def annual(seed: int, effect: Floats | None = None, year_sd: float = 0.0) -> tuple[Floats, Floats, Floats]:
    """Return annual heat and electricity (homes, years), and true log B: log spread 0.5, 8 % own noise, B = 3.3."""
    rng = np.random.default_rng([SEED, seed])
    true = np.log(B) + (np.zeros(3) if effect is None else effect) + year_sd * rng.normal(size=3)
    heat = rng.normal(0, 0.5, GAS)[:, None] + rng.normal(0, 0.08, (GAS, 3))
    used = rng.normal(0, 0.5, PUMPS)[:, None] + rng.normal(0, 0.08, (PUMPS, 3)) - true
    return 20000 * np.exp(heat), 20000 * np.exp(used), true


def paper_spread(heat: Floats, used: Floats, spec: SpfSpec) -> float:
    """Return the spread over the years of the published method's B."""
    b = [scan(heat[:, k], used[:, k], spec).best_ratio for k in range(3)]
    return float(np.ptp(b))


@subject("spf-years", "SPF over years: 1,400 gas + 73 heat-pump meters, three years; COP over temperature")
def spf_years(options: Options) -> Iterator[Line]:
    """Measure false and real changes, slopes, and the coverage of intervals."""
    yield from _changes(options)
    yield from _slopes(options)
    yield from _joint(options)


def _changes(options: Options) -> Iterator[Line]:
    towns, peers = (200, 40) if options.quick else (2000, 400)
    panels, spreads = [], []
    specs = {
        "paper, Lin, 20 bins": SpfSpec(method="paper"),
        "paper, Lin, 50 bins": SpfSpec(method="paper", bins_count=50),
        "paper, Eq. 6, 50 bins": SpfSpec(method="paper", bins_count=50, divergence="jeffreys"),
    }
    for k in range(towns):
        heat, used, _ = annual(k)
        panels.append(panel_changes(heat, used, YEARS, WINTER_C))
        if k < peers:
            spreads.append([paper_spread(heat, used, spec) for spec in specs.values()])
    false = 100 * float(np.mean([p.spread_ratio(B) >= CHANGE - 1e-9 for p in panels]))
    shares = 100 * np.mean(np.array(spreads) >= CHANGE - 1e-9, axis=0)
    size = f"{towns} unchanged towns"
    for name, share in zip(specs, shares, strict=True):
        yield Line('false "B changed by 0.5"', false, "%", size, name, float(share), Bar(1.0),
                   f"the published method on {peers} of them")  # fmt: skip
        size = ""
    claimed = 100 * float(np.mean([p.changed for p in panels]))
    yield Line(
        "any change claimed in unchanged towns",
        claimed,
        "%",
        bar=Bar(5.0),
        note="95 % for all pairs together",
    )
    slopes = np.array([p.slope_share_per_k for p in panels])
    yield Line("sd of the slope of log B", float(100 * slopes.std()), "%/K", bar=Bar(0.8))
    inside = [p.slope_low_share_per_k <= 0 <= p.slope_high_share_per_k for p in panels]
    yield Line("its 95 % interval covers", 100 * float(np.mean(inside)), "%", bar=Bar(96.5, "between", 93.5))
    effect = np.array([0.0, np.log((B + CHANGE) / B), 0.0])
    found = []
    for k in range(towns // 4):
        heat, used, _ = annual(10_000 + k, effect)
        changes = panel_changes(heat, used, YEARS).changes
        found.append(all(c.changed == (2020 in (c.first_year, c.last_year)) for c in changes))
    yield Line("a real change of 0.5 found, and only that", 100 * float(np.mean(found)), "%", f"{towns // 4} towns",
               bar=Bar(95.0, "at_least"), note="the pair that did not change is called so at 98.3 %")  # fmt: skip


@dataclass(frozen=True)
class SlopeError:
    """Errors of one town's COP curve, relative to the truth."""

    space: float
    whole: float
    naive: float
    inside: bool
    whole_inside: bool


def slope_error(seed: int, **fields: object) -> SlopeError:
    """Return the errors of a town built by the generator: daily gas meters as they read, hourly heat-pump meters."""
    spec = TownSpec.model_validate({"seed": seed, "faults": False, **fields})
    town = build_town(spec)
    factor = float(z_number(spec.altitude_m)) * spec.calorific_kwh_hs_per_m3 * 0.85
    heat = np.asarray(town.gas.values, dtype=float).mean(axis=0) * factor
    local = town.heat_pumps.values.mean(axis=0, dtype=float)
    clock = town.hours_utc + utc_offset_s(town.hours_utc, spec.timezone).astype("timedelta64[s]")
    day = (clock.astype("datetime64[D]") - town.days[0]).astype(np.int64)
    used = np.bincount(day, local)
    t = np.bincount(day, town.temperature_c) / np.bincount(day)
    rest = (town.days.astype(np.int64) + 3) % 7 >= 5
    curve = fit_cop_curve(heat, used, t, rest)
    space, whole = town.truth["cop_slope_space_share_per_k"], town.truth["cop_slope_share_per_k"]
    all_heat: CopCurve = curve.whole or curve
    summer, cold = t > 18, t < 10
    ratio = np.log((heat - np.median(heat[summer]))[cold] / (used - np.median(used[summer]))[cold])
    naive = float(np.polyfit(t[cold], ratio, 1)[0])
    return SlopeError(
        curve.slope_share_per_k / space - 1, all_heat.slope_share_per_k / whole - 1, naive / space - 1,
        abs(curve.slope_share_per_k - space) <= 1.96 * curve.slope_se_share_per_k,
        abs(all_heat.slope_share_per_k - whole) <= 1.96 * all_heat.slope_se_share_per_k,
    )  # fmt: skip


def _slopes(options: Options) -> Iterator[Line]:
    count = 6 if options.quick else 40
    kinds: dict[str, dict[str, object]] = {
        "as generated": {},
        "heat-pump homes stop heating 1 K earlier": {"heat_pump_limit_shift_k": -1.0},
    }
    for k, (name, fields) in enumerate(kinds.items()):
        errors = [slope_error(SEED + 1000 * k + i, **fields) for i in range(count)]
        space = np.array([abs(e.space) for e in errors])
        naive = 100 * float(np.mean([abs(e.naive) for e in errors]))
        yield Line("COP slope, mean error", 100 * float(space.mean()), "%", f"{count} towns, {name}",
                   "ratio net of the summer base", naive, Bar(10.0))  # fmt: skip
        yield Line("worst town", 100 * float(space.max()), "%", note="information: the interval must hold it")
        yield Line("its 95 % interval covers", 100 * float(np.mean([e.inside for e in errors])), "%",
                   bar=Bar(88.0, "at_least"), note=f"95 % expected, {count} towns")  # fmt: skip
        whole = 100 * float(np.mean([abs(e.whole) for e in errors]))
        yield Line("slope of all heat, mean error", whole, "%",
                   note=f"its interval covers {100 * np.mean([e.whole_inside for e in errors]):.0f} %")  # fmt: skip


def _joint(options: Options) -> Iterator[Line]:
    towns = 100 if options.quick else 1000
    inside, mean_inside, independent = [], [], []
    for k in range(towns):
        rng = np.random.default_rng([SEED, 7, k])
        curve = CopCurve(3.0, 5.0, 0.022 + 0.002 * rng.normal(), 0.002)
        heat, used, true = annual(20_000 + k, 0.022 * (WINTER_C - WINTER_C.mean()), 0.01)
        levels = []
        for y in range(3):
            q, e = np.log(heat[:, y]), np.log(used[:, y])
            vq, ve = q.var(ddof=1) / GAS, e.var(ddof=1) / PUMPS
            df = (vq + ve) ** 2 / (vq**2 / (GAS - 1) + ve**2 / (PUMPS - 1))
            levels.append(YearLevel(YEARS[y], float(q.mean() - e.mean()), float(np.sqrt(vq + ve)), float(df)))
        panel = panel_changes(heat, used, YEARS, WINTER_C)
        joint = joint_estimate(levels, panel, curve, WINTER_C, sensitivity=False)
        inside += list((joint.low_ratio <= np.exp(true)) & (np.exp(true) <= joint.high_ratio))
        mean_inside.append(joint.mean_low_ratio <= np.exp(true.mean()) <= joint.mean_high_ratio)
        se = np.array([level.log_se for level in levels])
        weight = 1 / se**2 / (1 / se**2).sum()
        middle = float(weight @ np.array([level.log_b for level in levels]))
        independent.append(abs(middle - true.mean()) <= 1.96 / np.sqrt((1 / se**2).sum()))
    yield Line("joint B of a year, 95 % interval covers", 100 * float(np.mean(inside)), "%", f"{towns} towns",
               bar=Bar(96.5, "between", 93.5))  # fmt: skip
    yield Line("joint B of the mean year, 95 % interval covers", 100 * float(np.mean(mean_inside)), "%",
               peer="years as if independent", peer_value=100 * float(np.mean(independent)),
               bar=Bar(96.5, "between", 93.5))  # fmt: skip
