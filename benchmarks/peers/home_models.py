"""The home of the EMHASS parity, written from its equations for linopy, cvxpy and Pyomo, and handed to HiGHS.

Imported, it offers linopy's; as a script, in EMHASS's environment, it reads a home from standard input and measures
cvxpy or Pyomo: ``python home_models.py cvxpy 9``. Only NumPy and the peers are used here.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np


def numbers(home: dict[str, Any]) -> SimpleNamespace:
    """Return a home's numbers with arrays, and what its equations need."""
    c = SimpleNamespace(**{k: np.array(v) if isinstance(v, list) else v for k, v in home.items()})
    c.n, h = len(c.buy), c.step_h
    c.floor = c.power_kw if c.strict else c.power_min_kw
    per_kwh = 3600 / (1000 * 4.186 * c.volume_m3)
    keep = 1 - c.loss_kw_per_k * h / c.mass_kwh_per_k
    water = -per_kwh * (c.draw + h * c.tank_loss_kw)
    # Store -> share kept, kelvin per kW, kelvin per step, start, lowest, highest.
    c.stores = {
        "room": (keep, h / c.mass_kwh_per_k * c.cop_room, (1 - keep) * c.outdoor, c.room_start_c, c.room_min_c,
                 c.room_max_c),
        "water": (1.0, h * per_kwh * c.cop_water, water, c.tank_start_c, c.tank_min_c, c.tank_max_c),
    }  # fmt: skip
    c.low = np.full(c.n, c.battery_min * c.battery_kwh)
    c.high = np.full(c.n, c.battery_max * c.battery_kwh)
    c.low[-1] = c.high[-1] = c.battery_start * c.battery_kwh
    return c


def linopy_model(home: dict[str, Any]) -> Any:
    """Return the home as a linopy model."""
    import linopy
    import pandas as pd

    c = numbers(home)
    m, index, h, eta = linopy.Model(), pd.RangeIndex(c.n, name="t"), c.step_h, c.battery_one_way

    def column(name: str, low: Any = 0.0, high: Any = np.inf, **more: Any) -> Any:
        wide = [pd.Series(np.broadcast_to(v, c.n).astype(float), index=index) for v in (low, high)]
        if more:
            return m.add_variables(coords=[index], name=name, **more)
        return m.add_variables(lower=wide[0], upper=wide[1], coords=[index], name=name)

    bought, sold = column("import", 0, c.grid_kw), column("export", 0, c.grid_kw)
    charge, discharge = column("charge", 0, c.battery_kw), column("discharge", 0, c.battery_kw)
    car, level = column("car", 0, c.car_kw * c.car), column("level", c.low, c.high)
    series = lambda values: pd.Series(values, index=index)  # noqa: E731
    first = series(np.r_[1.0, np.zeros(c.n - 1)])
    begin = c.battery_start * c.battery_kwh
    m.add_constraints(
        level - level.shift(t=1) - eta * h * charge + h / eta * discharge == begin * first, name="battery"
    )
    balance = bought - sold + discharge - charge - car
    for name, (keep, gain, rest, start, least, most) in c.stores.items():
        on, power = column(f"{name}_on", binary=True), column(f"{name}_power", 0, c.power_kw)
        m.add_constraints(power - c.power_kw * on <= 0, name=f"{name}_most")
        m.add_constraints(power - c.floor * on >= 0, name=f"{name}_least")
        free = np.r_[np.zeros(c.n - 1), np.inf]
        heat = column(f"{name}_c", least - free, most + free)
        right = series(rest + np.r_[keep * start, np.zeros(c.n - 1)])
        m.add_constraints(heat - keep * heat.shift(t=1) - series(gain) * power == right, name=f"{name}_heat")
        balance = balance - power
    m.add_constraints(m.variables["room_on"] + m.variables["water_on"] <= 1, name="valve")
    m.add_constraints(balance == series(c.load - c.pv), name="electricity")
    m.add_constraints((h * car).sum() == c.car_kwh, name="car_block")
    m.add_objective((series(100 * h * c.buy) * bought).sum() - (series(100 * h * c.sell) * sold).sum())
    return m


