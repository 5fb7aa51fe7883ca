"""Charts of a sizing."""

from __future__ import annotations

from collections.abc import Mapping

from varme.ground.charts import Chart
from varme.ground.tables import Table


def sizing_charts(tables: Mapping[str, Table], best_eur: float, bivalence_c: float | None) -> list[Chart]:
    """Return the charts for the tables that hold something."""
    out = [
        Chart(
            "costs", "stacked_bars", "Yearly cost by part", "costs", "variant", ("cost_eur",), group="part",
            x_label="", y_label="Cost [EUR/year]", section="Costs",
            note="Capital is annuities and maintenance of what is decided; operation includes wishes missed, at "
            "their price.",
        )
    ]  # fmt: skip
    maps = tables["sizes_map"]
    if len(maps):
        for name in dict.fromkeys(maps.column("map").tolist()):
            x, _, y = str(name).partition(" and ")
            out.append(
                Chart(
                    f"map_{x}_{y}", "heatmap", f"Yearly cost over {x} and {y}", "sizes_map", "x_size", ("y_size",),
                    colour="cost_eur", where={"map": (name,)}, x_label=x, y_label=y, section="Sizes",
                    note="Proven lower bound of the yearly cost; the other sizes stay at the optimum.",
                )
            )  # fmt: skip
    out.append(_convergence(best_eur))
    if len(tables["pareto"]) > 1:
        out.append(
            Chart(
                "pareto", "line", "Cost against CO2", "pareto", "co2_kg", ("cost_eur",),
                x_label="CO₂ of bought electricity [kg/year]", y_label="Cost [EUR/year]", section="CO2",
            )
        )  # fmt: skip
    if len(tables["payback"]):
        out.append(
            Chart(
                "payback", "line", "Money in hand against the reference", "payback", "years",
                ("cash_eur", "cash_low_eur", "cash_high_eur"), x_label="Years", y_label="EUR", section="Payback",
                threshold={"paid back": 0.0},
                note="Without interest, at today's energy prices; low and high from cost ranges and scenarios.",
            )
        )  # fmt: skip
    point = "" if bivalence_c is None else f" Bivalence point: {bivalence_c:.1f} °C."
    out.append(
        Chart(
            "load_duration", "stack", "Load duration: heat from heat pump and backup", "load_duration", "hours_h",
            ("heat_pump_heat_kw", "backup_kw"), x_label="Hours", y_label="Heat [kW]", section="Operation",
            y2=("outdoor_c",), y2_label="Outdoor temperature [°C]",
            note=f"Hours sorted by heat in the optimal year.{point}",
        )
    )  # fmt: skip
    out.append(
        Chart(
            "months", "stacked_bars", "Electricity by month", "months", "month",
            ("load_kwh", "heat_pump_kwh", "backup_kwh"), x_label="Month", y_label="Electricity [kWh]",
            section="Operation",
        )
    )  # fmt: skip
    return out


def _convergence(best_eur: float) -> Chart:
    return Chart(
        "convergence", "line", "The search: best sizes and proven bound", "convergence", "round",
        ("best_eur", "bound_eur"), x_label="Round", y_label="Cost [EUR/year]", section="Certificate",
        threshold={"best": best_eur},
    )  # fmt: skip
