"""Tables of a fleet: slots, homes, envelopes, failures."""

from __future__ import annotations

from typing import Any

import numpy as np

from varme.ground.tables import Column, Table, TableSchema
from varme.ground.timegrid import TimeGrid
from varme.home.fleet.chunk import Planned
from varme.home.fleet.coordinate import Coordination, Limits
from varme.home.fleet.population import Homes, sizes_of
from varme.home.fleet.spec import FleetStudy
from varme.kernel.model import Floats

SLOTS = TableSchema(
    "fleet_slots",
    "The fleet, slot by slot",
    (
        Column("time", "time", "start of the slot (UTC)"),
        Column("import_cent_per_kwh", "number", "price of imported electricity"),
        Column("outdoor_c", "number", "outdoor temperature"),
        Column("load_kw", "number", "the households' load"),
        Column("pv_kw", "number", "PV that is used or sold"),
        Column("heat_pump_kw", "number", "heat pumps with standby"),
        Column("backup_kw", "number", "backup heaters"),
        Column("vehicle_kw", "number", "vehicles, charge less discharge"),
        Column("battery_kw", "number", "batteries, charge less discharge"),
        Column("import_kw", "number", "import of all homes, without the feeder's limit"),
        Column("export_kw", "number", "export of all homes, without the feeder's limit"),
        Column("feeder_kw", "number", "import less export and what others draw, each home on its own"),
        Column("coordinated_kw", "number", "the same with the feeder's limits kept by prices"),
        Column("coordination_cent_per_kwh", "number", "price of coordination: on top of import (below 0: of export)"),
    ),
)  # fmt: skip

HOMES = TableSchema(
    "fleet_homes",
    "The homes, one row each",
    (
        Column("home", "text", "name"),
        Column("planned", "flag", "whether it has a plan"),
        Column("age", "text", "age of the building"),
        Column("floor_area_m2", "number", "heated floor area"),
        Column("persons_count", "number", "persons"),
        Column("heat_loss_w_per_k", "number", "heat loss"),
        Column("heat_pump_kw", "number", "heat of the heat pump"),
        Column("tank_l", "number", "hot-water tank"),
        Column("pv_kwp", "number", "PV"),
        Column("battery_kwh", "number", "battery"),
        Column("vehicle_kwh", "number", "vehicles"),
        Column("cost_eur", "number", "what its plan costs"),
        Column("gap_cent", "number", "largest possible loss against its best plan"),
        Column("gap_share", "number", "the same, relative to the cost of its electricity bought and sold"),
        Column("import_kwh", "number", "electricity bought"),
        Column("export_kwh", "number", "electricity sold"),
        Column("peak_kw", "number", "highest import"),
        Column("starts_count", "number", "starts of the compressor"),
        Column("room_missed_k_h", "number", "degree-hours outside comfort"),
        Column("hot_water_missed_k_h", "number", "degree-hours of the tank below the temperature expected"),
        Column("departure_missed_kwh", "number", "energy missing in vehicles at departure"),
        Column("coordinated_cost_eur", "number", "what its plan costs with the feeder's limits"),
    ),
)
ENVELOPE = TableSchema(
    "fleet_flexibility",
    "How much more and less power the fleet could take, from each slot on, by duration",
    (
        Column("time", "time", "start of the window (UTC)"),
        Column("duration_min", "integer", "length of the window"),
        Column("up_kw", "number", "more power, in every slot of the window"),
        Column("down_kw", "number", "less power, in every slot of the window"),
        Column("up_homes_count", "integer", "homes that can give more than 0.1 kW"),
        Column("down_homes_count", "integer", "homes that can give less than 0.1 kW"),
    ),
)
HOME_ENVELOPE = TableSchema(
    "fleet_envelope",
    "How much more and less power each home could take, from each slot on, by duration",
    (
        Column("home", "text", "name"),
        Column("time", "time", "start of the window (UTC)"),
        Column("duration_min", "integer", "length of the window"),
        Column("up_kw", "number", "more power, in every slot of the window"),
        Column("down_kw", "number", "less power, in every slot of the window"),
    ),
)
COORDINATION = TableSchema(
    "fleet_coordination",
    "The coordination, round by round",
    (
        Column("round_count", "integer", "round"),
        Column("kind", "text", "prices: answers are relaxed; plans: answers can be carried out"),
        Column("plan_eur", "number", "cost of the plans chosen; what is left in stores counts"),
        Column("bound_eur", "number", "proven lower bound of any coordination"),
        Column("excess_kw", "number", "most by which a limit is exceeded"),
        Column("price_max_cent_per_kwh", "number", "highest price of the round"),
    ),
)
COMPARED = TableSchema(
    "fleet_compared",
    "Each home on its own, coordinated by prices, and with an equal share of the limit",
    (
        Column("case", "text", "case"),
        Column("cost_eur", "number", "cost with wishes missed and what is left in stores"),
        Column("peak_kw", "number", "highest load of the feeder, others included"),
        Column("excess_kw", "number", "most by which a limit is exceeded"),
        Column("missed_k_h", "number", "degree-hours outside comfort"),
        Column("homes_count", "integer", "homes that have a plan in this case"),
        Column("note", "text", "what the figures are"),
    ),
)
FAILURES = TableSchema(
    "fleet_failures",
    "Homes without a plan, and why",
    (
        Column("home", "text", "name"),
        Column("code", "text", "code of the problem"),
        Column("reason", "text", "what is wrong, and the remedy"),
    ),
)


