"""What a kWh more is worth in each slot, where it is: shadow prices of the plan with its on/off decisions fixed.

They are the duals of the balances: electricity, the heat of room and tank, the levels of battery and vehicles. Heat is
counted per kWh of heat that enters the store in that slot.
"""

from __future__ import annotations

import numpy as np

from varme.ground.tables import Column, Table, TableSchema
from varme.home.schedule.plan import Plan
from varme.kernel.model import Floats

WORTH = TableSchema(
    "worth",
    "What a kWh more would be worth in each slot, where it is",
    (
        Column("time", "time", "start of the slot (UTC)"),
        Column("where", "text", "electricity, room (heat), tank (heat), battery, or a vehicle"),
        Column("worth_cent_per_kwh", "number", "how much lower the cost would be with a kWh more"),
    ),
)


def worths(plan: Plan) -> dict[str, Floats]:
    """Return where -> worth of a kWh more in each slot [ct/kWh], shape (n,)."""
    problem, hours = plan.problem, plan.slots.step_h
    plant, rows = problem.plant, problem.model.rows
    out = {"electricity": plan.row_dual[problem.balance.index] / hours}
    if plant.house is not None:
        _, heat, _ = plant.house.steps(hours)
        duals = np.stack(
            [plan.row_dual[rows[f"house.balance_{k}"].index] for k in range(heat.shape[1])], axis=1
        )
        out["room (heat)"] = -np.sum(duals * heat, axis=1) / hours
    if plant.tank is not None and "tank.balance" in rows:
        keep = np.exp(-plant.tank.loss_kw_per_k * hours / plant.tank.capacity_kwh_per_k)
        per_kwh = (1 - keep) / plant.tank.loss_kw_per_k / hours
        out["tank (heat)"] = -plan.row_dual[rows["tank.balance"].index] * per_kwh
    if "battery.balance" in rows:
        out["battery"] = -plan.row_dual[rows["battery.balance"].index]
    for vehicle in plant.vehicles:
        out[vehicle.name] = -plan.row_dual[rows[f"vehicle.{vehicle.name}.balance"].index]
    return out


def worth_table(plan: Plan) -> Table:
    """Return the worths as a table."""
    found = worths(plan)
    times = plan.problem.plant.seen.grid.times[plan.slots.edges[:-1]]
    data = {
        "time": np.tile(times, len(found)),
        "where": np.repeat(list(found), plan.slots.n),
        "worth_cent_per_kwh": np.concatenate(list(found.values())),
    }
    return Table(WORTH, data)
