"""Charts of a fleet."""

from __future__ import annotations

from varme.ground.charts import Chart
from varme.home.chart_words import WORDS
from varme.home.fleet.spec import FleetStudy


def fleet_charts(study: FleetStudy, *, coordinated: bool) -> list[Chart]:
    """Return the charts of a fleet."""
    limit = study.feeder.import_max_kw
    lines: tuple[str, ...] = ("feeder_kw", "coordinated_kw") if coordinated else ("feeder_kw",)
    charts = [
        Chart(
            "fleet_load", "stack", "What the homes draw, and the price", "fleet_slots", "time",
            ("load_kw", "heat_pump_kw", "backup_kw", "vehicle_kw", "battery_kw"), x_label="Time",
            y_label="Power [kW]", y2=("import_cent_per_kwh",), y2_label="Import price [ct/kWh]", section="Fleet",
            words=WORDS, note="All homes together. Below zero: what the batteries give.",
        ),
        Chart(
            "feeder", "steps", "The feeder" + (" before and after coordination" if coordinated else ""), "fleet_slots",
            "time", lines, x_label="Time", y_label="Import less export [kW]", section="Feeder",
            y2=("coordination_cent_per_kwh",) if coordinated else (), y2_label="Price of coordination [ct/kWh]",
            threshold={"Limit": limit} if limit is not None else {},
            words={
                "feeder_kw": "Plans of each home" if coordinated else "Feeder", "coordinated_kw": "Coordinated",
                "coordination_cent_per_kwh": "Feeder's price",
            },
        ),
        Chart(
            "home_costs", "box", "What the homes' plans cost, by age of the building", "fleet_homes", "age",
            ("cost_eur",), x_label="Age of the building", y_label="Cost [EUR]", section="Homes",
        ),
        Chart(
            "home_gaps", "box", "How far plans may be from their best, by age of the building", "fleet_homes", "age",
            ("gap_cent",), x_label="Age of the building", y_label="Gap [ct]", section="Homes",
        ),
    ]  # fmt: skip
    if study.flexibility.durations_min:
        for name, text in (("up", "More"), ("down", "Less")):
            charts.append(
                Chart(
                    f"flexibility_{name}", "steps", f"{text} power that the fleet could take, by duration",
                    "fleet_flexibility", "time", (f"{name}_kw",), group="duration_min", x_label="Start of the window",
                    y_label=f"{text} power [kW]", section="Flexibility",
                    words={f"{m:g}": f"{m:g} min" for m in study.flexibility.durations_min},
                    note="Held in every slot of the window; comfort, shortest runs and departures are kept.",
                )
            )  # fmt: skip
    if coordinated:
        charts.append(
            Chart(
                "convergence", "line", "Coordination: the best plan and the bound, round by round",
                "fleet_coordination", "round_count", ("plan_eur", "bound_eur"), x_label="Round",
                y_label="Cost of the fleet [EUR]", section="Feeder",
                words={"plan_eur": "Plan of the round", "bound_eur": "Proven bound"},
            )
        )  # fmt: skip
    return charts
