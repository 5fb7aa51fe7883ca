"""EMHASS 0.18 (MIT), in an environment of its own: it plans the homes of a file and says what it took.

Imported by the benchmark, this module makes the environment and starts itself in it; as a script it reads homes from
standard input as JSON and writes one JSON line per home. EMHASS's own code is used as it is installed: its
``heat_topology`` compiler and its ``Optimization``, with its default configuration under the home's numbers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PIN = "emhass==0.18.*"
#: Pyomo stands in the same environment, for the benchmark of model building.
ALSO = ("pyomo",)


def environment(folder: Path) -> Path | None:
    """Return the Python of EMHASS's environment, made if it is not there; ``None`` if it cannot be installed."""
    python = folder / "emhass" / "bin" / "python"
    check = [str(python), "-c", "import emhass.optimization, pyomo.environ"]
    if python.exists() and subprocess.run(check, capture_output=True, check=False).returncode == 0:
        return python
    if not python.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = [sys.executable, "-m", "venv", str(python.parents[1])]
        if subprocess.run(made, capture_output=True, check=False).returncode:
            return None
    fast = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python), PIN, *ALSO]
    slow = [str(python), "-m", "pip", "install", "--quiet", PIN, *ALSO]
    for install in (fast, slow):
        if subprocess.run(install, capture_output=True, check=False).returncode == 0:
            break
    return python if subprocess.run(check, capture_output=True, check=False).returncode == 0 else None


def plan(
    python: Path, homes: Sequence[dict[str, Any]], *, gap: float = 0.01, warm: int = 0, limit_s: float = 300.0
) -> list[dict[str, Any]]:
    """Return what EMHASS planned for each home, and the CPU seconds that it took, each in a fresh ``Optimization``.

    Args:
        python: Its Python.
        homes: Numbers of homes (:meth:`benchmarks.home_parity.Parity.as_json`).
        gap: Relative gap at which it stops.
        warm: How often each home is solved again with nearly the same data (load times 1.005 and so on).
        limit_s: Its solver's time limit.

    Raises:
        RuntimeError: if it failed.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    task = json.dumps({"homes": list(homes), "gap": gap, "warm": warm, "limit_s": limit_s})
    command = [str(python), str(Path(__file__).resolve())]
    done = subprocess.run(
        command, input=task, capture_output=True, text=True, check=False, env={**os.environ, **threads}
    )
    if done.returncode:
        raise RuntimeError(f"EMHASS failed: {done.stderr.strip()[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"cold_s"')]


def configuration(home: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return a home as EMHASS's ``heat_topology``, its further optimisation settings and its plant settings."""
    pump = {
        "type": "heatpump", "nominal_power": 1e3 * home["power_kw"], "min_power": 1e3 * home["power_min_kw"],
        "carnot_efficiency": home["carnot"], "treat_as_semi_cont": home["strict"], "operating_hours": 4,
    }  # fmt: skip
    topology = {
        "extend_deferrable_loads": True,
        "sources": [
            {"id": "hp", "supply_temperature": home["supply_room_c"], **pump},
            {"id": "hp_water", "supply_temperature": home["supply_water_c"], **pump},
        ],
        "storage": [
            {
                "id": "room", "thermal_mass": home["mass_kwh_per_k"], "loss_coefficient": home["loss_kw_per_k"],
                "start_temperature": home["room_start_c"], "min_temperatures": [home["room_min_c"]] * len(home["buy"]),
                "max_temperatures": [home["room_max_c"]] * len(home["buy"]),
            },
            {
                "id": "tank", "volume": home["volume_m3"], "thermal_loss": home["tank_loss_kw"],
                "start_temperature": home["tank_start_c"], "min_temperatures": [home["tank_min_c"]] * len(home["buy"]),
                "max_temperatures": [home["tank_max_c"]] * len(home["buy"]),
            },
        ],
        "consumers": [{"id": "taps", "type": "profile", "target": "tank", "profile": home["draw"]}],
        "flows": [{"from": "hp", "to": "room"}, {"from": "hp_water", "to": "tank"}],
        "actuator_groups": [
            {
                "id": "valve", "flows": [["hp", "room"], ["hp_water", "tank"]], "mutual_exclusion": True,
            }
        ],
    }  # fmt: skip
    optim = {
        "set_use_battery": True, "set_use_pv": True, "set_nodischarge_to_grid": False, "num_threads": 1,
        "number_of_deferrable_loads": 1, "nominal_power_of_deferrable_loads": [1e3 * home["car_kw"]],
        "minimum_power_of_deferrable_loads": [0.0], "treat_deferrable_load_as_semi_cont": [False],
        "operating_hours_of_each_deferrable_load": [home["car_kwh"] / home["car_kw"]],
        "cost_forecast_per_deferrable_load": [None], "is_electric_load": [True],
        "start_timesteps_of_each_deferrable_load": [0], "end_timesteps_of_each_deferrable_load": [0],
        "set_deferrable_load_single_constant": [False], "set_deferrable_startup_penalty": [0.0],
        "deferrable_load_max_cost": [0.0], "set_deferrable_max_startups": [0], "def_minimum_on_time": [0],
        "def_minimum_off_time": [0],
    }  # fmt: skip
    plant = {
        "maximum_power_from_grid": 1e3 * home["grid_kw"], "maximum_power_to_grid": 1e3 * home["grid_kw"],
        "battery_discharge_power_max": 1e3 * home["battery_kw"] / home["battery_one_way"],
        "battery_charge_power_max": 1e3 * home["battery_kw"],
        "battery_discharge_efficiency": home["battery_one_way"],
        "battery_charge_efficiency": home["battery_one_way"],
        "battery_nominal_energy_capacity": 1e3 * home["battery_kwh"],
        "battery_minimum_state_of_charge": home["battery_min"],
        "battery_maximum_state_of_charge": home["battery_max"],
        "battery_target_state_of_charge": home["battery_start"],
    }  # fmt: skip
    return topology, optim, plant


