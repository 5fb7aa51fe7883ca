"""A made-up year of a heat system, for looking at pages and for tests: plausible shapes, no result of any model."""

# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result
from varme.ground.tables import Column, Table, TableSchema

UNITS: list[tuple[str, str, float, float]] = [
    # name, fuel, power_mw, heat_mw
    ("AMV1", "wood pellets", 71, 250), ("AMV3", "coal", 263, 331), ("AVV1", "coal", 250, 330),
    ("AVV2", "natural gas", 540, 480), ("AVV2 straw", "straw", 35, 50), ("HCV7", "natural gas", 76, 300),
    ("HCV8", "natural gas", 44, 120), ("KARA", "waste", 17, 57), ("SMV7", "natural gas", 85, 280),
    ("SVM", "natural gas", 56, 140), ("VF1-4", "waste", 20, 85), ("VF5", "waste", 22, 69), ("ARGO6", "waste", 22, 68),
    ("KYV2", "oil", 260, 0), ("KYV5", "oil", 64, 0), ("STV2", "coal", 270, 0), ("Peak boilers", "natural gas", 0, 900),
    ("Electric boiler", "electricity", 0, 100), ("Heat pump, area 1", "electricity", 0, 300),
    ("Heat pump, area 2", "electricity", 0, 30),
]  # fmt: skip


def hours_of(days: int) -> NDArray[Any]:
    """Return hourly UTC times from 2011-01-01 00:00 in Copenhagen."""
    return np.datetime64("2010-12-31T23:00:00", "s") + np.arange(days * 24) * np.timedelta64(3600, "s")