def slots_table(
    planned: Planned,
    grid: TimeGrid,
    price: Floats,
    outdoor: Floats,
    base_load_kw: float,
    coordinated_kw: Floats | None,
    price_cent: Floats | None,
) -> Table:
    """Return the fleet slot by slot."""
    total = {name: planned.power(name).sum(axis=0) for name in
             ("load", "pv", "import", "export", "heat_pump", "backup", "vehicle", "battery")}  # fmt: skip
    nan = np.full(grid.n, np.nan)
    return Table(
        SLOTS,
        {f"{k}_kw": v for k, v in total.items()}
        | {
            "time": grid.times, "import_cent_per_kwh": price, "outdoor_c": outdoor,
            "feeder_kw": total["import"] - total["export"] + base_load_kw,
            "coordinated_kw": nan if coordinated_kw is None else coordinated_kw,
            "coordination_cent_per_kwh": nan if price_cent is None else price_cent,
        },
    )  # fmt: skip


def homes_table(study: FleetStudy, homes: Homes, planned: Planned, coordinated_cent: Floats | None) -> Table:
    """Return one row per home; homes without a plan stand there too."""
    n, at = len(homes), planned.index

    def put(values: Floats) -> Floats:
        out = np.full(n, np.nan)
        out[at] = values
        return out

    typical = sizes_of(study)

    def size(name: str) -> Floats:
        values = homes.columns.get(name)
        if values is None:
            return np.full(n, typical[name])
        numbers = np.asarray(values, dtype=float)
        return np.where(np.isnan(numbers), typical[name], numbers)

    def info(name: str) -> Floats:
        values = homes.columns.get(name)
        return np.full(n, np.nan) if values is None else np.asarray(values, dtype=float)

    ages: Any = homes.columns.get("age", np.full(n, ""))
    ok = np.zeros(n, dtype=bool)
    ok[at] = True
    return Table(
        HOMES,
        {
            "home": (np.arange(n), homes.names), "planned": ok, "age": ["" if a is None else a for a in ages],
            "floor_area_m2": info("floor_area_m2"), "persons_count": info("persons_count"),
            "heat_loss_w_per_k": size("house.heat_loss_w_per_k"), "heat_pump_kw": size("heat_pump.rated_kw"),
            "tank_l": size("hot_water.volume_l"), "pv_kwp": size("photovoltaics.peak_kwp"),
            "battery_kwh": size("battery.capacity_kwh"), "vehicle_kwh": size("vehicles.capacity_kwh"),
            "cost_eur": put(planned.figure("cost_cent") / 100), "gap_cent": put(planned.figure("gap_cent")),
            "gap_share": put(gap_shares(planned)), "import_kwh": put(planned.figure("import_kwh")),
            "export_kwh": put(planned.figure("export_kwh")), "peak_kw": put(planned.figure("peak_kw")),
            "starts_count": put(planned.figure("starts_count")),
            "room_missed_k_h": put(planned.figure("missed_k_h")),
            "hot_water_missed_k_h": put(planned.figure("missed_water_k_h")),
            "departure_missed_kwh": put(planned.figure("missed_departure_kwh")),
            "coordinated_cost_eur": np.full(n, np.nan) if coordinated_cent is None else put(coordinated_cent / 100),
        },
    )  # fmt: skip