def _ready(home: dict[str, Any], gap: float, limit_s: float) -> Any:
    """Return a fresh ``Optimization`` of a home, and a function that solves it with the load scaled."""
    import logging

    import emhass  # type: ignore[import-not-found]
    import numpy as np
    import pandas as pd
    from emhass import utils
    from emhass.optimization import Optimization  # type: ignore[import-not-found]

    logger = logging.getLogger("emhass")
    logger.setLevel(logging.CRITICAL)
    topology, optim, plant = configuration(home)
    defaults = json.loads((Path(emhass.__file__).parent / "data" / "config_defaults.json").read_text())
    first = int(np.flatnonzero(home["car"])[0])
    last = int(np.flatnonzero(np.diff(np.append(home["car"], 0)) < 0)[0]) + 1
    optim["start_timesteps_of_each_deferrable_load"] = [first]
    optim["end_timesteps_of_each_deferrable_load"] = [last]
    conf = {**defaults, **optim, "lp_solver_mip_rel_gap": gap, "lp_solver_timeout": limit_s}
    days = len(home["buy"]) * home["step_h"] / 24
    conf |= {"heat_topology": topology, "delta_forecast_daily": days}
    compiled = utils.compile_heat_topology(topology)
    utils._extend_optim_conf_with_compiled_topology(conf, compiled, logger)
    step = pd.Timedelta(minutes=round(60 * home["step_h"]))
    retrieve = {
        "optimization_time_step": step, "time_zone": "UTC", "sensor_power_photovoltaics": "pv",
        "sensor_power_load_no_var_loads": "load",
    }  # fmt: skip
    index = pd.date_range("2025-01-15 12:00", periods=len(home["buy"]), freq=step, tz="UTC")
    frame = pd.DataFrame(
        {
            "unit_load_cost": home["buy"], "unit_prod_price": home["sell"],
            "outdoor_temperature_forecast": home["outdoor"],
        },
        index=index,
    )  # fmt: skip
    pv, load = 1e3 * np.array(home["pv"]), 1e3 * np.array(home["load"])
    optimiser = Optimization(
        retrieve, conf, {**defaults, **plant}, "unit_load_cost", "unit_prod_price", "profit",
        {"data_path": Path("/tmp"), "root_path": Path(emhass.__file__).parent}, logger, num_timesteps=len(index),
    )  # fmt: skip

    def solve(scale: float) -> Any:
        share = home["battery_start"]
        # Operating hours go in as time steps where they are not whole hours; here they are.
        return optimiser.perform_optimization(
            frame, pv, scale * load, frame["unit_load_cost"].values, frame["unit_prod_price"].values, soc_init=share,
            soc_final=share,
        )  # fmt: skip

    return optimiser, solve


def _main() -> int:
    import warnings

    warnings.filterwarnings("ignore")
    task = json.loads(sys.stdin.read())
    out = sys.stdout
    small = task["homes"][0]
    _ready(small, 0.5, 20.0)[1](1.0)  # imports and caches
    for home in task["homes"]:
        began = time.process_time()
        optimiser, solve = _ready(home, task["gap"], task["limit_s"])
        table = solve(1.0)
        cold = time.process_time() - began
        found: dict[str, Any] = {"cold_s": cold, "warm_s": []}
        for number in range(task["warm"]):
            began = time.process_time()
            solve(1.0 + 0.005 * (number + 1))
            found["warm_s"].append(time.process_time() - began)
        if task["warm"]:
            table = solve(1.0)
        data = optimiser.prob.get_problem_data("HIGHS")[0]
        found |= {
            "status": str(table["optim_status"].iloc[0]) if "optim_status" in table else optimiser.optim_status,
            "cent": -100 * float(optimiser.prob.value),
            "columns": len(data["c"]), "rows": int(data["A"].shape[0]),
            "binaries": len(data["bool_vars_idx"]),
            "power_kw": [(table[f"P_deferrable{k}"].to_numpy() / 1e3).tolist() for k in range(3)],
        }  # fmt: skip
        out.write(json.dumps(found) + "\n")
        out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(_main())
