"""A plan replayed minute by minute: is it executable, and does it cost what it says?

The set points of every slot (mode and heat, or electricity, of the compressor; battery; vehicles) are executed in steps
of a minute. The heat pump then has the limits and the COP of the temperatures as they are in that minute, the outdoor
temperature runs smoothly, and the guard keeps the minimum times. What comes out is held against the plan: temperatures,
cost, and whether anything could not be done as planned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from varme.components.home_heat_pump import MODE_CODES, HeatPumpNumbers
from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.tables import Column, Table, TableSchema
from varme.home.plant import Plant
from varme.home.schedule.plan import Plan
from varme.home.simulate.engine import Simulator
from varme.home.simulate.guard import Guard
from varme.home.simulate.state import Command, Homes, Trace
from varme.kernel.model import Floats
from varme.markets.bill import peaks_cent

#: Largest difference of a temperature between plan and replay [K].
ERROR_MAX_K = 0.3
#: Largest difference of cost between plan and replay, as a share of what is bought.
COST_ERROR_MAX_SHARE = 0.01
#: Cost below which a share of it says nothing: an absolute tolerance [cent].
COST_FLOOR_CENT = 2.0

REPLAY = TableSchema(
    "plan_replay",
    "The plan replayed in steps of a minute, slot by slot",
    (
        Column("time", "time", "start of the slot (UTC)"),
        Column("mode", "text", "what the plan wants of the compressor: off, room, water, cool"),
        Column(
            "held_share", "number", "share of the slot in which the guard did not do what the plan wanted"
        ),
        Column("planned_room_c", "number", "room temperature at the end of the slot, planned"),
        Column("room_c", "number", "the same, replayed"),
        Column("planned_tank_c", "number", "tank temperature at the end of the slot, planned"),
        Column("tank_c", "number", "the same, replayed"),
        Column("planned_heat_pump_kw", "number", "electricity of the heat pump, planned"),
        Column("heat_pump_kw", "number", "the same, replayed"),
        Column("planned_import_kw", "number", "import, planned"),
        Column("import_kw", "number", "the same, replayed"),
        Column("planned_cost_cent", "number", "electricity bought less sold, planned"),
        Column("cost_cent", "number", "the same, replayed"),
    ),
)


@dataclass(frozen=True, eq=False)
class PlanReplay:
    """What a plan did when it was executed.

    Attributes:
        plan: The plan.
        trace: What happened in every step of the replay.
        room_error_k: Largest difference of the room temperature at the ends of slots.
        tank_error_k: Largest difference of the tank temperature.
        battery_error_kwh: Largest difference of the battery's level.
        planned_cent: What the plan costs: electricity, peaks, fuel, wear, starts.
        cost_cent: What the replay cost, with what it left less in the stores.
        bought_cent: Electricity bought, as planned, at prices without their sign; the measure of the cost error.
        executable_share: Share of the time in which the guard did what the plan wanted and heat was within the limits.
    """

    plan: Plan
    trace: Trace
    room_error_k: float
    tank_error_k: float
    battery_error_kwh: float
    planned_cent: float
    cost_cent: float
    bought_cent: float
    executable_share: float

    @property
    def cost_error_share(self) -> float:
        """Difference of cost, as a share of the electricity bought, at least of :data:`COST_FLOOR_CENT`."""
        return (self.cost_cent - self.planned_cent) / max(self.bought_cent, COST_FLOOR_CENT)

    def table(self) -> Table:
        """Return plan and replay slot by slot."""
        plan, slots = self.plan, self.plan.slots
        plant, grid = plan.problem.plant, plan.problem.plant.grid
        edges = slots.edges - slots.edges[0]

        def mean(name: str) -> Floats:
            return np.asarray(np.add.reduceat(self.trace.base(name)[:, 0], edges[:-1]) / slots.counts)

        def last(name: str) -> Floats:
            return np.asarray(self.trace.at_end(name)[edges[1:] - 1, 0])

        nan = np.full(slots.n, np.nan)
        buy, sell = grid.import_cent_per_kwh * slots.step_h, grid.export_cent_per_kwh * slots.step_h
        planned = buy * plan.value("grid.import") - sell * plan.value("grid.export")
        return Table(
            REPLAY,
            {
                "time": plant.seen.grid.times[slots.edges[:-1]],
                "mode": plan.modes,
                "held_share": mean("held"),
                "planned_room_c": plan.value("house.temperature_0") if plant.house else nan,
                "room_c": last("room_c") if plant.house else nan,
                "planned_tank_c": plan.value("tank.temperature") if plant.tank else nan,
                "tank_c": last("tank_c") if plant.tank else nan,
                "planned_heat_pump_kw": planned_electric_kw(plan),
                "heat_pump_kw": mean("heat_pump_kw"),
                "planned_import_kw": plan.value("grid.import"),
                "import_kw": mean("import_kw"),
                "planned_cost_cent": planned,
                "cost_cent": buy * mean("import_kw") - sell * mean("export_kw"),
            },
        )

    def charts(self) -> list[Chart]:
        """Return the charts of a replay."""
        out = []
        for name, title in (("room", "Room temperature"), ("tank", "Tank temperature")):
            if getattr(self.plan.problem.plant, "house" if name == "room" else "tank") is None:
                continue
            columns = (f"planned_{name}_c", f"{name}_c")
            out.append(
                Chart(
                    f"plan_replay_{name}", "line", f"{title}: planned, and replayed in steps of a minute",
                    REPLAY.name, "time", columns, x_label="Time", y_label="Temperature [°C]", section="Executed",
                    words={columns[0]: "Planned", columns[1]: "Executed"},
                    note="The replay has the limits and the COP of the temperatures as they are in every minute.",
                )
            )  # fmt: skip
        return out

    def findings(self) -> list[Finding]:
        """Return what a reader of the plan must know of its execution."""
        kelvin = max(self.room_error_k, self.tank_error_k)
        share = self.cost_error_share
        evidence = {
            "room_error_k": round(self.room_error_k, 4),
            "tank_error_k": round(self.tank_error_k, 4),
            "cost_error_percent": round(100 * share, 3),
            "executable_percent": round(100 * self.executable_share, 3),
        }
        out = []
        if self.executable_share < 1 - 1e-9:
            text = (
                f"In {100 * (1 - self.executable_share):.2g} % of the time the devices could not do what the plan "
                "wants: limits or minimum times at the temperatures as they are."
            )
            out.append(Finding("plan_not_executable", "warning", "replay", text, evidence))
        if kelvin > ERROR_MAX_K or abs(share) > COST_ERROR_MAX_SHARE:
            parts = (
                [f"temperatures differ from the plan by up to {kelvin:.2f} K"] if kelvin > ERROR_MAX_K else []
            )
            if abs(share) > COST_ERROR_MAX_SHARE:
                parts.append(
                    f"the cost is {100 * abs(share):.1f} % {'higher' if share > 0 else 'lower'} than planned (of the "
                    "electricity bought)"
                )
            text = f"Executed minute by minute, {' and '.join(parts)}."
            out.append(Finding("plan_replay_differs", "warning", "replay", text, evidence))
        return out


def planned_electric_kw(plan: Plan) -> Floats:
    """Return the electricity of the heat pump in a plan, with standby and without backup, shape (n,)."""
    pump = plan.problem.plant.heat_pump
    if pump is None:
        return np.zeros(plan.slots.n)
    out = np.full(plan.slots.n, pump.standby_kw)
    for m, mode in enumerate(pump.modes):
        on, heat = plan.value(f"heat_pump.{mode}_on"), plan.value(f"heat_pump.{mode}_heat")
        out += pump.electric_on_kw[m] * on + pump.electric_per_heat[m] * heat
    return out


class FollowPlan:
    """Asks the devices for what a plan says.

    Args:
        plan: The plan.
        setpoint: Whether the compressor is asked for the planned heat or the planned electricity.
        guard: Overrides by hand.
    """

    def __init__(
        self, plan: Plan, setpoint: Literal["heat", "electric"] = "heat", guard: Guard | None = None
    ) -> None:
        slots, self.guard = plan.slots, guard or Guard()
        self.first = int(slots.edges[0])
        pump = plan.problem.plant.heat_pump

        def spread(values: Floats) -> Floats:
            return np.repeat(values, slots.counts)[:, None]

        codes = np.array([MODE_CODES[mode] for mode in plan.modes], dtype=np.int8)
        self.mode = np.repeat(codes, slots.counts)[:, None]
        self.heat = spread(
            sum((plan.value(f"heat_pump.{m}_heat") for m in MODE_CODES), start=np.zeros(slots.n))
        )
        self.electric = None
        if setpoint == "electric" and pump is not None:
            self.electric = spread(planned_electric_kw(plan) - pump.standby_kw)
        self.emitter = spread(plan.value("buffer.to_room")) if plan.problem.plant.buffer is not None else None
        self.backup_room, self.backup_water = (spread(plan.value(f"backup.{b}")) for b in ("room", "water"))
        self.second_room, self.second_water = (
            spread(plan.value(f"second_heater.{b}")) for b in ("room", "water")
        )
        self.charge, self.discharge = (spread(plan.value(f"battery.{d}")) for d in ("charge", "discharge"))
        names = [f"vehicle.{v.name}" for v in plan.problem.plant.vehicles]
        empty = np.zeros((int(slots.counts.sum()), 0))
        self.vehicle_charge = np.hstack([empty, *(spread(plan.value(f"{v}.charge")) for v in names)])
        self.vehicle_discharge = np.hstack([empty, *(spread(plan.value(f"{v}.discharge")) for v in names)])
        loads = [f"load.{one.name}" for one in plan.problem.plant.loads]
        self.load = np.hstack([empty, *(spread(plan.value(f"{one}.power")) for one in loads)])

    def __call__(self, at: int, part: int, homes: Homes) -> Command:
        """Return what is asked for in a base step."""
        t = at - self.first
        return Command(
            self.guard.wished(at, self.mode[t]), self.heat[t], None if self.electric is None else self.electric[t],
            self.backup_room[t], self.backup_water[t], self.charge[t], self.discharge[t],
            self.vehicle_charge[t : t + 1], self.vehicle_discharge[t : t + 1],
            np.full(1, np.inf) if self.emitter is None else self.emitter[t], self.load[t : t + 1],
            second_room_kw=self.second_room[t], second_water_kw=self.second_water[t],
        )  # fmt: skip


def replay_plan(
    plant: Plant,
    plan: Plan,
    *,
    step_min: int = 1,
    exact: bool = True,
    setpoint: Literal["heat", "electric"] = "heat",
    guard: Guard | None = None,
) -> PlanReplay:
    """Execute a plan.

    Args:
        plant: The home over its base grid (not over the plan's slots).
        plan: The plan.
        step_min: Step of the replay; the nearest that divides the base step.
        exact: Whether the heat pump has the limits and COP of the real temperatures; else those of the plan.
        setpoint: What the compressor is asked for: the planned heat, or the planned electricity.
        guard: Overrides by hand.
    """
    slots = plan.slots
    parts = max(1, round(slots.base_h * 60 / step_min))
    homes = Homes.of(plan.problem.state)
    if not exact:
        plant = replace(plant, heat_pump=_as_planned(plant, plan))
    follow = FollowPlan(plan, setpoint, guard)
    trace = Simulator(plant, parts=parts, exact=exact).run(
        homes, int(slots.edges[0]), int(slots.counts.sum()), follow
    )
    errors = deviations(plan, trace)
    planned = planned_cent(plan)
    worth, end = plan.problem.worth, slots.edges[-1] - slots.edges[0] - 1
    left = 0.0
    if plan.problem.plant.house is not None:
        nodes = [plan.value(f"house.temperature_{k}")[-1] for k in range(homes.house_c.shape[1])]
        left += float(worth.room_cent_per_k @ (homes.house_c[0] - np.array(nodes)))
    if plan.problem.plant.tank is not None:
        left += float(
            worth.tank_cent_per_k * (trace.at_end("tank_c")[end, 0] - plan.value("tank.temperature")[-1])
        )
    if plan.problem.plant.battery is not None:
        left += worth.battery_cent_per_kwh * float(homes.battery_kwh[0] - plan.value("battery.level")[-1])
    cost = replayed_cent(plant, trace, peak_kw=plan.problem.state.peak_kw) - left
    price = np.abs(plan.problem.plant.grid.import_cent_per_kwh)
    bought = float(np.sum(price * slots.step_h * plan.value("grid.import")))
    heat = np.repeat(follow.heat, parts, axis=0)
    given = trace["room_heat_kw"] + trace["water_heat_kw"] + trace["cool_heat_kw"]
    missed = (trace["held"] > 0) | ((np.abs(given - heat) > 0.02 * heat + 1e-6) & (setpoint == "heat"))
    return PlanReplay(plan, trace, *errors, planned, cost, bought, 1.0 - float(missed.mean()))


def _as_planned(plant: Plant, plan: Plan) -> HeatPumpNumbers | None:
    """Return the heat pump over the base grid with the straight lines that the plan used, its tank's included."""
    pump, planned = plant.heat_pump, plan.problem.plant.heat_pump
    if pump is None or planned is None:
        return pump
    first, last = int(plan.slots.edges[0]), int(plan.slots.edges[-1])
    names = ("heat_min_kw", "heat_max_kw", "electric_on_kw", "electric_per_heat")
    out: dict[str, Any] = {name: np.array(getattr(pump, name)) for name in names}
    for name, values in out.items():
        values[:, first:last] = np.repeat(getattr(planned, name), plan.slots.counts, axis=1)
    return replace(pump, **out)


def deviations(plan: Plan, trace: Trace) -> tuple[float, float, float]:
    """Return the largest differences of room and tank temperature [K] and battery level [kWh] at the ends of slots."""
    ends = plan.slots.edges[1:] - plan.slots.edges[0] - 1
    out = []
    for present, name, planned in (
        (plan.problem.plant.house, "room_c", "house.temperature_0"),
        (plan.problem.plant.tank, "tank_c", "tank.temperature"),
        (plan.problem.plant.battery, "battery_kwh", "battery.level"),
    ):
        difference = trace.at_end(name)[ends, 0] - plan.value(planned)
        out.append(0.0 if present is None else float(np.abs(difference).max()))
    return out[0], out[1], out[2]


def planned_cent(plan: Plan) -> float:
    """Return what a plan costs: electricity, peaks, fuel, wear and starts; no wishes [cent]."""
    return plan.cost_cent


def replayed_cent(plant: Plant, trace: Trace, home: int = 0, peak_kw: float = 0.0) -> float:
    """Return what a simulation cost: electricity, peaks as a plan counts them, fuel, wear and starts [cent].

    Args:
        plant: The home.
        trace: What happened.
        home: Which of the homes.
        peak_kw: Highest import before, in the period of the first step.
    """
    steps = trace.first + np.arange(trace.steps) // trace.parts
    flows = {name: values[:, home] for name, values in trace.data.items()}
    grid, hours = plant.grid, trace.hours
    cost = grid.import_cent_per_kwh[steps] @ flows["import_kw"] * hours
    cost -= grid.export_cent_per_kwh[steps] @ flows["export_kw"] * hours
    if grid.peaks:
        bought, base_h = trace.base("import_kw")[:, home], plant.seen.grid.step_h
        cost += peaks_cent(grid.peaks, bought, base_h, first=trace.first, so_far_kw=peak_kw, planning=True)
    if plant.second_heater is not None:
        heat = flows["second_room_kw"] + flows["second_water_kw"]
        cost += plant.second_heater.heat_cent_per_kwh[steps] @ heat * hours
    if plant.battery is not None:
        cost += plant.battery.wear_cent_per_kwh * float(flows["discharge_kw"].sum()) * hours
    for vehicle in plant.vehicles:
        cost += (
            vehicle.wear_cent_per_kwh
            * float(flows["vehicle_discharge_kw"].sum())
            * hours
            / len(plant.vehicles)
        )
    if plant.heat_pump is not None:
        cost += plant.heat_pump.start_cent * float(flows["start"].sum())
    return float(cost)