def gap_shares(planned: Planned) -> Floats:
    """Return each home's gap relative to what its electricity costs, (H,).

    Relative to the objective it would mean nothing: with the worth of what is left in the stores that one passes
    through zero.
    """
    cost = np.maximum(np.abs(planned.figure("cost_cent")), 100.0)
    return np.asarray(planned.figure("gap_cent") / cost)


def flexibility_table(planned: Planned, grid: TimeGrid, durations: list[int]) -> Table:
    """Return the fleet's envelope."""
    times = np.tile(grid.times, len(durations))
    up, down = planned.up_kw.astype(float), planned.down_kw.astype(float)
    return Table(
        ENVELOPE,
        {
            "time": times, "duration_min": np.repeat(durations, grid.n), "up_kw": up.sum(axis=0).reshape(-1),
            "down_kw": down.sum(axis=0).reshape(-1), "up_homes_count": (up > 0.1).sum(axis=0).reshape(-1),
            "down_homes_count": (down > 0.1).sum(axis=0).reshape(-1),
        },
    )  # fmt: skip


def home_envelope_table(planned: Planned, homes: Homes, grid: TimeGrid, durations: list[int]) -> Table:
    """Return every home's envelope."""
    count, d = len(planned.index), len(durations)
    return Table(
        HOME_ENVELOPE,
        {
            "home": (np.repeat(planned.index, d * grid.n), homes.names), "time": np.tile(grid.times, count * d),
            "duration_min": np.tile(np.repeat(durations, grid.n), count), "up_kw": planned.up_kw.reshape(-1),
            "down_kw": planned.down_kw.reshape(-1),
        },
    )  # fmt: skip


def failures_table(planned: Planned, homes: Homes) -> Table:
    """Return the homes without a plan."""
    return Table(
        FAILURES,
        {"home": [homes.names[i] for i in planned.failed], "code": planned.codes, "reason": planned.reasons},
    )


def coordination_table(done: Coordination) -> Table:
    """Return the rounds of a coordination."""
    steps = done.steps
    return Table(
        COORDINATION,
        {
            "round_count": [s.round for s in steps], "kind": [s.kind for s in steps],
            "plan_eur": [s.plan_cent / 100 for s in steps], "bound_eur": [s.bound_cent / 100 for s in steps],
            "excess_kw": [s.excess_kw for s in steps], "price_max_cent_per_kwh": [s.price_max_cent for s in steps],
        },
    )  # fmt: skip


def compared_table(planned: Planned, done: Coordination, limits: Limits, base_load_kw: float) -> Table:
    """Return the cases side by side."""

    def worst(net: Floats) -> float:
        return float(np.abs(limits.excess(net)).max())

    own = (planned.power("import") - planned.power("export")).sum(axis=0)
    together = done.net_kw.sum(axis=0)
    cost, missed = float(planned.figure("objective_cent").sum()), float(planned.figure("missed_k_h").sum())
    rows = [("each on its own", cost, own, missed, len(planned.index), "plans")]
    cost, missed = float(done.objective_cent.sum()), float(done.missed_k_h.sum())
    rows.append(("coordinated by prices", cost, together, missed, len(done.index), "plans"))
    cap = done.capped
    if cap is not None:
        what = (
            f"relaxed, so a lower bound; {cap.cap_kw:.2f} kW each; {cap.failed} homes cannot keep it at all"
        )
        rows.append(
            (
                "an equal share each",
                cap.objective_cent,
                cap.net_kw,
                cap.missed_k_h,
                int(cap.with_plan.sum()),
                what,
            )
        )
        what = "plans of those homes alone that can keep an equal share"
        kept = done.net_kw[cap.with_plan].sum(axis=0)
        missed = float(done.missed_k_h[cap.with_plan].sum())
        count = int(cap.with_plan.sum())
        rows.append(("coordinated, the same homes", cap.coordinated_cent, kept, missed, count, what))
    return Table(
        COMPARED,
        {
            "case": [r[0] for r in rows], "cost_eur": [r[1] / 100 for r in rows],
            "peak_kw": [float(r[2].max()) + base_load_kw for r in rows], "excess_kw": [worst(r[2]) for r in rows],
            "missed_k_h": [r[3] for r in rows], "homes_count": [r[4] for r in rows], "note": [r[5] for r in rows],
        },
    )  # fmt: skip
