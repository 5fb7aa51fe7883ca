"""Faults of meters, injected at known places: what a cleaning rule must find, and what it must leave alone.

Two families. *Measuring* faults change what is read, not what was used: the panel of the truth keeps the energy.
*Behaviour* (vacant homes, multi-family buildings, cooking-only meters) changes what is used: the truth has it too, and
cleaning must give a verdict instead of a correction.

The kinds are those of the literature and of trackers of meter tools: CalTRACK 2.0 issues 63, 101 and 118 (estimated
readings, missing hours, whole units), dsmr-reader 1837 (meter swaps), the Cambridge estates archive (missing written
as 0, values cut at 10 x mean), Electrification of Heat (resets). How large and how long they are is an assumption,
stated at each kind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from varme.data.meters.panel import MeterPanel
from varme.data.synthetic.fault_bench import FaultSpec, bench_of
from varme.data.synthetic.fault_kinds import KINDS, kinds_alone, kinds_for

__all__ = ["KINDS", "Fault", "FaultSpec", "Injected", "as_register", "inject", "kinds_for"]


@dataclass(frozen=True)
class Fault:
    """A fault that was injected.

    Attributes:
        kind: Name of the kind, a key of :data:`KINDS`.
        meter: Id of the meter.
        row: Its row in the panel.
        first: First step concerned.
        last: Last step concerned.
        size: How large it is: a factor, a number of digits, a shift in steps; 0 where there is none.
    """

    kind: str
    meter: str
    row: int
    first: int
    last: int
    size: float = 0.0


class Injected(NamedTuple):
    """A faulty panel, what is wrong with it, and the readings that a faultless meter would have shown."""

    panel: MeterPanel
    faults: tuple[Fault, ...]
    truth: MeterPanel


def inject(panel: MeterPanel, seed: int | np.random.Generator, spec: FaultSpec | None = None) -> Injected:
    """Work faults into some meters of a panel.

    Args:
        panel: Faultless readings, daily or sub-daily; intervals or registers.
        seed: Seed, or a generator of random numbers. Equal panels, seeds and specs give equal faults.
        spec: Which faults; the defaults if not given.

    Returns:
        The faulty panel, the faults in the order of the meters, and the panel of the truth.

    Raises:
        ValueError: if a kind is not known, or does not fit the panel.
    """
    spec = spec or FaultSpec()
    rng = seed if isinstance(seed, np.random.Generator) else np.random.default_rng([seed, 77])
    fitting = kinds_for(panel)
    unknown = sorted(set(spec.kinds) - set(fitting))
    if unknown:
        raise ValueError(f"no such fault for this panel: {', '.join(unknown)}; choices: {', '.join(fitting)}")
    names = spec.kinds or kinds_alone(panel)
    bench = bench_of(panel, spec, rng)
    count = len(panel.meters)
    rows = np.sort(rng.permutation(count)[: round(spec.share * count)])
    wanted = rng.permutation(np.resize(np.arange(len(names)), len(rows)))
    faults = []
    for row, which in zip(rows.tolist(), wanted.tolist(), strict=True):
        found = KINDS[names[which]].work(bench, row)
        if found is not None:
            faults.append(Fault(names[which], panel.meters[row], row, *found))
    changed: dict[str, Any] = {"values": bench.values}
    if bench.estimated.any():
        changed["estimated"] = bench.estimated
    if bench.duplicates.any():
        changed["duplicates"] = bench.duplicates
    return Injected(replace(panel, **changed), tuple(faults), replace(panel, values=bench.truth))


def as_register(
    panel: MeterPanel, seed: int | np.random.Generator, *, digits: int = 5, resolution: float = 0.0
) -> MeterPanel:
    """Return a panel of intervals as the registers that would have shown them.

    Args:
        panel: Intervals; missing ones do not move the register.
        seed: Seed of where each register stood at the start (between 0 and half its range).
        digits: Digits before the point; no register rolls over here (see :func:`inject`).
        resolution: Smallest step of the register in the panel's unit; 0 for none.
    """
    rng = seed if isinstance(seed, np.random.Generator) else np.random.default_rng([seed, 78])
    total = np.cumsum(np.nan_to_num(panel.values), axis=1, dtype=np.float64)
    room = np.maximum(10.0**digits - 1 - total[:, -1], 1.0)
    total += (rng.uniform(0, 0.5, len(total)) * room)[:, None]
    if resolution:
        total = np.floor(total / resolution) * resolution
    return replace(panel, values=total.astype(np.float32), reading="register")
