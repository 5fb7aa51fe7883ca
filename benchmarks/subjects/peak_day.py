"""Peak day of the retrofitted town against the truth of synthetic towns, from meters with faults to the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.registry import Bar, Line, Options, subject
from varme.ground.context import Context
from varme.retrofit.analysis import Metered, metered
from varme.retrofit.case import RetrofitCase, load_case
from varme.retrofit.demand.project import Demand, HeatPumpHomes, Level, Town, project
from varme.retrofit.levels import Levels, find_levels
from varme.retrofit.outlook import heat_of_groups, step_grid
from varme.retrofit.spec import RetrofitStudy

#: First seed of the reporting towns; development used seeds below 1000.
FIRST_SEED = 100_100
TOWNS, QUICK_TOWNS = 100, 12

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Errors:
    """Errors of one town, as shares of the truth.

    Attributes:
        peak: Highest day of three years.
        shape: The same if the energy of the three years were right: what the course over the year does.
        energy: Electricity of the three years.
        constant: Highest day with a constant SPF of the same estimate.
        constant_shape: The same if the energy were right.
        covered: Whether P5..P95 of each year's highest day holds the truth, as a share of the years.
    """

    peak: float
    shape: float
    energy: float
    constant: float
    constant_shape: float
    covered: float


def demand_of(case: RetrofitCase, meters: Metered, levels: Levels) -> Demand:
    """Return the demand as the study computes it, without the transformers."""
    homes, _ = heat_of_groups(case, meters)
    assert meters.pumps is not None
    assert meters.sample is not None
    clock, curve = case.clock, levels.curve
    return project(
        case.study.demand,
        Town(case.days, clock.times_utc, clock.day, clock.hour, case.temperature_hour_c),
        homes,
        HeatPumpHomes(
            meters.gas.fleet_days, meters.pumps.fleet_days, meters.sample.values, step_grid(meters)
        ),
        Level(
            levels.fleet_spf, case.study.spf.gamma_share, curve, levels.demand_log_se, levels.demand_df,
            curve.slope_se_share_per_k, curve.reference_c, curve.flat_above_c, float(np.nanmin(case.temperature_c)),
        ),
    )  # fmt: skip


def errors_of(seed: int) -> Errors:
    """Return the errors of one town."""
    study = RetrofitStudy.model_validate({"kind": "retrofit", "town": {"seed": seed}})
    case = load_case(study, Context())
    meters = metered(case, Context())
    demand = demand_of(case, meters, find_levels(case, meters))
    assert case.town is not None
    true: Floats = case.town.truth["retrofit_day_kwh"]
    energy = float(demand.daily_kwh.sum() / true.sum())
    peak, constant = (float(d.max() / true.max()) for d in (demand.daily_kwh, demand.constant_spf_kwh))
    year = case.days.astype("datetime64[Y]").astype(int) + 1970
    inside = [
        y.peak_day_mwh[0] <= true[year == y.year].max() / 1e3 <= y.peak_day_mwh[2] for y in demand.years
    ]
    return Errors(
        peak - 1, peak / energy - 1, energy - 1, constant - 1, constant / energy - 1, float(np.mean(inside))
    )


@subject("peak-day", "peak day of the fully retrofitted town, against the truth", slow=True)
def peak_day(options: Options) -> Iterator[Line]:
    """Measure towns of 1,400 gas and 73 heat-pump meters with faults, from meters to the peak day."""
    count = QUICK_TOWNS if options.quick else TOWNS
    found = [errors_of(FIRST_SEED + k) for k in range(count)]
    size = f"{count} towns, 1,400 gas + 73 heat-pump meters, 3 years, with faults"

    def column(name: str) -> Floats:
        return np.array([getattr(e, name) for e in found])

    def percent(values: Floats) -> float:
        return 100 * float(np.abs(values).mean())

    def spread(name: str) -> str:
        values = 100 * column(name)
        rms = np.sqrt((values**2).mean())
        return (
            f"bias {values.mean():+.1f} %, root mean square {rms:.1f} %, worst {np.abs(values).max():.1f} %"
        )

    yield Line(
        "peak day, mean absolute error", percent(column("peak")), "%", size=size, bar=Bar(5.0),
        note=f"SPF estimated too; {spread('peak')}",
    )  # fmt: skip
    yield Line(
        "peak day, if the energy were right", percent(column("shape")), "%", bar=Bar(5.0),
        note=f"what COP(T) does; {spread('shape')}",
    )  # fmt: skip
    yield Line("electricity of three years, mean absolute error", percent(column("energy")), "%")
    yield Line(
        "constant SPF: peak day, mean absolute error", percent(column("constant")), "%",
        note=f"bias {100 * column('constant').mean():+.1f} %",
    )  # fmt: skip
    low, high = 100 * column("constant_shape").min(), 100 * column("constant_shape").max()
    yield Line(
        "constant SPF, if the energy were right", percent(column("constant_shape")), "%",
        note=f"{low:.0f} to {high:.0f} %",
    )  # fmt: skip
    yield Line(
        "P5 to P95 of the year's highest day holds it",
        100 * float(column("covered").mean()),
        "%",
        note="90 % is meant",
    )