def linopy_handed_over(home: dict[str, Any]) -> Any:
    """Build the home with linopy and hand it to HiGHS; return HiGHS."""
    import warnings

    from linopy.io import to_highspy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a shifted variable is absent in the first step, as is meant
        return to_highspy(linopy_model(home))


def cvxpy_handed_over(home: dict[str, Any]) -> Any:
    """Build the home with cvxpy and hand its arrays to HiGHS; return HiGHS."""
    import cvxpy as cp  # type: ignore[import-not-found]
    import highspy

    c = numbers(home)
    n, h, eta = c.n, c.step_h, c.battery_one_way
    bought, sold, charge, discharge, car, level = (cp.Variable(n, nonneg=True) for _ in range(6))
    begin = c.battery_start * c.battery_kwh
    before = cp.hstack([begin, level[:-1]])
    rows = [
        bought <= c.grid_kw, sold <= c.grid_kw, charge <= c.battery_kw, discharge <= c.battery_kw,
        car <= c.car_kw * c.car, level >= c.low, level <= c.high,
        level == before + eta * h * charge - h / eta * discharge, h * cp.sum(car) == c.car_kwh,
    ]  # fmt: skip
    balance = bought - sold + discharge - charge - car
    statuses: list[Any] = []
    for keep, gain, rest, start, least, most in c.stores.values():
        on, power, heat = cp.Variable(n, boolean=True), cp.Variable(n, nonneg=True), cp.Variable(n)
        rows += [power <= c.power_kw * on, power >= c.floor * on]
        rows += [heat == keep * cp.hstack([start, heat[:-1]]) + cp.multiply(gain, power) + rest]
        rows += [heat[:-1] >= least, heat[:-1] <= most]
        balance, statuses = balance - power, [*statuses, on]
    rows += [statuses[0] + statuses[1] <= 1, balance == c.load - c.pv]
    problem = cp.Problem(cp.Minimize(100 * h * (c.buy @ bought - c.sell @ sold)), rows)
    data = problem.get_problem_data(cp.HIGHS)[0]
    a, b, dims = data["A"].tocsr(), data["b"], data["dims"]
    columns, infinite = len(data["c"]), np.inf
    lower = np.where(np.arange(len(b)) < dims.zero, b, -infinite)
    whole = np.zeros(columns, dtype=np.int32)
    whole[data["bool_vars_idx"]] = 1
    low, high = np.full(columns, -infinite), np.full(columns, infinite)
    low[data["bool_vars_idx"]], high[data["bool_vars_idx"]] = 0.0, 1.0
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    none_i, none_f = np.zeros(1, dtype=np.int32), np.zeros(1)
    highs.passModel(
        columns, len(b), a.nnz, 0, int(highspy.MatrixFormat.kRowwise), 1, int(highspy.ObjSense.kMinimize), 0.0,
        data["c"], low, high, lower, b, a.indptr.astype(np.int32), a.indices.astype(np.int32), a.data, none_i, none_i,
        none_f, whole,
    )  # fmt: skip
    return highs


