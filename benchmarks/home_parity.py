"""The home that EMHASS and varme both plan: its numbers, seeded, and varme's model of it.

The physics are EMHASS's (0.18, ``heat_topology``), so that two programs answer one question: a room of one node with
``T[t+1] = T[t] + (heat - UA (T[t] - outdoor)) h / C``, a tank with a constant loss and draws, a heat pump with a Carnot
COP that serves one of the two at a time, a battery that must end as it began, a car that takes a block of energy within
a window, PV that is used or sold. Money in cents, power in kW, energy in kWh.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.kernel.model import Ints, Model, Number, Var
from varme.kernel.packets import Store, add_counts
from varme.kernel.switched import Basis, Modes, crash

Floats = NDArray[np.float64]
Terms = list[tuple[Number, Ints]]
#: What the heat pump serves, one at a time.
MODES = ("room", "water")
#: Price of electricity's worth of heat that a pattern lacks or has too much of, while it is searched for.
ARTIFICIAL_CENT_PER_KWH = 1000.0


def folder() -> Path:
    """Return where benchmarks keep what they make once."""
    return Path(os.environ.get("VARME_BENCH_DATA", "/tmp/varme-bench"))


@dataclass(frozen=True, eq=False)
class Parity:
    """A home and its day; arrays of shape (n,).

    Attributes:
        step_h: Length of a step.
        strict: Whether the heat pump runs at full power or not at all.
        buy: Price of imported electricity [EUR/kWh].
        sell: What exported electricity earns [EUR/kWh].
        load: Household load [kW].
        pv: PV [kW].
        outdoor: Outdoor temperature [C].
        draw: Heat drawn with hot water [kWh per step].
        car: 1 where the car may charge.
        cop_room: COP for the room.
        cop_water: COP for the tank.
    """

    step_h: float
    strict: bool
    buy: Floats
    sell: Floats
    load: Floats
    pv: Floats
    outdoor: Floats
    draw: Floats
    car: Floats
    cop_room: Floats
    cop_water: Floats
    power_kw: float = 3.0
    power_min_kw: float = 0.8
    carnot: float = 0.4
    supply_room_c: float = 35.0
    supply_water_c: float = 55.0
    mass_kwh_per_k: float = 9.0
    loss_kw_per_k: float = 0.16
    room_start_c: float = 21.0
    room_min_c: float = 20.0
    room_max_c: float = 22.5
    volume_m3: float = 0.2
    tank_loss_kw: float = 0.06
    tank_start_c: float = 52.0
    tank_min_c: float = 45.0
    tank_max_c: float = 60.0
    battery_kwh: float = 10.0
    battery_kw: float = 5.0
    battery_one_way: float = 0.95
    battery_start: float = 0.5
    battery_min: float = 0.1
    battery_max: float = 1.0
    car_kw: float = 3.7
    car_kwh: float = 14.8
    grid_kw: float = 12.0

    @property
    def n(self) -> int:
        """Number of steps."""
        return len(self.buy)

    @property
    def tank_k_per_kwh(self) -> float:
        """Kelvin per kWh of the tank, with EMHASS's water: 4.186 kJ/(kg K), 1000 kg/m3."""
        return 3600 / (1000 * 4.186 * self.volume_m3)

    def as_json(self) -> dict[str, Any]:
        """Return the numbers for another process."""
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in asdict(self).items()}


