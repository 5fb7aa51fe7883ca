"""Sizing over a year with a certificate: CPU seconds of the preview and of the search, and a catalogue over years."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import cpu_s
from benchmarks.registry import Bar, Line, Options, subject
from varme.ground.context import Context
from varme.ground.spec import parse
from varme.home.sizing.equipment import equip, first_reference
from varme.home.sizing.preview import preview
from varme.home.sizing.spec import SizingStudy
from varme.home.sizing.study import Found, size

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
#: Seeds that are reported; development used seeds below 1000.
SEEDS = (100_001, 100_002, 100_003, 100_004, 100_005)
#: Investments as in the example; assumptions.
COSTS: dict[str, Any] = {
    "heat_pump_kw": {"min": 3.0, "max": 14.0, "eur_fixed": 8000.0, "eur_per_kw": 550.0, "life_years": 18.0},
    "tank_l": {"min": 150.0, "max": 500.0, "eur_fixed": 1000.0, "eur_per_l": 6.0},
    "battery_kwh": {"max": 15.0, "eur_fixed": 1500.0, "eur_per_kwh": 400.0, "life_years": 15.0},
    "pv_kwp": {"max": 12.0, "eur_fixed": 2000.0, "eur_per_kwp": 1000.0, "life_years": 30.0},
}


def _study(year: int, series: dict[str, Any], sizing: dict[str, Any], **more: Any) -> SizingStudy:
    data = {
        "kind": "home-sizing",
        "time": {"start": date(year, 1, 1), "end": date(year + 1, 1, 1), "step_min": 60},
        "weather": {"outdoor_c": series["outdoor_c"], "ghi_w_per_m2": series["ghi_w_per_m2"]},
        "house": {}, "heat_pump": {}, "hot_water": series["hot_water"], "battery": {}, "photovoltaics": [{}],
        "household": {"load_kw": series["load_kw"]},
        "tariff": {"energy_eur_per_kwh": series["energy_eur_per_kwh"], "tax_eur_per_kwh": 0.10},
        "sizing": {**COSTS, "advice": "none", "check_days_count": 0, **sizing},
        **more,
    }  # fmt: skip
    return parse(SizingStudy, data, "benchmark")


def synthetic(seed: int, sizing: dict[str, Any] | None = None, **more: Any) -> SizingStudy:
    """Return the sizing of a synthetic year."""
    series: dict[str, Any] = {k: {"synthetic": k} for k in ("outdoor_c", "ghi_w_per_m2", "load_kw")}
    series |= {
        "hot_water": {"draw_kw": {"synthetic": "draw_kw"}}, "energy_eur_per_kwh": {"synthetic": "spot_eur_per_kwh"}
    }  # fmt: skip
    return _study(2025, series, sizing or {}, synthetic={"year": 2025, "seed": seed}, **more)


def copenhagen() -> SizingStudy:
    """Return the sizing of a house in Copenhagen: weather and prices of DK2 in 2019, a household of SimBench."""
    weather, prices = (
        str(SHARED / "weather/copenhagen_nsrdb_hourly_2019.csv.gz"), str(SHARED / "denmark/dk_hourly_2019.csv.gz")
    )  # fmt: skip
    load = {
        "file": str(SHARED / "profiles/simbench_household_hp_pv_15min_2016.csv.gz"), "column": "H0-B",
        "time_column": "time_local", "timezone": "Europe/Berlin", "unit": "kw", "scale_share": 4.53, "shift_years": 3,
        "gaps": "interpolate",
    }  # fmt: skip
    series = {
        "outdoor_c": {"file": weather, "column": "temp_c", "gaps": "interpolate"},
        "ghi_w_per_m2": {
            "file": weather, "column": "ghi_w_m2", "unit": "w_per_m2", "scale_share": 1.22, "gaps": "interpolate"
        },
        "hot_water": {"draw_profile": "l"}, "load_kw": load,
        "energy_eur_per_kwh": {
            "file": prices, "column": "dk2_spot_eur_mwh", "unit": "eur_per_mwh", "gaps": "interpolate"
        },
    }  # fmt: skip
    hours = {
        "start": date(2019, 1, 1),
        "end": datetime(2019, 12, 31, 23, tzinfo=UTC),
        "step_min": 60,
        "timezone": "UTC",
    }
    return _study(2019, series, {}, time=hours)


def _sized(study: SizingStudy) -> tuple[float, float, Found]:
    equipment = equip(study, Context())
    branches = equipment.branches(first_reference(equipment.sizes))
    first, _ = cpu_s(lambda: preview(branches[0], equipment.weights))
    seconds, found = cpu_s(lambda: size(equipment, Context()))
    return first, seconds, found


@subject("home-sizing", "heat pump, tank, PV and battery over 8,760 h, certified", slow=True)
def home_sizing(options: Options) -> Iterator[Line]:
    """Measure previews and searches of synthetic years and of Copenhagen 2019."""
    done = [_sized(synthetic(seed)) for seed in SEEDS[: 1 if options.quick else len(SEEDS)]]
    gap = max(found.sized.gap_share for *_, found in done)
    note = f"{len(done)} synthetic years, median; largest gap {100 * gap:.3f} %"
    yield Line("preview by typical days", statistics.median(d[0] for d in done), bar=Bar(0.3))
    first = done[0][2].search.years[0].programs
    shape = f"{len(first)} periods of {first[0].base.shape[0]} x {first[0].base.shape[1]}"
    yield Line("search to 0.1 %", statistics.median(d[1] for d in done), size=shape, bar=Bar(10.0), note=note)
    yield Line("largest certified gap", 100 * gap, "%", bar=Bar(0.1))
    if (SHARED / "denmark").is_dir():
        first_s, seconds, found = _sized(copenhagen())
        cost, share = found.sized.best.cost_eur, 100 * found.sized.gap_share
        text = f"Copenhagen 2019: {cost:.1f} EUR/a, gap {share:.3f} %"
        yield Line("preview, Copenhagen 2019", first_s, bar=Bar(0.3))
        yield Line("search to 0.1 %, Copenhagen 2019", seconds, bar=Bar(10.0), note=text)
        yield Line("certified gap, Copenhagen 2019", share, "%", bar=Bar(0.1))
    else:
        yield Line("search to 0.1 %, Copenhagen 2019", None, note="the shared data are not on this machine")
    if not options.quick:
        yield from _catalogue()


def _catalogue() -> Iterator[Line]:
    """Measure a catalogue of 20 heat pumps over several weather years."""
    models = [
        {
            "name": f"model {k}", "rated_kw": 3.5 + 0.5 * k,
            "eur": 8000.0 + 550.0 * (3.5 + 0.5 * k) + 40.0 * (7 * k % 11),
            "points": [
                {"source_c": -7.0, "flow_c": 34.0, "point_cop": 2.6 + 0.02 * (5 * k % 13)},
                {"source_c": 7.0, "flow_c": 27.0, "point_cop": 4.6 + 0.03 * (3 * k % 13)},
            ],
        }
        for k in range(20)
    ]  # fmt: skip
    years = 10
    scenarios = [{"name": f"year {k}", "synthetic_seed": 100_010 + k} for k in range(1, years)]
    sizing = {"models": models, "heat_pump_kw": None, "gap_share": 2e-3}
    equipment = equip(synthetic(100_010, sizing, scenarios=scenarios), Context())
    seconds, found = cpu_s(lambda: size(equipment, Context()))
    tried = sum(s.best is not None for s in found.search.states.values())
    note = f"gap {100 * found.sized.gap_share:.2f} %; {tried} of 20 evaluated, the others dismissed by bound"
    yield Line(f"{years} weather years x 20 heat pumps, 0.2 %", seconds, bar=Bar(180.0), note=note)