def demand(hours: int, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return heat demand, electricity demand and wind [MW]."""
    t = np.arange(hours)
    season = np.cos(2 * np.pi * (t - 20 * 24) / 8760)
    weather = np.convolve(rng.normal(0, 1, hours + 96), np.ones(97) / 9.85, mode="valid")[:hours]
    heat = np.maximum(180, 1080 + 900 * season + 160 * weather + 130 * np.sin(2 * np.pi * (t - 3) / 24))
    week = np.where((t // 24) % 7 < 5, 1.0, 0.86)
    power = (1600 + 180 * season + 380 * np.sin(2 * np.pi * (t - 9) / 24)) * week + rng.normal(0, 25, hours)
    wind = 900 / (
        1 + np.exp(-1.6 * np.convolve(rng.normal(0, 1, hours + 36), np.ones(37) / 6, "valid")[:hours] + 1.1)
    )
    return heat, power, wind


def dispatched(need: NDArray[Any], sizes: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Return a merit-order dispatch [unit, hour] with outages."""
    left = need.copy()
    out = np.zeros((len(sizes), len(need)))
    for unit, size in enumerate(sizes):
        available = np.repeat(rng.random(len(need) // 168 + 1) > 0.08, 168)[: len(need)]
        out[unit] = np.clip(left, 0, size) * available
        out[unit][out[unit] < 0.2 * size] = 0.0
        left = left - out[unit]
    return out


def table(name: str, title: str, columns: list[tuple[str, str, str]], data: dict[str, Any]) -> Table:
    """Return a table from (name, dtype, meaning) columns."""
    return Table(TableSchema(name, title, tuple(Column(*c) for c in columns)), data)


def dispatch_tables(days: int, rng: np.random.Generator) -> dict[str, Table]:
    """Return ``dispatch`` (long format), ``system`` (per hour) and ``months``."""
    times = hours_of(days)
    hours = len(times)
    heat_need, power_need, wind = demand(hours, rng)
    sizes_heat = np.asarray([u[3] for u in UNITS], dtype=float)
    order = np.argsort([{"waste": 0, "electricity": 1, "coal": 2}.get(u[1], 3) for u in UNITS], kind="stable")
    heat = np.zeros((len(UNITS), hours))
    heat[order] = dispatched(heat_need, sizes_heat[order], rng)
    share = np.asarray([u[2] / max(u[3], 1) if u[3] else 0 for u in UNITS])
    power = heat * np.minimum(share, 1.2)[:, None]
    sizes_power = np.asarray([u[2] if not u[3] else max(u[2] - 0.5 * u[2], 0) for u in UNITS], dtype=float)
    power += dispatched(np.maximum(power_need - wind - power.sum(axis=0), 0), sizes_power, rng)
    names = [u[0] for u in UNITS]
    codes = np.tile(np.arange(len(UNITS)), hours)
    dispatch = table(
        "dispatch", "Dispatch per unit and hour",
        [("time_utc", "time", "start of the hour"), ("unit", "text", "unit"), ("power_mw", "number", "power produced"),
         ("heat_mw", "number", "heat produced"), ("fuel_mw", "number", "fuel burnt"), ("on", "flag", "runs")],
        {"time_utc": np.repeat(times, len(UNITS)), "unit": (codes, names), "power_mw": power.T.ravel(),
         "heat_mw": heat.T.ravel(), "fuel_mw": ((power + heat) / 0.88).T.ravel(), "on": (heat + power).T.ravel() > 0},
    )  # fmt: skip
    price = 48 + 22 * (power_need - wind - 900) / 1000 + rng.normal(0, 3, hours)
    level = np.abs(np.cumsum(rng.normal(0, 120, hours))) % 3600
    system = table(
        "system", "Demand, wind, store and prices per hour",
        [("time_utc", "time", "start of the hour"), ("heat_demand_mw", "number", "heat demand"),
         ("power_demand_mw", "number", "electricity demand"), ("wind_mw", "number", "wind power"),
         ("price_eur_per_mwh", "number", "marginal cost of electricity"), ("store_level_mwh", "number", "heat in store"),
         ("hour", "integer", "hour of the day")],
        {"time_utc": times, "heat_demand_mw": heat_need, "power_demand_mw": power_need, "wind_mw": wind,
         "price_eur_per_mwh": price, "store_level_mwh": level, "hour": np.arange(hours) % 24},
    )  # fmt: skip
    return {"dispatch": dispatch, "system": system, "months": months_table(times, heat)}


def months_table(times: NDArray[Any], heat: NDArray[Any]) -> Table:
    """Return heat by month and fuel, month starts in local time."""
    clock = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert("Europe/Copenhagen").tz_localize(None)
    local = clock.to_numpy().astype("datetime64[M]")
    fuels = list(dict.fromkeys(u[1] for u in UNITS))
    starts, labels, energy = [], [], []
    for month in np.unique(local):
        for fuel in fuels:
            members = [i for i, u in enumerate(UNITS) if u[1] == fuel]
            starts.append(times[local == month][0])
            labels.append(fuel)
            energy.append(float(heat[members][:, local == month].sum()) / 1000)
    return table(
        "months", "Heat by month and fuel",
        [("month_utc", "time", "start of the month"), ("fuel", "text", "fuel"), ("heat_gwh", "number", "heat produced")],
        {"month_utc": np.asarray(starts), "fuel": labels, "heat_gwh": energy},
    )  # fmt: skip


def study_tables() -> dict[str, Table]:
    """Return the capacity surface, the parameter study, unit summary, flows and the comparison."""
    one, two = np.meshgrid(np.arange(0, 601, 60), np.arange(0, 121, 12), indexing="ij")
    saving = 1.45 * (1 - np.exp(-one / 260)) + 0.03 * (1 - np.exp(-two / 30)) - 0.0004 * one * two / 100
    surface = table(
        "surface", "Saving over heat pump capacity in both areas",
        [("area_1_mw", "number", "capacity in area 1"), ("area_2_mw", "number", "capacity in area 2"),
         ("saving_percent", "number", "cost saving")],
        {"area_1_mw": one.ravel(), "area_2_mw": two.ravel(), "saving_percent": saving.ravel()},
    )  # fmt: skip
    cop = np.tile([2.0, 2.5, 3.0, 3.5, 4.0], 3)
    base = np.repeat(["January", "May", "Year"], 5)
    parameters = table(
        "parameters", "Saving over COP",
        [("cop", "number", "COP of the heat pumps"), ("period", "text", "period"), ("saving_percent", "number", "saving")],
        {"cop": cop, "period": base, "saving_percent": 0.3 * (cop - 0.6) * np.repeat([1.0, 1.6, 1.25], 5) ** 0.5},
    )  # fmt: skip
    units = table(
        "units", "Units over the year",
        [("unit", "text", "unit"), ("fuel", "text", "fuel"), ("power_mw", "number", "capacity, power"),
         ("heat_mw", "number", "capacity, heat"), ("hours_h", "number", "hours in operation"),
         ("starts_count", "integer", "starts"), ("cost_eur", "number", "fuel and start cost")],
        {"unit": ([*range(len(UNITS))], [u[0] for u in UNITS]), "fuel": [u[1] for u in UNITS],
         "power_mw": [u[2] for u in UNITS], "heat_mw": [u[3] for u in UNITS],
         "hours_h": [8760 * 0.97 ** (i * 3) for i in range(20)], "starts_count": [3 + 7 * i % 41 for i in range(20)],
         "cost_eur": [41_234_567.0 * 0.8**i for i in range(20)]},
    )  # fmt: skip
    flows = [
        ("coal", "CHP plants", 8120.0), ("natural gas", "CHP plants", 5230), ("wood pellets", "CHP plants", 2100),
        ("waste", "CHP plants", 2400), ("natural gas", "Peak boilers", 610), ("Wind", "Electricity", 2470),
        ("CHP plants", "Electricity", 8800), ("CHP plants", "Heat", 7700), ("Peak boilers", "Heat", 560),
        ("Electricity", "Heat pumps", 720), ("Heat pumps", "Heat", 1980), ("Electricity", "Consumers", 10550),
        ("Heat", "District heating", 9700), ("Heat", "Losses", 540),
    ]  # fmt: skip
    energy = table(
        "flows", "Energy flows of the year",
        [("source", "text", "from"), ("target", "text", "to"), ("energy_gwh", "number", "energy")],
        {"source": [f[0] for f in flows], "target": [f[1] for f in flows], "energy_gwh": [f[2] for f in flows]},
    )  # fmt: skip
    compared = table(
        "comparison_paper", "Numbers of Ommen, Markussen & Elmegaard (2014) beside ours",
        [("quantity", "text", "what"), ("paper", "number", "published"), ("ours", "number", "this run"),
         ("low", "number", "band"), ("high", "number", "band"), ("inside", "flag", "whether ours lies in the band"),
         ("source", "text", "where in the paper")],
        {"quantity": ["Heat pump hours, January", "Heat pump hours, July", "Mean load, January [MW]", "Saving [%]"],
         "paper": [611, 402, 214.5, 1.11], "ours": [598, 455, 209.1, 1.13], "low": [550, 300, 190, 0.9],
         "high": [680, 420, 240, 1.3], "inside": [True, False, True, True],
         "source": ["Table 4", "Table 4", "Table 4", "Fig. 3"]},
    )  # fmt: skip
    return {
        "surface": surface,
        "parameters": parameters,
        "units": units,
        "flows": energy,
        "comparison_paper": compared,
    }


def charts(days: int) -> tuple[Chart, ...]:
    """Return charts of every kind."""
    n = len(UNITS)
    day = min(20, days - 1)
    week = (day * 24 * n, min(day + 7, days) * 24 * n)
    made = "Made-up series, seed 7; not a result of a model."
    dispatch, results, plants = "Dispatch", "Heat pumps", "Plants"
    return (
        Chart("heat_year", "stack", "Heat by unit over the year", "dispatch", "time_utc", ("heat_mw",), "unit",
              y_label="Heat [MW]", note=made, section=dispatch),
        Chart("heat_week", "stack", "Heat by unit in a winter week, and the price of electricity", "dispatch", "time_utc",
              ("heat_mw",), "unit", y_label="Heat [MW]", rows=week, note=made, section=dispatch),
        Chart("price_week", "steps", "Electricity price and wind in a winter week", "system", "time_utc", ("price_eur_per_mwh",),
              y2=("wind_mw",), rows=(day * 24, day * 24 + 168), threshold={"average of the year": 61.0}, section=dispatch),
        Chart("demand_year", "line", "Demand for heat and electricity", "system", "time_utc",
              ("heat_demand_mw", "power_demand_mw", "wind_mw"), y_label="Power [MW]", note=made, section=dispatch),
        Chart("store", "steps", "Heat in store", "system", "time_utc", ("store_level_mwh",),
              threshold={"capacity": 3900.0}, section=dispatch),
        Chart("months", "stacked_bars", "Heat by fuel and month", "months", "month_utc", ("heat_gwh",), "fuel", section=dispatch),
        Chart("flows", "sankey", "Energy flows of the year", "flows", "source", ("target", "energy_gwh"), section=dispatch),
        Chart("surface", "heatmap", "Cost saving by heat pump capacity in both areas", "surface", "area_1_mw", ("area_2_mw",),
              colour="saving_percent", x_label="Capacity in area 1 [MW]", y_label="Capacity in area 2 [MW]", section=results,
              note="Each cell is a run of the whole year. Capacity in area 1 matters far more than in area 2."),
        Chart("cop", "line", "Cost saving by COP", "parameters", "cop", ("saving_percent",), "period", x_label="COP [-]",
              section=results),
        Chart("duration", "duration", "Duration curves of the CHP units", "dispatch", "time_utc", ("heat_mw",), "unit",
              where={"unit": ("AMV1", "AMV3", "AVV1", "AVV2", "HCV7", "SMV7")}, x_label="Hours of the year [h]", section=plants),
        Chart("pq", "scatter", "Power and heat of the extraction units", "dispatch", "heat_mw", ("power_mw",), "unit",
              where={"unit": ("AMV3", "AVV1", "AVV2")}, section=plants),
        Chart("hours", "bars", "Hours in operation and starts", "units", "unit", ("hours_h",), y2=("starts_count",),
              y_label="Hours in operation [h]", y2_label="Starts [-]", section=plants),
        Chart("price_box", "box", "Electricity price by hour of the day", "system", "hour", ("price_eur_per_mwh",),
              x_label="Hour of the day (UTC)", section=plants),
    )  # fmt: skip


def figures() -> dict[str, Figure]:
    """Return about twenty figures, most with bands."""
    rows = [
        Figure("cost_eur", 611_234_567.0, "Operating cost of the year"),
        Figure(
            "saving_share", 0.01127, "Cost saving by heat pumps", (0.009, 0.013), "Fig. 3: 1.11 % at 300 MW"
        ),
        Figure("fuel_saving_mwh", 412_345.0, "Fuel saved by heat pumps", (250_000.0, 500_000.0), "own band"),
        Figure("hp_heat_mwh", 1_978_000.0, "Heat from heat pumps", None),
        Figure("co2_t", 5_432_100.0, "CO\u2082 emitted"),
        Figure("hp_hours_h", 6594, "Hours of heat pump operation", (6000, 6500), "Table 4: row sum 6,264 h"),
        Figure("full_load_h", 5921.4, "Full-load hours of heat pumps", (5000, 6500), "Table 4"),
        Figure(
            "heat_demand_mwh", 9_731_000.0, "Heat demand, area 1", (9.2e6, 9.7e6), "measured temperature fit"
        ),
        Figure(
            "power_demand_mwh",
            14_012_000.0,
            "Gross electricity demand",
            (13.9e6, 14.1e6),
            "Energistyrelsen 2011",
        ),
        Figure("wind_mwh", 2_474_000.0, "Wind power", (2.45e6, 2.5e6), "Energistyrelsen 2011"),
        Figure("gap_share", 0.00084, "Proven gap of the year", (0.0, 0.005), "bar of the issue"),
        Figure("worst_gap_share", 0.0062, "Proven gap of the worst window", (0.0, 0.01), "bar of the issue"),
        Figure("unserved_mwh", 0.0, "Unserved heat", (0.0, 0.0)),
        Figure("spill_mwh", 1234.5, "Heat spilt"),
        Figure("starts_count", 412, "Starts of all units"),
        Figure(
            "price_mean_eur_per_mwh",
            61.234,
            "Mean price of electricity",
            (45.0, 75.0),
            "Nord Pool DK2 2011: 49.4",
        ),
        Figure("peak_heat_mw", 2312.4, "Peak heat demand"),
        Figure("cop_mean", 3.01, "Mean COP of heat pumps", (2.8, 3.2), "assumed 3.0"),
        Figure("solver_seconds_s", 54.3, "Solver time"),
        Figure("feasible", True, "Checked by an independent program"),
        Figure("payback_years", None, "Payback of the investment"),
    ]
    return {row.name: row for row in rows}


def findings() -> tuple[Finding, ...]:
    """Return findings of all severities."""
    return (
        Finding("heat_demand_high", "alarm", "areas.area_1.heat_demand", "Heat demand of area 1 is 0.3 % above the band "
                "of the published totals (9.73 TWh; band 9.2 to 9.7 TWh).", {"total_mwh": 9_731_000, "limit_mwh": 9_700_000}),
        Finding("ramp_below_min_load", "warning", "units.HCV8", "The ramp of 30 MW/h is below the min load of 42 MW; starts "
                "take the min load in one step.", {"ramp_mw": 30.0, "min_load_mw": 42.0}),
        Finding("gap_filled", "warning", "series.wind", "3 hours were missing and were filled by straight lines.",
                {"hours_h": 3, "times": ["2011-03-27T01:00Z", "2011-05-02T10:00Z", "2011-05-02T11:00Z"]}),
        Finding("synthetic_series", "note", "series", "The hourly series are generated (seed 7) from published totals; the "
                "original series were not published.", {"seed": 7}),
        Finding("start_cost_assumed", "note", "units", "Start costs are assumptions: the paper gives none."),
    )  # fmt: skip


def made_up(days: int = 365) -> Result:
    """Return a made-up result."""
    rng = np.random.default_rng(7)
    return Result(
        kind="district",
        title="East Denmark 2011: heat pumps beside 16 CHP plants",
        summary=figures(),
        data=dispatch_tables(days, rng) | study_tables(),
        findings=findings(),
        charts=charts(days),
        provenance={
            "study_hash": "sha256:" + "4f" * 32, "data": {"units.csv": "sha256:" + "a1" * 32, "wind": "generated, seed 7"},
            "versions": {"varme": "0.1.0", "highspy": "1.15.1", "numpy": "2.4.6"}, "seed": 7,
            "solver": {"status": "optimal within gap", "bound_eur": 610_720_000.0, "objective_eur": 611_234_567.0,
                       "gap_eur": 514_567.0, "gap_share": 0.00084}, "seconds": 54.31,
        },
        study={
            "kind": "district", "title": "East Denmark 2011", "time": {"start": "2011-01-01", "end": "2012-01-01",
            "step": "1h", "timezone": "Europe/Copenhagen"}, "mode": {"model": "milp", "quality": "precise", "window_h": 168},
            "series": {"wind_mw": list(range(8760))}, "areas": {"area_1": {"heat_store_mwh": 3900}},
        },
    )  # fmt: skip
