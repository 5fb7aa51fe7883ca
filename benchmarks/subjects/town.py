"""The synthetic town as large as the paper's, and gas to heat with zones, months and furnaces by type."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.measure import median_cpu_s
from benchmarks.registry import Bar, Line, Options, subject
from varme.data.meters.panel import DAY_MIN, MeterPanel
from varme.data.synthetic.town import TownSpec, build_town
from varme.retrofit.conversion import conversion_of
from varme.retrofit.heat import FurnaceSpec, GasSpec

#: Seed that no development used.
SEED = 100_003
#: Meters of the block that is converted.
METERS = 4000


@subject("town", "a synthetic town of 1,400 gas meters and 73 heat pumps over three years; gas to heat")
def town(options: Options) -> Iterator[Line]:
    """Measure building a town, and converting a block of 4,000 meters (two zones, 36 months) to heat."""
    spec = TownSpec(seed=SEED)
    built = build_town(spec)
    yield Line("build", median_cpu_s(lambda: build_town(spec), options.repeats), bar=Bar(2.0))
    rows = np.arange(METERS) % spec.gas_meters_count
    block = MeterPanel(
        tuple(f"m{k}" for k in range(METERS)),
        built.days[0],
        DAY_MIN,
        np.nan_to_num(built.gas.values[rows]),
        "m3",
    )
    names = built.buildings
    convert = conversion_of(
        GasSpec(), FurnaceSpec(), METERS, built.days, kind=names["furnace_type"][rows], zone=names["zone"][rows],
        columns=built.calorific,
    ).to_heat  # fmt: skip
    seconds = median_cpu_s(lambda: convert(block, 0, METERS), options.repeats)
    yield Line(
        "gas to heat, 4,000 meters x 3 years",
        seconds,
        size=f"{block.values.size / seconds / 1e6:.0f} M days/s",
    )
