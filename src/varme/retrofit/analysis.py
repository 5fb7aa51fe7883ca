"""What a retrofit study computes, in order: meters -> totals -> B and SPF -> COP(T) -> demand -> transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.clean.clean import Surroundings, clean
from varme.data.meters.panel import MeterPanel
from varme.ground.context import Context
from varme.retrofit.case import Clock, RetrofitCase
from varme.retrofit.conversion import Conversion, conversion_of
from varme.retrofit.stream import MeterYears, summarise

Floats = NDArray[np.float64]

#: Heat-pump meters that shapes and simultaneity are measured from at most: more tell nothing new.
SAMPLE = 2000


@dataclass(frozen=True)
class Metered:
    """Meters, cleaned and condensed.

    Attributes:
        gas: Gas meters as useful heat.
        pumps: Heat-pump meters, ``None`` if there are none.
        sample: Cleaned sub-daily readings of heat pumps [kWh], ``None`` if they are daily or absent.
        sample_clock: Where the steps of the sample lie.
        groups: Names of the groups (transformers) of ``gas.group_days``; a last, nameless row there holds homes of no
            known transformer, where there are enough of them.
        group: Group of each gas meter, shape (gas meters,); -1 for no known transformer and too few such homes to be
            told from a difference of sums (k-anonymity).
        conversion: How gas became heat.
    """

    gas: MeterYears
    pumps: MeterYears | None
    sample: MeterPanel | None
    sample_clock: Clock | None
    groups: tuple[str, ...]
    group: NDArray[np.int64]
    conversion: Conversion

    @property
    def transformer(self) -> NDArray[np.int64]:
        """Transformer of each gas meter, -1 for none, shape (gas meters,)."""
        return np.asarray(np.where(self.group < len(self.groups), self.group, -1), dtype=np.int64)


def metered(case: RetrofitCase, context: Context) -> Metered:
    """Clean and condense all meters of a case."""
    study = case.study
    meters = case.gas.meters
    known = {
        name: np.asarray(case.buildings.of(meters, name), dtype=float) if case.buildings.has(name) else None
        for name in ("dwellings_count", "volume_m3")
    }
    around = Surroundings("gas", study.timezone, study.years, case.temperature_c, **known)
    place = case.buildings.of(meters, "transformer", "")
    names = sorted({str(n) for n in place} - {""})
    group, groups = _groups(place, names, study.privacy.k_count)
    conversion = _conversion(case, meters)
    gas = summarise(
        case.gas, study.cleaning, around, group, groups, conversion.to_heat,
        jobs=context.jobs, progress=context.progress, stage="gas meters",
    )  # fmt: skip
    if case.heat_pumps is None:
        return Metered(gas, None, None, None, tuple(names) or ("all",), group, conversion)
    electric = Surroundings("heat_pump", study.timezone, study.years, case.temperature_c)
    count = len(case.heat_pumps.meters)
    pumps = summarise(
        case.heat_pumps,
        study.cleaning,
        electric,
        np.zeros(count, dtype=np.int64),
        1,
        jobs=context.jobs,
        progress=context.progress,
        stage="heat-pump meters",
    )
    sample, clock = None, None
    if case.sub_daily:
        panel = case.heat_pumps.block(0, min(count, SAMPLE))
        sample = clean(panel, study.cleaning, electric).panel
        clock = Clock.of(sample.steps, case.days[0], sample.step_min, study.timezone)
    return Metered(gas, pumps, sample, clock, tuple(names) or ("all",), group, conversion)


def _groups(place: NDArray[Any], names: list[str], k_count: int) -> tuple[NDArray[np.int64], int]:
    """Return the group of each meter and the number of groups: transformers, and a last one for homes without.

    Homes without a known transformer are in the town all the same. Fewer than k of them are left out (-1): the town
    less its transformers would show them.
    """
    if not names:
        return np.zeros(len(place), dtype=np.int64), 1
    lost = place == ""
    count = int(lost.sum())
    other = len(names) if count >= k_count else -1
    group = np.where(lost, other, np.searchsorted(names, np.where(lost, names[0], place)))
    return np.asarray(group, dtype=np.int64), len(names) + (1 if count and other >= 0 else 0)


def _conversion(case: RetrofitCase, meters: Sequence[str]) -> Conversion:
    """Return how the gas of each meter becomes heat, from what the building table tells."""
    buildings, study = case.buildings, case.study
    return conversion_of(
        study.gas,
        study.furnace,
        len(meters),
        case.days,
        kind=buildings.of(meters, "furnace_type", "") if buildings.has("furnace_type") else None,
        year=np.asarray(buildings.of(meters, "furnace_year"), dtype=float),
        zone=buildings.of(meters, "zone", "") if buildings.has("zone") else None,
        calorific=case.calorific,
    )
