"""OpenDSM's daily model (OpenEEmeter, Apache-2.0), in an environment of its own: it pins other versions than varme.

Imported by the benchmark, this module makes the environment and starts itself in it; as a script it fits the meters of
a file: ``python with_opendsm.py meters.npz``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A fresh install of 1.2.7 takes multimethod 2, whose metaclass clashes with its dispatch on import; 1.12 works.
REQUIREMENTS = ("opendsm==1.2.7", "multimethod<2")
PIN = "opendsm 1.2.7 with multimethod<2 (2.x: metaclass conflict on import)"


def environment(folder: Path) -> Path | None:
    """Return the Python of OpenDSM's environment, made if it is not there; ``None`` if it cannot be installed."""
    python = folder / "opendsm-venv" / "bin" / "python"
    if not python.exists():
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "venv", str(python.parents[1])], capture_output=True, check=False
        )
        if done.returncode:
            return None
    check = [str(python), "-c", "import opendsm.eemeter"]
    if subprocess.run(check, capture_output=True, check=False).returncode == 0:
        return python
    install = [str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        return None
    return python if subprocess.run(check, capture_output=True, check=False).returncode == 0 else None


def measure(
    python: Path, folder: Path, values: NDArray[Any], temperature_c: NDArray[Any], start: str
) -> dict[str, Any]:
    """Return CPU seconds per meter and what was predicted, of OpenDSM on these meters.

    Args:
        python: Its Python.
        folder: Where the meters are put for it.
        values: Energy by meter and day of one year, shape (meters, days).
        temperature_c: Temperature by day [C].
        start: First day.

    Raises:
        RuntimeError: if it failed.
    """
    path = folder / "opendsm-meters.npz"
    np.savez(path, values=values, temperature_c=temperature_c, start=np.array(start))
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
    }
    command = [str(python), str(Path(__file__).resolve()), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"OpenDSM failed: {done.stderr.strip()[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _main() -> int:
    import warnings

    warnings.filterwarnings("ignore")
    started = time.process_time()
    import pandas as pd
    from opendsm.eemeter import DailyBaselineData, DailyModel  # type: ignore[import-not-found]

    stored = np.load(sys.argv[1])
    values, celsius = stored["values"].astype(float), stored["temperature_c"].astype(float)
    index = pd.date_range(str(stored["start"]), periods=values.shape[1], freq="D", tz="UTC")

    def fit(y: Any) -> Any:
        frame = pd.DataFrame({"observed": y, "temperature": celsius * 9 / 5 + 32}, index=index)
        data = DailyBaselineData(frame, is_electricity_data=False)
        return DailyModel().fit(data, ignore_disqualification=True), data

    fit(values[0])  # compiles
    ready = time.process_time()
    out: dict[str, Any] = {
        "start_s": ready - started,
        "seconds": [],
        "annual": [],
        "daily": [],
        "limit_c": [],
    }
    for y in values:
        begin = time.process_time()
        model, data = fit(y)
        out["seconds"].append(time.process_time() - begin)
        predicted = model.predict(data, ignore_disqualification=True)["predicted"].to_numpy()
        out["daily"].append([float(x) if np.isfinite(x) else None for x in predicted])
        points = [
            s.coefficients.hdd_bp
            for s in model.params.submodels.values()
            if s.coefficients.hdd_bp is not None
        ]
        out["limit_c"].append((float(np.mean(points)) - 32) * 5 / 9 if points else None)
    print(json.dumps(out))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