def draw_case(seed: int, hours: int = 24, step_min: int = 15, *, strict: bool = False) -> Parity:
    """Return a seeded home and day, from noon to noon.

    Prices have the shape of Danish hourly prices: 25 % VAT, electricity tax and a network charge of three levels on top
    of a spot price with two peaks. Weather is a season's mean with a daily swing.
    """
    rng = np.random.default_rng(seed)
    step_h = step_min / 60
    n = round(hours / step_h)
    clock = (12 + step_h * np.arange(n)) % 24
    hour = (step_h * np.arange(n)).astype(int)
    season = rng.uniform(0, 1)  # 0 is January, 1 is May
    spot = 0.07 + 0.03 * np.exp(-(((clock - 8) / 2.0) ** 2)) + 0.07 * np.exp(-(((clock - 18.5) / 2.0) ** 2))
    spot = spot - season * 0.05 * np.exp(-(((clock - 13) / 2.5) ** 2))
    spot = spot * rng.uniform(0.6, 1.5) + 0.012 * rng.standard_normal(hours)[hour]
    network = np.where((clock >= 17) & (clock < 21), 0.12, np.where(clock < 6, 0.02, 0.045))
    outdoor = -1 + 12 * season + rng.normal(0, 2) + 3.5 * np.sin(2 * np.pi * (clock - 9) / 24)
    sun = np.maximum(0, np.sin(np.pi * (clock - 7.5 + 2 * season) / (9 + 5 * season)))
    pv = 8.0 * (0.25 + 0.55 * season) * sun * np.repeat(rng.uniform(0.3, 1.0, hours), round(1 / step_h))[:n]
    load = 0.35 + 0.5 * np.exp(-(((clock - 18.5) / 1.8) ** 2)) + 0.25 * np.exp(-(((clock - 7) / 1.0) ** 2))
    load = load * rng.uniform(0.8, 1.4) + 0.15 * rng.random(n)
    draw = np.zeros(n)
    for at, kwh in ((19.0, 1.2), (21.5, 1.8), (6.5, 2.2), (7.5, 1.2), (11.0, 0.5)):
        first = round(((at - 12) % 24) / step_h)
        long = max(1, round(0.5 / step_h))
        for day in range(max(1, hours // 24)):
            place = first + day * round(24 / step_h)
            draw[place : place + long] += kwh * rng.uniform(0.7, 1.3) / long
    car = ((clock >= 17.5) | (clock < 6.5)).astype(float)
    car[round(19 / step_h) :] = 0.0
    kelvin = 273.15
    cop = [
        0.4 * (supply + kelvin) / np.maximum(supply - outdoor, 1.0)
        for supply in (Parity.supply_room_c, Parity.supply_water_c)
    ]
    # EMHASS takes prices with the network charge and taxes in them.
    return Parity(
        step_h, strict, 1.25 * (spot + 0.011 + network + 0.10), np.maximum(spot - 0.005, 0.0), load, pv, outdoor, draw,
        car, *cop,
    )  # fmt: skip


def build(case: Parity) -> Model:
    """Return the model of a home with a status per mode: what every modelling library in the benchmark builds.

    Import and export have no direction binary (import costs more than export earns, so an optimum never does both), nor
    has the battery (what goes in and out at once is lost, and no price is negative).
    """
    model, demand = Model(case.n), case.load - case.pv
    balance = _electricity(case, model)
    switches: Terms = []
    floor = case.power_kw if case.strict else case.power_min_kw
    for name in MODES:
        on = model.var(f"{name}_on", upper=1.0, integer=True)
        power = model.var(f"{name}_power", upper=case.power_kw)
        model.add(f"{name}_most", [(1.0, power.now), (-case.power_kw, on.now)], upper=0.0)
        model.add(f"{name}_least", [(1.0, power.now), (-floor, on.now)], lower=0.0)
        _heat(case, model, name, power)
        balance.append((-1.0, power.now))
        switches.append((1.0, on.now))
    model.add("valve", switches, upper=1.0)
    model.add("electricity", balance, lower=demand, upper=demand)
    model.assemble()
    _begin(case, model)
    return model


def lean(case: Parity, *, counts: bool = True) -> tuple[Model, Modes, Basis]:
    """Return the model without statuses, its modes, and a basis to begin with, for varme's planner of such machines.

    Args:
        case: The home.
        counts: Whether a pump at one power gets the packets of each store as rows (:mod:`varme.kernel.packets`).
    """
    model, demand = Model(case.n), case.load - case.pv
    balance = _electricity(case, model)
    powers, stores = [], tuple(store(case, name) if case.strict else None for name in MODES)
    for name, packets in zip(MODES, stores, strict=True):
        power = model.var(f"{name}_power", upper=case.power_kw)
        _heat(case, model, name, power, artificial=True)
        balance.append((-1.0, power.now))
        powers.append(power)
        if packets is not None and counts:
            add_counts(model, f"{name}_count", power.now, 1.0 / case.power_kw, packets.counts())
    model.add("valve", [(1.0 / case.power_kw, p.now) for p in powers], upper=1.0)
    model.add("electricity", balance, lower=demand, upper=demand)
    model.assemble()
    _begin(case, model)
    shape = (len(powers), case.n)
    floor = case.power_kw if case.strict else case.power_min_kw
    columns = np.stack([p.now for p in powers])
    artificial = np.concatenate(
        [model.vars[f"{m}_{way}"].now for m in MODES for way in ("missing", "vented")]
    )
    modes = Modes(columns, np.full(shape, floor), np.full(shape, case.power_kw), stores, artificial)
    carried = [
        ("battery", "level"),
        ("electricity", "import"),
        ("room_heat", "room_c"),
        ("water_heat", "water_c"),
    ]
    carried += [(f"{name}_count_sum", f"{name}_count") for name in MODES if f"{name}_count" in model.vars]
    return model, modes, crash(model, carried)


def store(case: Parity, name: str) -> Store:
    """Return room or tank as a store that full-power steps fill; the last step's end has no limits, as in EMHASS."""
    keep, gain, rest, least, most = _physics(case, name)
    last = np.zeros(case.n)
    last[-1] = np.inf
    start = case.room_start_c if name == "room" else case.tank_start_c
    return Store(np.full(case.n, keep), gain * case.power_kw, rest, least - last, most + last, start)


def _physics(case: Parity, name: str) -> tuple[float, Floats, Floats, float, float]:
    """Return share kept, kelvin per kW, kelvin per step otherwise, and the band of room or tank."""
    if name == "room":
        keep = 1 - case.loss_kw_per_k * case.step_h / case.mass_kwh_per_k
        gain = case.step_h / case.mass_kwh_per_k * case.cop_room
        return keep, gain, (1 - keep) * case.outdoor, case.room_min_c, case.room_max_c
    per_kwh = case.tank_k_per_kwh
    rest = -per_kwh * (case.draw + case.step_h * case.tank_loss_kw)
    return 1.0, case.step_h * per_kwh * case.cop_water, rest, case.tank_min_c, case.tank_max_c


def _heat(case: Parity, model: Model, name: str, power: Var, *, artificial: bool = False) -> None:
    keep, gain, rest, least, most = _physics(case, name)
    last = np.zeros(case.n)
    last[-1] = np.inf
    heat = model.var(f"{name}_c", lower=least - last, upper=most + last, history=1)
    rows: Terms = [(1.0, heat.now), (-keep, heat.lag(1)), (-gain, power.now)]
    if artificial:
        price = ARTIFICIAL_CENT_PER_KWH * case.power_kw * case.step_h / float(np.mean(gain * case.power_kw))
        for way, sign in (("missing", -1.0), ("vented", 1.0)):
            rows.append((sign, model.var(f"{name}_{way}", cost=price).now))
    model.add(f"{name}_heat", rows, lower=rest, upper=rest)


def _electricity(case: Parity, model: Model) -> Terms:
    """Add grid, battery and car; return their terms in the balance."""
    n, h, eta = case.n, case.step_h, case.battery_one_way
    bought = model.var("import", upper=case.grid_kw, cost=100 * h * case.buy)
    sold = model.var("export", upper=case.grid_kw, cost=-100 * h * case.sell)
    charge = model.var("charge", upper=case.battery_kw)
    discharge = model.var("discharge", upper=case.battery_kw)
    car = model.var("car", upper=case.car_kw * case.car)
    low, high = (
        np.full(n, case.battery_min * case.battery_kwh),
        np.full(n, case.battery_max * case.battery_kwh),
    )
    low[-1] = high[-1] = case.battery_start * case.battery_kwh
    level = model.var("level", lower=low, upper=high, history=1)
    flows: Terms = [(-eta * h, charge.now), (h / eta, discharge.now)]
    model.add("battery", [(1.0, level.now), (-1.0, level.lag(1)), *flows], lower=0.0, upper=0.0)
    model.add_row("car_block", np.full(n, h), car.now, lower=case.car_kwh, upper=case.car_kwh)
    return [(1.0, bought.now), (-1.0, sold.now), (1.0, discharge.now), (-1.0, charge.now), (-1.0, car.now)]


def _begin(case: Parity, model: Model) -> None:
    """Fix the history columns to the state before the first step."""
    begin = {
        "level": case.battery_start * case.battery_kwh,
        "room_c": case.room_start_c,
        "water_c": case.tank_start_c,
    }
    for name in MODES:
        if f"{name}_count" in model.vars:
            begin[f"{name}_count"] = 0.0
    for name, value in begin.items():
        model.set_history(model.vars[name], np.array([value]))
