"""What a retrofit study computes, in order: meters -> totals -> B and SPF -> COP(T) -> demand -> transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
        groups: Names of the groups (transformers) of ``gas.group_days``.
        group: Group of each gas meter, shape (gas meters,).
        conversion: How gas became heat.
    """

    gas: MeterYears
    pumps: MeterYears | None
    sample: MeterPanel | None
    sample_clock: Clock | None
    groups: tuple[str, ...]
    group: NDArray[np.int64]
    conversion: Conversion


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
    group = (
        np.where(place == "", -1, np.searchsorted(names, place)) if names else np.zeros(len(meters), np.int64)
    )
    conversion = _conversion(case, meters)
    gas = summarise(
        case.gas, study.cleaning, around, np.asarray(group, dtype=np.int64), max(len(names), 1), conversion.to_heat,
        jobs=context.jobs, progress=context.progress, stage="gas meters",
    )  # fmt: skip
    if case.heat_pumps is None:
        return Metered(
            gas, None, None, None, tuple(names) or ("all",), np.asarray(group, dtype=np.int64), conversion
        )
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
    return Metered(
        gas, pumps, sample, clock, tuple(names) or ("all",), np.asarray(group, dtype=np.int64), conversion
    )


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
        folder=case.base,
        columns=case.town.calorific if case.town is not None else None,
    )
