"""The figures of a district result: cost, fuel, saving with its noise, proof."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varme.components.base import APART_CATEGORIES
from varme.components.chp import BackPressure, Extraction, PowerPlant
from varme.components.heat_pump import HeatPump
from varme.district.build import CAP_EXCESS
from varme.district.flows import BusFlows, DeviceFlows, read_buses, read_flows
from varme.district.operate import Operation
from varme.district.tables import LP_MILP, full_back_pressure_h, main_output
from varme.ground.findings import Finding
from varme.ground.result import Figure
from varme.ground.tables import Table

#: Unserved energy below this share of a bus's demand is noted, not alarmed about.
NEGLIGIBLE_SHARE = 1e-6


@dataclass(frozen=True, eq=False)
class Reading:
    """An operation with its flows read."""

    operation: Operation
    flows: dict[str, DeviceFlows]
    buses: dict[str, BusFlows]

    @classmethod
    def of(cls, operation: Operation) -> Reading:
        """Read an operation."""
        return cls(operation, read_flows(operation), read_buses(operation))

    @property
    def cost_eur(self) -> float:
        """Real cost: without what is kept apart [EUR]."""
        return sum(f.cost_eur for f in self.flows.values()) + sum(b.spill_eur for b in self.buses.values())

    @property
    def apart_eur(self) -> float:
        """Unserved energy, being above a CO2 budget, heat left in stores: in the objective, not in the cost [EUR]."""
        worth = sum(
            f.costs_eur.get(category, 0.0) for f in self.flows.values() for category in APART_CATEGORIES
        )
        return worth + self.cap_eur + sum(b.shortfall_eur for b in self.buses.values())

    @property
    def cap_eur(self) -> float:
        """What the plan paid for being above a CO2 budget [EUR]."""
        excess = self.operation.trajectories.values.get(CAP_EXCESS)
        price = self.operation.case.env.co2_excess_eur_per_t * 1e3
        return 0.0 if excess is None else float(excess.sum()) * price

    @property
    def fuel_mwh(self) -> float:
        """Fuel energy [MWh]."""
        return float(sum(f.fuel_mw.sum() for f in self.flows.values())) * self.operation.case.env.step_h

    @property
    def co2_t(self) -> float:
        """Emissions [t]."""
        return float(sum(f.co2_t.sum() for f in self.flows.values()))

    @property
    def unserved_mwh(self) -> float:
        """Unserved energy [MWh]."""
        return float(sum(b.shortfall_mw.sum() for b in self.buses.values())) * self.operation.case.env.step_h

    @property
    def bound_eur(self) -> float:
        """Proven lower bound of the real cost plus what is kept apart [EUR]."""
        return self.operation.year_bound

    @property
    def gap_eur(self) -> float:
        """How much the operation may be above the cheapest one over the whole horizon, at most [EUR]."""
        return max(0.0, self.operation.cost - self.operation.year_bound)


def figures(case: Reading, reference: Reading | None) -> dict[str, float]:
    """Return every figure by a dotted name, for tables of published values and for sweeps.

    ``units.NAME.operating_h``, ``units.NAME.mean_output_mw``, ``units.NAME.full_back_pressure_h``, ``months.NAME.1``,
    ``saving.cost_percent``, ``saving.fuel_percent``...
    """
    out: dict[str, float] = {}
    operation = case.operation
    step = operation.case.env.step_h
    months = operation.case.grid.months(operation.case.study.time.timezone) - 1
    for name, flow in case.flows.items():
        output, on = main_output(operation, name, flow), flow.status > 0.5
        out[f"units.{name}.operating_h"] = float(on.sum()) * step
        out[f"units.{name}.mean_output_mw"] = float(output[on].mean()) if on.any() else 0.0
        out[f"units.{name}.heat_out_gwh"] = float(flow.heat_out_mw.sum()) * step / 1e3
        out[f"units.{name}.starts_count"] = float(flow.starts)
        out[f"units.{name}.full_back_pressure_h"] = full_back_pressure_h(operation, name, flow)
        if (
            isinstance(operation.case.devices[name], HeatPump)
            or operation.case.devices[name].type == "electric_boiler"
        ):
            hours = np.bincount(months, weights=on.astype(float), minlength=12) * step
            out |= {f"months.{name}.{m + 1}": float(hours[m]) for m in range(12)}
            winter = hours[[11, 0, 1, 2]].sum()
            out[f"months.{name}.winter_percent"] = 100 * float(winter / hours.sum()) if hours.sum() else 0.0
    out |= _nameplates(case)
    if reference is not None:
        out |= _savings(case, reference)
    return out


def _nameplates(case: Reading) -> dict[str, float]:
    """Return heat and power at full load of every plant, and their sums by area and in all."""
    out: dict[str, float] = {}
    sums: dict[str, float] = {}
    for name, device in case.operation.case.devices.items():
        if not isinstance(device, (BackPressure, Extraction, PowerPlant)):
            continue
        plate = device.nameplate()
        out[f"units.{name}.nameplate_heat_mw"] = plate.heat_mw
        out[f"units.{name}.nameplate_back_pressure_mw"] = plate.power_back_pressure_mw
        out[f"units.{name}.nameplate_condensing_mw"] = plate.power_condensing_mw
        area = getattr(device, "area", None)
        if area is not None:
            key = f"totals.{area}.nameplate_heat_mw"
            sums[key] = sums.get(key, 0.0) + plate.heat_mw
            sums["totals.nameplate_heat_mw"] = sums.get("totals.nameplate_heat_mw", 0.0) + plate.heat_mw
            sums["totals.chp_back_pressure_mw"] = (
                sums.get("totals.chp_back_pressure_mw", 0.0) + plate.power_back_pressure_mw
            )
        most = max(plate.power_back_pressure_mw, plate.power_condensing_mw)
        sums["totals.nameplate_power_mw"] = sums.get("totals.nameplate_power_mw", 0.0) + most
    return out | sums


def _savings(case: Reading, reference: Reading) -> dict[str, float]:
    cost, other = case.cost_eur, reference.cost_eur
    noise = 100 * max(case.gap_eur, reference.gap_eur) / other if other else 0.0
    return {
        "saving.cost_percent": 100 * (other - cost) / other if other else 0.0,
        "saving.fuel_percent": 100 * (reference.fuel_mwh - case.fuel_mwh) / reference.fuel_mwh
        if reference.fuel_mwh
        else 0.0,
        "saving.noise_percent": noise,
        "saving.cost_meur": (other - cost) / 1e6,
        "saving.co2_percent": 100 * (reference.co2_t - case.co2_t) / reference.co2_t
        if reference.co2_t
        else 0.0,
    }


def summary(case: Reading, reference: Reading | None) -> dict[str, Figure]:
    """Return the figures of the report's head."""
    out = [
        Figure("cost_meur", case.cost_eur / 1e6, "Cost of operation"),
        Figure("fuel_twh", case.fuel_mwh / 1e6, "Fuel energy"),
        Figure("co2_kt", case.co2_t / 1e3, "CO2 emissions"),
    ]
    values = figures(case, reference)
    if reference is not None:
        out += [
            Figure(
                "saving_cost_percent",
                values["saving.cost_percent"],
                "Saving in cost against the reference case",
            ),
            Figure("saving_fuel_percent", values["saving.fuel_percent"], "Saving in fuel energy"),
            Figure(
                "saving_noise_percent",
                values["saving.noise_percent"],
                "Noise that the proven gaps leave on a saving",
            ),
            Figure("reference_cost_meur", reference.cost_eur / 1e6, "Cost of the reference case"),
        ]
    for name, device in case.operation.case.devices.items():
        if isinstance(device, HeatPump):
            out += [
                Figure(
                    f"{name}_operating_h", values[f"units.{name}.operating_h"], f"{name}: hours of operation"
                ),
                Figure(
                    f"{name}_mean_output_mw",
                    values[f"units.{name}.mean_output_mw"],
                    f"{name}: mean heat when running",
                ),
            ]
    for name, size in case.operation.sizes.items():
        unit = "mwh" if case.operation.case.devices[name].type == "heat_store" else "mw"
        out.append(Figure(f"{name}_size_{unit}", size, f"{name}: decided size"))
    out += _proof(case)
    out.append(Figure("unserved_mwh", case.unserved_mwh, "Unserved energy"))
    out.append(
        Figure(
            "apart_meur", case.apart_eur / 1e6, "Kept apart from the cost: price of unserved energy, CO2 cap"
        )
    )
    return {figure.name: figure for figure in out}


