"""Hand-over of loads by transformer to pandapower, OpenDSS and SimBench: text files only, none of them needed here.

Formats, as their projects document them:

- pandapower: element table ``load`` (``name``, ``bus``, ``p_mw``, ``q_mvar``) and one profile per column of a CSV with
  the time step as index, as ``DFData`` and ``ConstControl`` read it (pandapower documentation, "Timeseries Example");
- OpenDSS: ``New Loadshape... mult=(file=..., col=n, header=yes)`` with multipliers of the load's ``kW``, and
  ``New Load... yearly=... daily=...`` (EPRI, OpenDSS documentation, LoadShape and Load);
- SimBench: ``Load.csv`` (``id;node;profile;pLoad;qLoad;sR;subnet;voltLvl``, MW and MVA, level 7 = low voltage) and
  ``LoadProfile.csv`` (``time;NAME_pload;NAME_qload``, shares of the load's ``pLoad`` and ``qLoad``), separated by
  semicolons (SimBench documentation and the converter of the package ``simbench``).
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import Collector, InputError, Problem, RunError
from varme.ground.result import write_text
from varme.ground.tables import Table

Floats = NDArray[np.float64]

KINDS = ("pandapower", "opendss", "simbench")
#: Digits written: powers in kW to 10 significant digits.
DIGITS = 10


@dataclass(frozen=True)
class Loads:
    """Loads to hand over.

    Attributes:
        names: One per load: the transformers.
        times_utc: Starts of the steps, regular, shape (steps,).
        p_kw: Active power, shape (loads, steps).
        power_factor: Power factor, lagging.
        rating_kva: Rating of the transformer, NaN where not known, shape (loads,).
    """

    names: tuple[str, ...]
    times_utc: NDArray[np.datetime64]
    p_kw: Floats
    power_factor: float
    rating_kva: Floats

    @property
    def q_kvar(self) -> Floats:
        """Reactive power, shape (loads, steps)."""
        return np.asarray(self.p_kw * math.tan(math.acos(self.power_factor)), dtype=float)

    @property
    def step_min(self) -> int:
        """Step [min]; 60 for a single step."""
        if len(self.times_utc) < 2:
            return 60
        return int((self.times_utc[1] - self.times_utc[0]) / np.timedelta64(60, "s"))


def write_handover(folder: Path, kind: str, loads: Loads) -> list[Path]:
    """Write the files of a hand-over; each is written aside and renamed.

    Args:
        folder: Where to; made if it is not there.
        kind: ``pandapower``, ``opendss`` or ``simbench``.
        loads: What to hand over.

    Returns:
        The files, ``names.csv`` (load -> transformer as the study names it) among them.

    Raises:
        InputError: P131 for an unknown format, no loads, or loads that are not numbers or not regular in time.
        RunError: P503 if writing fails.
    """
    _check(kind, loads)
    safe = safe_names(loads.names)
    writers: dict[str, Callable[[Loads, list[str]], dict[str, str]]] = {
        "pandapower": _pandapower, "opendss": _opendss, "simbench": _simbench,
    }  # fmt: skip
    files = writers[kind](loads, safe)
    files["names.csv"] = _csv([["load", "transformer"], *zip(safe, loads.names, strict=True)], ",")
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write_text(folder / name, text)
            written.append(folder / name)
    except OSError as error:
        what = f"cannot write the hand-over: {error.strerror or error}"
        raise RunError(Problem("P503", str(folder), what)) from None
    return written


def loads_from_tables(
    tables: Mapping[str, Table], power_factor: float, *, power: str = "p95", base: bool = True
) -> Loads:
    """Return the loads of a saved result: from the tables ``transformers`` and ``transformer_hours`` alone.

    Args:
        tables: Tables by name.
        power_factor: Power factor of the study.
        power: ``expected`` for the mean load of each hour, ``p95`` for its 95th percentile (base load always included).
        base: Whether the expected load has the base load in it; without, only the heat pumps are handed over.

    Raises:
        InputError: P131 if the tables are not there or empty.
    """
    missing = [n for n in ("transformers", "transformer_hours") if n not in tables or not len(tables[n])]
    if missing:
        raise InputError(
            Problem("P131", "tables", f"the run has no rows in {' and '.join(missing)}",
                    limit=", ".join(sorted(tables)))
        )  # fmt: skip
    if power not in {"expected", "p95"}:
        raise InputError(Problem("P131", "power", "unknown", value=power, limit="expected, p95"))
    hours, transformers = tables["transformer_hours"], tables["transformers"]
    names, code = np.unique(hours.column("transformer").astype(str), return_inverse=True)
    times, step = np.unique(hours.column("time_utc"), return_inverse=True)
    if power == "p95":
        value = hours.column("p95_kw")
    else:
        value = hours.column("heat_pumps_kw") + (hours.column("base_kw") if base else 0.0)
    p_kw = np.full((len(names), len(times)), np.nan)
    p_kw[code, step] = value
    place = {str(n): i for i, n in enumerate(transformers.column("transformer"))}
    rating = transformers.column("rating_kva")
    rated = np.array([rating[place[n]] if n in place else np.nan for n in names.tolist()])
    return Loads(tuple(names.tolist()), times.astype("datetime64[s]"), p_kw, power_factor, rated)


def safe_names(names: Sequence[str]) -> list[str]:
    """Return names that every one of the three tools takes: letters, digits and underscores, different in any case.

    OpenDSS does not tell upper from lower case, and ends a name at a space, a dot or an equals sign.
    """
    taken: set[str] = set()
    out = []
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9_]+", "_", name.strip()).strip("_") or "load"
        stem = stem if stem[0].isalpha() else f"t_{stem}"
        found, number = stem, 2
        while found.lower() in taken:
            found, number = f"{stem}_{number}", number + 1
        taken.add(found.lower())
        out.append(found)
    return out


def _check(kind: str, loads: Loads) -> None:
    problems = Collector()
    if kind not in KINDS:
        problems.add("P131", "format", "unknown", value=kind, limit=", ".join(KINDS))
    if not loads.names or not len(loads.times_utc):
        problems.add("P131", "transformer_hours", "there is no load")
    elif loads.p_kw.shape != (len(loads.names), len(loads.times_utc)):
        problems.add("P131", "transformer_hours", "loads and times do not fit", value=str(loads.p_kw.shape))
    else:
        bad = np.flatnonzero(~(np.isfinite(loads.p_kw) & (loads.p_kw >= 0)).all(axis=1))
        for row in bad[:5].tolist():
            problems.add(
                "P131", f"transformer_hours.{loads.names[row]}", "a step is missing, or its load is below 0"
            )
        gaps = np.diff(loads.times_utc.astype("datetime64[s]").astype(np.int64))
        if len(gaps) and (gaps != gaps[0]).any():
            problems.add("P131", "transformer_hours", "the steps are not regular in time")
    if not 0 < loads.power_factor <= 1:
        problems.add(
            "P131", "grid.power_factor_share", "must be above 0 and at most 1", value=loads.power_factor
        )
    problems.raise_if_any(InputError)


def _number(value: float) -> str:
    return f"{value:.{DIGITS}g}"


def _csv(rows: Iterable[Iterable[object]], separator: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def _matrix(
    header: Sequence[str], columns: Sequence[Floats], separator: str, first: Sequence[str] | None = None
) -> str:
    """Return numbers as CSV, one column each; ``first`` is a text column before them."""
    buffer = io.StringIO()
    buffer.write(separator.join(header) + "\n")
    body = io.StringIO()
    np.savetxt(body, np.column_stack(columns), fmt=f"%.{DIGITS}g", delimiter=separator, newline="\n")
    if first is None:
        buffer.write(body.getvalue())
    else:
        for label, line in zip(first, body.getvalue().splitlines(), strict=True):
            buffer.write(f"{label}{separator}{line}\n")
    return buffer.getvalue()


def _iso(times_utc: NDArray[np.datetime64]) -> list[str]:
    return [f"{t}Z" for t in np.datetime_as_string(times_utc.astype("datetime64[s]"), unit="s").tolist()]


def _pandapower(loads: Loads, safe: list[str]) -> dict[str, str]:
    p_mw, q_mvar = loads.p_kw / 1e3, loads.q_kvar / 1e3
    top = p_mw.argmax(axis=1)
    rows = np.arange(len(safe))
    sn_mva = [_number(r / 1e3) if math.isfinite(r) else "" for r in loads.rating_kva.tolist()]
    element = [
        [i, name, name, _number(p), _number(q), rating, "True", name]
        for i, (name, p, q, rating) in enumerate(
            zip(safe, p_mw[rows, top].tolist(), q_mvar[rows, top].tolist(), sn_mva, strict=True)
        )
    ]
    head = ["", "name", "bus_name", "p_mw", "q_mvar", "transformer_sn_mva", "in_service", "profile_name"]
    index = [str(i) for i in range(len(loads.times_utc))]
    return {
        "load.csv": _csv([head, *element], ","),
        "profiles_p_mw.csv": _matrix(["", *safe], list(p_mw), ",", index),
        "profiles_q_mvar.csv": _matrix(["", *safe], list(q_mvar), ",", index),
        "time_steps.csv": _csv([["", "time_utc"], *zip(index, _iso(loads.times_utc), strict=True)], ","),
    }


def _opendss(loads: Loads, safe: list[str]) -> dict[str, str]:
    peak = np.maximum(loads.p_kw.max(axis=1), 1e-9)
    steps = len(loads.times_utc)
    shapes = [
        f"New LoadShape.{name} npts={steps} minterval={loads.step_min} "
        f"mult=(file=profiles.csv, col={i + 1}, header=yes)"
        for i, name in enumerate(safe)
    ]
    elements = [
        f"New Load.{name} bus1={name} phases=3 conn=wye kV=0.4 kW={_number(kw)} pf={_number(loads.power_factor)} "
        f"model=1 yearly={name} daily={name}"
        for name, kw in zip(safe, peak.tolist(), strict=True)
    ]
    start = _iso(loads.times_utc[:1])[0]
    note = f"! Loads by transformer; the first step starts at {start}, step {loads.step_min} min."
    buses = "! bus1 is the low-voltage bus of the transformer: rename it to the buses of your circuit."
    return {
        "profiles.csv": _matrix(safe, list(loads.p_kw / peak[:, None]), ","),
        "loadshapes.dss": "\n".join([note, *shapes]) + "\n",
        "loads.dss": "\n".join([note, buses, *elements]) + "\n",
        "redirect.dss": f"{note}\nRedirect loadshapes.dss\nRedirect loads.dss\n",
    }


def _simbench(loads: Loads, safe: list[str]) -> dict[str, str]:
    p_mw, q_mvar = loads.p_kw / 1e3, loads.q_kvar / 1e3
    p_max, q_max = p_mw.max(axis=1), q_mvar.max(axis=1)
    rows = []
    for name, p, q in zip(safe, p_max.tolist(), q_max.tolist(), strict=True):
        rows.append(
            [f"{name}_load", name, name, _number(p), _number(q), _number(math.hypot(p, q)), "varme", 7]
        )
    head = ["id", "node", "profile", "pLoad", "qLoad", "sR", "subnet", "voltLvl"]
    stamps = [
        f"{text[8:10]}.{text[5:7]}.{text[:4]} {text[11:16]}"
        for text in np.datetime_as_string(loads.times_utc.astype("datetime64[m]"), unit="m").tolist()
    ]
    columns, names = [], ["time"]
    for i, name in enumerate(safe):
        names += [f"{name}_pload", f"{name}_qload"]
        columns += [p_mw[i] / max(p_max[i], 1e-12), q_mvar[i] / max(q_max[i], 1e-12)]
    return {
        "Load.csv": _csv([head, *rows], ";"),
        "LoadProfile.csv": _matrix(names, columns, ";", stamps),
    }
