"""Heat pumps by name: the Keymark's EN 14825 points, hplib's parameters, and the typical machines that varme ships.

Two kinds of files are read, told apart by their header: hplib's collection of Heat Pump Keymark points (one row per
model, columns ``cop_minus7_l`` ... ``cop_12_h``) and hplib's fitted parameters (``p1_COP [-]``). Rows are models; many
of them are the same machine under other names: a *machine* is a distinct set of certified COPs.

Sources: Heat Pump Keymark through FZJ-IEK3-VSA/hplib (data CC BY 4.0 by its README) and RE-Lab-Projects/hplib (MIT).
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import DataError, InputError, Problem

Floats = NDArray[np.float64]
#: Certified points of EN 14825, average climate: column suffix, outdoor temperature, flow temperature [C].
CERTIFIED = (
    ("minus7_l", -7.0, 34.0), ("2_l", 2.0, 30.0), ("7_l", 7.0, 27.0), ("12_l", 12.0, 24.0),
    ("minus7_h", -7.0, 52.0), ("2_h", 2.0, 42.0), ("7_h", 7.0, 36.0), ("12_h", 12.0, 30.0),
)  # fmt: skip
#: Lowest outdoor temperature of the average climate [C]: operation limits below it were measured there.
DESIGN_C = -10.0
#: Brine temperature of the certified points [C] (EN 14511-2).
BRINE_C = 0.0
#: Largest share of the Carnot COP that is believed; above it a row is taken as a mistake.
CARNOT_MAX_SHARE = 0.75
TYPICAL_FILE = "typical_heat_pumps.json"


@dataclass(frozen=True)
class CataloguePoint:
    """A point of a catalogue: temperatures, COP (EER when cooling) and the heat (cold) given there."""

    source_c: float
    flow_c: float
    cop: float
    heat_kw: float | None = None
    full_load: bool = False


@dataclass(frozen=True)
class HeatPumpModel:
    """A model of a catalogue.

    Attributes:
        manufacturer: Manufacturer.
        name: Name of the model.
        family: Name of its family.
        source: ``air`` or ``brine``.
        refrigerant: Refrigerant, upper case; empty if unknown.
        machine: Number of the distinct machine behind the name.
        points: Certified points.
        cooling_points: Certified points of cooling.
        full_kw: Heat at full load at -7 C (brine: 0 C) and a flow of 35 C; ``None`` if unknown.
        minimum_kw: Smallest certified heat at 12 C outdoors; ``None`` if unknown.
        regulated: Whether the compressor's speed is variable.
        bivalent_c: Bivalence point of its certificate; NaN if unknown.
        operation_limit_c: Lowest outdoor temperature; NaN if unknown.
        flow_max_c: Highest flow temperature; NaN if unknown.
        standby_w: Electricity in standby; NaN if unknown.
        crankcase_w: Electricity of the crankcase heater; NaN if unknown.
        thermostat_off_w: Electricity with the thermostat off; NaN if unknown.
        noise_db: Sound power outdoors; NaN if unknown.
        cop_error_share: Standard error of the points, for points that come from a fit; 0 for certified ones.
        origin: Where the figures come from.
    """

    manufacturer: str
    name: str
    family: str
    source: Literal["air", "brine"]
    refrigerant: str
    machine: int
    points: tuple[CataloguePoint, ...]
    cooling_points: tuple[CataloguePoint, ...] = ()
    full_kw: float | None = None
    minimum_kw: float | None = None
    regulated: bool = True
    bivalent_c: float = np.nan
    operation_limit_c: float = np.nan
    flow_max_c: float = np.nan
    standby_w: float = np.nan
    crankcase_w: float = np.nan
    thermostat_off_w: float = np.nan
    noise_db: float = np.nan
    cop_error_share: float = 0.0
    origin: str = ""

    @property
    def title(self) -> str:
        """Manufacturer and name."""
        return f"{self.manufacturer} {self.name}".strip()


@dataclass(frozen=True)
class Catalogue:
    """The models of a file.

    Attributes:
        source: The file's name.
        models: Its models.
        skipped: Row -> why a row is not among the models.
    """

    source: str
    models: tuple[HeatPumpModel, ...]
    skipped: dict[int, str] = field(default_factory=dict)

    @property
    def machine_count(self) -> int:
        """How many distinct machines stand behind the models."""
        return len({m.machine for m in self.models})

    def distinct(self) -> list[HeatPumpModel]:
        """Return one model per machine, the first of its names."""
        found: dict[int, HeatPumpModel] = {}
        for model in self.models:
            found.setdefault(model.machine, model)
        return list(found.values())

    @cached_property
    def _by_name(self) -> dict[str, list[HeatPumpModel]]:
        out: dict[str, list[HeatPumpModel]] = {}
        for model in self.models:
            for key in {_key(model.name), _key(model.title), _key(model.family)}:
                out.setdefault(key, []).append(model)
        return out

    def find(self, name: str, where: str = "heat_pump.model") -> HeatPumpModel:
        """Return the model of a name: its own, with the manufacturer before it, or the family's if that is one machine.

        Case, spaces and punctuation do not count.

        Args:
            name: Name as the user wrote it.
            where: Field path, for messages.

        Raises:
            InputError: P140 with the nearest names if there is none, P141 if the name stands for several machines.
        """
        found = self._by_name.get(_key(name), [])
        if not found:
            raise InputError(self._unknown(name, where))
        exact = [m for m in found if _key(name) in {_key(m.name), _key(m.title)}] or found
        if len({m.machine for m in exact}) > 1:
            names = list(dict.fromkeys(m.title for m in exact))
            what = f"stands for {len({m.machine for m in exact})} different machines"
            if len(names) > 1:
                remedy = f"Use one of: {_listed(names)}."
            else:
                sizes = ", ".join(f"{m.full_kw:g} kW" for m in exact if m.full_kw is not None)
                remedy = (
                    f"The file holds it more than once ({sizes}); state `points` of the one that you mean."
                )
            raise InputError(Problem("P141", where, what, repr(name), "", remedy))
        return exact[0]

    def _unknown(self, name: str, where: str) -> Problem:
        titles = {_key(m.name): m.title for m in self.models} | {_key(m.title): m.title for m in self.models}
        key = _key(name)
        near = list(dict.fromkeys(titles[k] for k in titles if key and key in k))[:5]
        close = difflib.get_close_matches(key, list(titles), n=5, cutoff=0.5)
        near += [t for t in dict.fromkeys(titles[k] for k in close) if t not in near]
        remedy = (
            f"Nearest names: {_listed(near[:5])}." if near else "Give the name as the catalogue writes it."
        )
        what = f"is not among the {len(self.models)} models of {self.source}"
        return Problem("P140", where, what, repr(name), "", remedy)


def _key(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum() or c in "+.")


def _listed(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(n.strip()) for n in names[:most]) + more


def read_catalogue(path: Path, where: str = "heat_pump.catalogue") -> Catalogue:
    """Read a file of heat pumps.

    Args:
        path: Keymark points or hplib parameters, CSV, gzipped or not.
        where: Field path, for messages.

    Raises:
        DataError: P200 if the file cannot be read, P240 if it is not such a catalogue, P241 if no row of it is fit.
    """
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    return _read(path, stamp, where)


@cache
def _read(path: Path, stamp: int, where: str) -> Catalogue:
    del stamp  # only tells one state of the file from another
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
        rows = csv.reader(io.StringIO(text, newline=""))
        header = next(rows, [])
        body = list(rows)
    except (OSError, UnicodeDecodeError, EOFError, csv.Error, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "is not a text file"
        raise DataError(Problem("P200", where, str(reason), str(path))) from None
    columns = {name.strip(): i for i, name in enumerate(header)}
    reader = _keymark if "cop_minus7_l" in columns else _hplib if "p1_COP [-]" in columns else None
    if reader is None:
        what = "is neither a table of Keymark points nor of hplib parameters"
        raise DataError(Problem("P240", where, what, str(path), "columns cop_minus7_l... or p1_COP [-]..."))
    models: list[HeatPumpModel] = []
    skipped: dict[int, str] = {}
    machines: dict[tuple[float, ...], int] = {}
    for number, cells in enumerate(body, start=2):
        cell = _Row(columns, cells)
        made = reader(cell, path.name)
        if isinstance(made, str):
            skipped[number] = made
            continue
        key = tuple(p.cop for p in made.points)
        models.append(_numbered(made, machines.setdefault(key, len(machines))))
    if not models:
        why = next(iter(skipped.items()), (2, "no rows"))
        raise DataError(Problem("P241", f"{where}: row {why[0]}", f"no row is fit: {why[1]}", str(path)))
    return Catalogue(path.name, tuple(models), skipped)


def _numbered(model: HeatPumpModel, machine: int) -> HeatPumpModel:
    parts = {name: getattr(model, name) for name in model.__dataclass_fields__}
    return HeatPumpModel(**parts | {"machine": machine})


class _Row:
    """Cells of a row by column name."""

    def __init__(self, columns: dict[str, int], cells: list[str]) -> None:
        self.columns, self.cells = columns, cells

    def text(self, name: str) -> str:
        place = self.columns.get(name, -1)
        return self.cells[place].strip() if 0 <= place < len(self.cells) else ""

    def number(self, name: str) -> float:
        text = self.text(name)
        try:
            return float(text) if text else np.nan
        except ValueError:
            return np.nan


def _keymark(row: _Row, origin: str) -> HeatPumpModel | str:
    """Return the model of a row of the Keymark points, or why it is unfit."""
    kind = row.text("types")
    source: Literal["air", "brine"] | None = (
        "air" if kind.startswith("Outdoor Air") else "brine" if kind.startswith("Brine") else None
    )
    if source is None:
        return f"type {kind or 'empty'} is neither outdoor air nor brine"
    limit = row.number("tol")
    named = [(f"cop_{s}", f"p_th_{s}", t, f, False) for s, t, f in CERTIFIED]
    if limit <= DESIGN_C:  # measured at the design temperature of the climate, whatever the limit
        named += [
            ("cop_tol_l", "p_th_tol_l", DESIGN_C, 35.0, True),
            ("cop_tol_h", "p_th_tol_h", DESIGN_C, 55.0, True),
        ]
    points = []
    for cop_name, heat_name, outdoor, flow, at_limit in named:
        cop, heat = row.number(cop_name), row.number(heat_name)
        if not np.isfinite(cop):
            continue
        at = outdoor if source == "air" else BRINE_C
        if not 1.05 < cop < CARNOT_MAX_SHARE * (flow + 273.15) / max(flow - at, 5.0):
            if at_limit:
                continue
            return f"{cop_name} = {cop:g} is not a COP at {at:g} C and a flow of {flow:g} C"
        points.append(CataloguePoint(at, flow, cop, heat if heat > 0 else None, at_limit))
    if sum(not p.full_load for p in points) < len(CERTIFIED):
        return "certified points are missing"
    bivalent, at_bivalent = row.number("t_biv"), row.number("p_th_tbiv_l")
    full = at_bivalent / (1 + CAPACITY_PER_K * (bivalent + 7)) if source == "air" else at_bivalent
    minimum = row.number("p_th_12_l")
    return HeatPumpModel(
        row.text("manufacturers"), row.text("titel"), row.text("models"), source, row.text("refrigerants").upper(), 0,
        tuple(points), _cooling(row), full if full > 0 else None, minimum if minimum > 0 else None,
        not minimum > REGULATED_BELOW * row.number("p_rated_l"), bivalent, limit, row.number("wtols"),
        row.number("psbs"), row.number("pcks"), row.number("ptos"), _positive(row.number("spl_outdoor_l")), 0.0, origin,
    )  # fmt: skip


#: Fall of an air/water machine's full-load heat per kelvin, of that at -7 C: Keymark, see varme.retrofit.demand.sizing.
CAPACITY_PER_K = 0.0195
#: A machine whose smallest certified heat is above this share of its rated heat runs at one speed.
REGULATED_BELOW = 0.8


def _positive(value: float) -> float:
    return value if value > 0 else np.nan


def _cooling(row: _Row) -> tuple[CataloguePoint, ...]:
    """Return certified points of cooling: 7 C water (fan coils) and 18 C water (floors)."""
    out = []
    for suffix, flow in (("l", 7.0), ("h", 18.0)):
        for outdoor in (35, 30, 25, 20):
            eer, cold = row.number(f"eer_{outdoor}_{suffix}"), row.number(f"pdcs_{outdoor}_{suffix}")
            if 1.0 < eer < 25.0:
                out.append(
                    CataloguePoint(float(outdoor), flow, eer, cold if cold > 0 else None, outdoor == 35)
                )
    return tuple(out)


#: Groups of hplib: 1 air/water regulated, 2 brine/water regulated, 3 water/water regulated, 4 air/water on/off,
#: 5 brine/water on/off, 6 water/water on/off.
HPLIB_SOURCES: dict[int, Literal["air", "brine"]] = {1: "air", 2: "brine", 4: "air", 5: "brine"}


def _hplib(row: _Row, origin: str) -> HeatPumpModel | str:
    """Return the model of a row of hplib parameters: its straight lines at the points of EN 14825.

    Points at which the straight line gives an impossible COP are left out; that happens in the cold.
    """
    group = row.number("Group")
    source = HPLIB_SOURCES.get(int(group) if np.isfinite(group) else 0)
    if source is None:
        return f"group {row.text('Group') or 'empty'} is neither air nor brine"
    p1, p2, p3, p4 = (row.number(f"p{i}_COP [{u}]") for i, u in ((1, "-"), (2, "-"), (3, "-"), (4, "-")))
    error = row.number("MAPE_COP") / 100
    reference_kw = row.number("P_th_h_ref [W]") / 1e3
    if not np.isfinite(p1 + p2 + p3 + p4) or not reference_kw > 0:
        return "parameters are missing"
    points, worst = [], ""
    for name, outdoor, flow in CERTIFIED:
        at = outdoor if source == "air" else BRINE_C
        cop = p1 * at + p2 * flow + p3 + p4 * outdoor
        if 1.05 < cop < CARNOT_MAX_SHARE * (flow + 273.15) / max(flow - at, 5.0):
            points.append(CataloguePoint(at, flow, round(cop, 4)))
        else:
            worst = f"{cop:.2f} at {name}"
    if len(points) < len(CERTIFIED) / 2:
        return f"the fitted COPs are not possible, such as {worst}"
    regulated = int(group) in {1, 2, 3}
    return HeatPumpModel(
        row.text("Manufacturer"), row.text("Model"), "", source, row.text("Refrigerant").upper(), 0, tuple(points),
        full_kw=reference_kw, minimum_kw=None if regulated else reference_kw, regulated=regulated,
        standby_w=row.number("PSB [W]"), noise_db=_positive(row.number("SPL outdoor [dBA]")),
        cop_error_share=error if np.isfinite(error) else 0.12, origin=origin,
    )  # fmt: skip


@cache
def typical_heat_pumps() -> Catalogue:
    """Return the typical machines that varme ships: medians, good and weak ones of each kind and refrigerant.

    Figures of our own, fitted from the Keymark's points (see the module); they are no products.
    """
    text = files("varme.data.catalogue").joinpath(TYPICAL_FILE).read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    models = []
    for number, entry in enumerate(data["machines"]):
        points = tuple(CataloguePoint(*p) for p in entry["points"])
        parts = {k: v for k, v in entry.items() if k != "points"}
        one = HeatPumpModel(
            "typical", family="", machine=number, points=points, origin=data["source"], **parts
        )
        models.append(one)
    return Catalogue("the typical machines of varme", tuple(models))