def _proof(case: Reading) -> list[Figure]:
    gaps = 100 * case.operation.trajectories.column("gap_share")
    gaps = np.where(gaps < 1e-6, 0.0, gaps)  # rounding of the last digits is no gap
    cost = case.operation.cost
    return [
        Figure("gap_mean_percent", float(gaps.mean()), "Proven gap of the windows, mean"),
        Figure("gap_worst_percent", float(gaps.max()), "Proven gap of the windows, worst"),
        Figure("bound_meur", case.bound_eur / 1e6, "Proven lower bound of the whole horizon's cost"),
        Figure("gap_run_percent", 100 * case.gap_eur / cost if cost else 0.0, "Proven gap of the whole run"),
        Figure(
            "violation_mw", float(case.operation.trajectories.column("violation").max()),
            "Largest violation of any constraint, recomputed",
        ),
    ]  # fmt: skip


def findings(case: Reading, reference: Reading | None) -> list[Finding]:
    """Return what a reader of the result must know."""
    out = list(case.operation.case.findings)
    for label, reading in (("case", case), ("reference", reference)):
        if reading is None:
            continue
        for bus, flow in reading.buses.items():
            hours = int(np.count_nonzero(flow.shortfall_mw > 0.01))
            if hours:
                energy = float(flow.shortfall_mw.sum()) * reading.operation.case.env.step_h
                share = energy / max(
                    float(np.abs(flow.demand_mw).sum()) * reading.operation.case.env.step_h, 1e-9
                )
                out.append(
                    Finding(
                        "unserved_energy", "alarm" if share > NEGLIGIBLE_SHARE else "note", f"{label}: {bus}",
                        f"{energy:,.3g} MWh of demand are not served, in {hours} interval{'s' if hours > 1 else ''}, "
                        f"up to {flow.shortfall_mw.max():,.3g} MW. Their price is kept apart from the cost.",
                        {"unserved_mwh": energy, "intervals": hours, "most_mw": float(flow.shortfall_mw.max())},
                    )
                )  # fmt: skip
        limits = [s for s in reading.operation.trajectories.statuses if s == "time_limit"]
        if limits:
            text = (
                f"{len(limits)} windows ended at the time limit; their plans are valid, their gaps as proven."
            )
            out.append(Finding("time_limit", "warning", label, text, {"windows": len(limits)}))
    out += _spills(case) + _noise(case, reference) + _ramps(case) + _cap(case) + _sizes(case)
    return out