def pyomo_handed_over(home: dict[str, Any]) -> Any:
    """Build the home with Pyomo and hand it to HiGHS through appsi; return HiGHS."""
    import pyomo.environ as pyo  # type: ignore[import-untyped]
    from pyomo.contrib.appsi.solvers import Highs  # type: ignore[import-untyped]

    c = numbers(home)
    h, eta, m = c.step_h, c.battery_one_way, pyo.ConcreteModel()
    m.t = pyo.RangeSet(0, c.n - 1)
    limits = {
        "bought": c.grid_kw, "sold": c.grid_kw, "charge": c.battery_kw, "discharge": c.battery_kw,
        "room_power": c.power_kw, "water_power": c.power_kw,
    }  # fmt: skip
    for name, high in limits.items():
        setattr(m, name, pyo.Var(m.t, bounds=(0, high)))
    m.car = pyo.Var(m.t, bounds=lambda m, t: (0, c.car_kw * c.car[t]))
    m.level = pyo.Var(m.t, bounds=lambda m, t: (c.low[t], c.high[t]))
    begin = c.battery_start * c.battery_kwh

    def battery(m: Any, t: int) -> Any:
        before = m.level[t - 1] if t else begin
        return m.level[t] == before + eta * h * m.charge[t] - h / eta * m.discharge[t]

    m.battery = pyo.Constraint(m.t, rule=battery)
    for name, (keep, gain, rest, start, least, most) in c.stores.items():
        on = pyo.Var(m.t, domain=pyo.Binary)
        heat = pyo.Var(m.t, bounds=lambda m, t, a=least, b=most: (a, b) if t < c.n - 1 else (None, None))
        setattr(m, f"{name}_on", on)
        setattr(m, f"{name}_c", heat)
        power = getattr(m, f"{name}_power")

        def warm(m: Any, t: int, x: Any = heat, p: Any = power, k: Any = (keep, gain, rest, start)) -> Any:
            return x[t] == k[0] * (x[t - 1] if t else k[3]) + k[1][t] * p[t] + k[2][t]

        setattr(m, f"{name}_heat", pyo.Constraint(m.t, rule=warm))
        most_rule = lambda m, t, p=power, x=on: p[t] <= c.power_kw * x[t]  # noqa: E731
        least_rule = lambda m, t, p=power, x=on: p[t] >= c.floor * x[t]  # noqa: E731
        setattr(m, f"{name}_most", pyo.Constraint(m.t, rule=most_rule))
        setattr(m, f"{name}_least", pyo.Constraint(m.t, rule=least_rule))
    m.valve = pyo.Constraint(m.t, rule=lambda m, t: m.room_on[t] + m.water_on[t] <= 1)
    m.electricity = pyo.Constraint(
        m.t,
        rule=lambda m, t: m.bought[t] - m.sold[t] + m.discharge[t] - m.charge[t] - m.car[t] - m.room_power[t]
        - m.water_power[t] == c.load[t] - c.pv[t],
    )  # fmt: skip
    m.car_block = pyo.Constraint(expr=sum(h * m.car[t] for t in m.t) == c.car_kwh)
    m.cost = pyo.Objective(expr=sum(100 * h * (c.buy[t] * m.bought[t] - c.sell[t] * m.sold[t]) for t in m.t))
    solver = Highs()
    solver.set_instance(m)
    return solver._solver_model


PEERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "cvxpy": cvxpy_handed_over, "Pyomo": pyomo_handed_over, "linopy": linopy_handed_over
}  # fmt: skip


def optimum(highs: Any) -> float:
    """Return the optimum of what was handed over, to a tight gap."""
    for name, value in (("output_flag", False), ("mip_rel_gap", 1e-9), ("threads", 1)):
        highs.setOptionValue(name, value)
    highs.run()
    return float(highs.getInfo().objective_function_value)


def measure(peer: str, home: dict[str, Any], repeats: int) -> dict[str, float]:
    """Return the median CPU seconds of building and handing over, and the optimum."""
    build = PEERS[peer]
    build(home)
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        handed = build(home)
        seconds.append(time.process_time() - began)
    return {"seconds": statistics.median(seconds), "optimum": optimum(handed)}


def in_environment(python: str, peer: str, home: dict[str, Any], repeats: int) -> dict[str, float]:
    """Measure a peer in another environment.

    Raises:
        RuntimeError: if it failed.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [python, str(Path(__file__).resolve()), peer, str(repeats)]
    done = subprocess.run(
        command,
        input=json.dumps(home),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **threads},
    )
    if done.returncode:
        raise RuntimeError(f"{peer} failed: {done.stderr.strip()[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], json.loads(sys.stdin.read()), int(sys.argv[2]))))
