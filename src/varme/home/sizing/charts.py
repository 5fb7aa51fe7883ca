"""Charts of a sizing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from varme.ground.charts import Chart
from varme.ground.tables import Table
from varme.home.chart_words import WORDS, size_label, size_words


def sizing_charts(tables: Mapping[str, Table], best_eur: float, bivalence_c: float | None) -> list[Chart]:
    """Return the charts for the tables that hold something."""
    out = [
        Chart(
            "costs", "stacked_bars", "Yearly cost by part", "costs", "variant", ("cost_eur",), group="part",
            where={"part": _parts(tables["costs"])},
            x_label="Choice", y_label="Cost [EUR/year]", section="Costs", words=_cost_words(tables["costs"]),
            note="Capital is annuities and maintenance of what is decided; operation includes wishes missed, at "
            "their price.",
        )
    ]  # fmt: skip
    maps = tables["sizes_map"]
    if len(maps):
        for name in dict.fromkeys(maps.column("map").tolist()):
            x, _, y = str(name).partition(" and ")
            best = f"Best: {_best(tables['optimum'], x)}, {_best(tables['optimum'], y)}, at {best_eur:,.0f} EUR/year."
            out.append(
                Chart(
                    f"map_{x}_{y}", "heatmap", f"Yearly cost over {size_words(x)} and {size_words(y)}", "sizes_map",
                    "x_size", ("y_size",), colour="cost_eur", where={"map": (name,)}, x_label=size_label(x),
                    y_label=size_label(y), section="Sizes", words={"cost_eur": "Cost [EUR/year]"},
                    note=f"{best} Each cell is a proven lower bound; the other sizes stay at the optimum.",
                )
            )  # fmt: skip
    out.append(_convergence())
    if len(tables["pareto"]) > 1:
        out.append(
            Chart(
                "pareto", "line", "What less CO₂ costs", "pareto", "co2_kg", ("cost_eur",),
                x_label="CO₂ of bought electricity [kg/year]", y_label="Cost [EUR/year]", section="CO₂",
                note="Each point is the best choice at one price of emissions; none is cheaper with as little CO₂.",
            )
        )  # fmt: skip
    if len(tables["payback"]):
        out.append(
            Chart(
                "payback", "line", "Payback: money in hand against the reference", "payback", "years",
                ("cash_eur", *_ends(tables["payback"])), x_label="Time [years]",
                y_label="Money [EUR]", section="Payback", threshold={"Paid back": 0.0},
                words={"cash_eur": "Best sizes", "cash_low_eur": "Dear, least saved",
                       "cash_high_eur": "Cheap, most saved"},
                note="Without interest, at today's energy prices. Dear and cheap: the ends of the costs' ranges, with "
                "the scenarios that save least and most. The fall in later years is equipment that is replaced.",
            )
        )  # fmt: skip
    point = "" if bivalence_c is None else f" Bivalence point: {bivalence_c:.1f} °C."
    out.append(
        Chart(
            "load_duration", "stack", "Load duration: heat of heat pump and backup heater", "load_duration", "hours_h",
            ("heat_pump_heat_kw", "backup_kw"), x_label="Hours [h]", y_label="Heat [kW]", section="Operation",
            words=WORDS,
            note=f"Hours sorted by heat in the optimal year.{point}",
        )
    )  # fmt: skip
    out.append(
        Chart(
            "months", "stacked_bars", "Electricity by month", "months", "month",
            ("load_kwh", "heat_pump_kwh", "backup_kwh"), x_label="Month", y_label="Electricity [kWh]",
            section="Operation", words=WORDS,
        )
    )  # fmt: skip
    return out


def _convergence() -> Chart:
    return Chart(
        "convergence", "line", "The search: best sizes and proven bound", "convergence", "round",
        ("best_eur", "bound_eur"), x_label="Round", y_label="Cost [EUR/year]", section="Certificate",
        words={"best_eur": "Best so far", "bound_eur": "Proven bound"},
        note="The last value of the bound is the proof. Where both lines begin anew, the heat pump was modelled "
        "anew at the size found so far; a bound before that holds for the model before.",
    )  # fmt: skip


def _best(optimum: Table, name: str) -> str:
    """Return the best of a size in words: ``heat pump 5.47 kW``."""
    value = dict(zip(optimum.column("size").tolist(), optimum.column("value").tolist(), strict=True)).get(
        name
    )
    unit = size_label(name).partition("[")[2].rstrip("]")
    return size_words(name) if value is None else f"{size_words(name)} {value:.3g} {unit}"


def _parts(costs: Table) -> tuple[str, ...]:
    """Return the parts that cost or bring something."""
    amount, names = costs.column("cost_eur"), costs.column("part")
    return tuple(dict.fromkeys(str(n) for n, a in zip(names, amount, strict=True) if abs(a) >= 0.5))


def _ends(payback: Table) -> list[str]:
    """Return the columns of the range of the payback, if there is one."""
    middle = payback.column("cash_eur")
    return [c for c in ("cash_low_eur", "cash_high_eur") if np.any(np.abs(payback.column(c) - middle) > 0.5)]


def _cost_words(costs: Table) -> dict[str, str]:
    """Return how the parts of the cost are written: those of the wording, else with a capital letter."""
    names = {str(n) for column in ("part", "variant") for n in costs.column(column)}
    return {
        n: WORDS.get(n, f"{n[:1].upper()}{n[1:]}").replace(": energy and upkeep", ": energy") for n in names
    }