def _cap(case: Reading) -> list[Finding]:
    """Tell what was reached under a CO2 cap that the plan misses."""
    cap = case.operation.case.study.carbon.cap_kt
    if cap is None or case.co2_t <= 1000 * cap * (1 + 1e-6):
        return []
    text = f"Emissions of {case.co2_t / 1e3:,.3f} kt are above the cap of {cap:,.3f} kt."
    return [
        Finding("co2_cap_missed", "alarm", "carbon.cap_kt", text, {"co2_kt": case.co2_t / 1e3, "cap_kt": cap})
    ]


def _sizes(case: Reading) -> list[Finding]:
    """Tell what decided sizes cost, which the cost of operation and the savings leave out."""
    operation = case.operation
    if not operation.sizes:
        return []
    hours = operation.case.env.hours
    decisions = operation.decisions
    annuity = sum(
        decisions[name].eur_per_unit(hours) * size + (decisions[name].eur_build(hours) if size > 0 else 0.0)
        for name, size in operation.sizes.items()
    )
    text = f"Decided sizes cost {annuity / 1e6:,.3f} MEUR over the horizon; the cost and the savings leave that out."
    where = ", ".join(operation.sizes)
    return [Finding("investment_apart", "note", where, text, {"annuity_eur": annuity})]


def _spills(case: Reading) -> list[Finding]:
    out = []
    for bus, flow in case.buses.items():
        energy = float(flow.spill_mw.sum()) * case.operation.case.env.step_h
        if energy > 1:
            out.append(
                Finding(
                    "surplus_spilled", "note", bus, f"{energy / 1e3:,.2f} GWh of surplus are spilled.",
                    {"spilled_mwh": energy, "intervals": int(np.count_nonzero(flow.spill_mw > 0.01))},
                )
            )  # fmt: skip
    return out


def _noise(case: Reading, reference: Reading | None) -> list[Finding]:
    if reference is None:
        return []
    values = _savings(case, reference)
    saving, noise = values["saving.cost_percent"], values["saving.noise_percent"]
    if abs(saving) >= noise:
        return []
    text = (
        f"The saving in cost of {saving:.2f} % is smaller than the {noise:.2f} % that the proven gaps leave open: "
        'it may be noise. Use quality = "precise", or mode = "lp".'
    )
    return [
        Finding(
            "saving_within_noise",
            "warning",
            "saving",
            text,
            {"saving_percent": saving, "noise_percent": noise},
        )
    ]


def _ramps(case: Reading) -> list[Finding]:
    names = [
        name
        for name, device in case.operation.case.devices.items()
        if 0
        < getattr(device, "ramp_share_per_h", 1.0) * case.operation.case.env.step_h
        < getattr(device, "min_load_share", 0.0)
    ]
    if not names:
        return []
    text = (
        "The minimum load of these units is above their ramp per step: they start to and stop from the minimum load "
        "directly (a plain ramp would never let them start)."
    )
    return [Finding("ramp_below_min_load", "note", ", ".join(names), text, {"units": names})]


def lp_milp_table(milp: Reading, lp: Reading) -> Table:
    """Return a case as LP and as MILP, side by side: cost, fuel, heat pumps, every unit's hours and starts."""
    rows: list[tuple[str, float, float]] = [
        ("cost [MEUR]", lp.cost_eur / 1e6, milp.cost_eur / 1e6),
        ("fuel energy [TWh]", lp.fuel_mwh / 1e6, milp.fuel_mwh / 1e6),
    ]
    left, right = figures(lp, None), figures(milp, None)
    labels = {
        "operating_h": "hours of operation [h]",
        "heat_out_gwh": "heat [GWh]",
        "mean_output_mw": "mean output when running [MW]",
        "starts_count": "starts",
    }
    for name, device in milp.operation.case.devices.items():
        if device.type in {"must_take", "heat_store", "line", "electricity_market"}:
            continue
        for key, label in labels.items():
            figure = f"units.{name}.{key}"
            if key != "heat_out_gwh" or right[figure]:
                rows.append((f"{name}: {label}", left[figure], right[figure]))
    return Table(
        LP_MILP,
        {
            "figure": [name for name, _, _ in rows],
            "lp": [a for _, a, _ in rows],
            "milp": [b for _, _, b in rows],
            "difference_percent": [100 * (b - a) / a if a else 0.0 for _, a, b in rows],
        },
    )
