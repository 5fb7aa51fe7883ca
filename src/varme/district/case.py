"""From the study file to a case: devices from the table, series as arrays, every reference checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any, NoReturn, cast

import numpy as np

from varme.components.base import Device, Env, Fuel
from varme.components.site import ElectricityNode, HeatArea
from varme.data.plant_table import TEXT_COLUMNS, lines_of, read_plant_table
from varme.data.series import LoadedSeries, load_series
from varme.data.synthetic import build_year
from varme.district.spec import DeviceRow, DistrictStudy
from varme.ground.context import Context
from varme.ground.errors import Collector, DataError, InputError
from varme.ground.findings import Finding
from varme.ground.series import FileSeries, SyntheticSeries
from varme.ground.spec import Spec, models_in, parse
from varme.ground.timegrid import TimeGrid
from varme.ground.units import unit_of
from varme.kernel.model import Floats

#: Limits of the series of devices, by field name.
LIMITS = {"cop": (1.0, 15.0), "available_share": (0.0, 1.0), "available_mw": (0.0, np.inf)}


@dataclass(frozen=True)
class Case:
    """A study with everything resolved.

    Attributes:
        study: The study.
        grid: The horizon.
        devices: All devices, from the file and the table.
        buses: ``electricity:NODE`` and ``heat:AREA`` -> spec.
        demand: Bus -> demand [MW], float or shape (n,).
        env: Series, fuels and grid for the blocks.
        findings: What the data's readers noticed.
        data_hashes: Series -> hash of its numbers, for the provenance.
        synthetic: Targets and what was reached, if the generator was used.
    """

    study: DistrictStudy
    grid: TimeGrid
    devices: dict[str, Device]
    buses: dict[str, ElectricityNode | HeatArea]
    demand: dict[str, float | Floats]
    env: Env
    findings: list[Finding] = field(default_factory=list)
    data_hashes: dict[str, str] = field(default_factory=dict)
    synthetic: dict[str, Any] = field(default_factory=dict)

    def with_devices(self, devices: Mapping[str, Device]) -> Case:
        """Return the same case with other devices (their series must be those of the case)."""
        return replace(self, devices=dict(devices))

    def without(self, names: list[str]) -> Case:
        """Return the case without some devices."""
        return self.with_devices({n: d for n, d in self.devices.items() if n not in names})

    def device_label(self, name: str) -> str:
        """Return a device's label, or its name."""
        return self.devices[name].label or name


def load_case(study: DistrictStudy, context: Context) -> Case:
    """Resolve a study: read its table and series and check every reference.

    Raises:
        InputError: with every problem of the study file, the table and the series.
        DataError: likewise, if only the series or the table's file are wrong.
    """
    problems = Collector()
    devices: dict[str, Device] = dict(study.devices)
    if study.devices_table:
        devices |= _from_table(study, context, devices, problems)
    whole = not len(problems)
    _check_names(study, devices, problems, whole=whole)
    grid = _grid(study, problems)
    if grid is None:
        _refuse(problems, context.source)
    reader = _Reader(study, context, grid, problems)
    inputs = {
        name: reader.fields_of(cast(Spec, device), f"devices.{name}") for name, device in devices.items()
    }
    fuels = {name: reader.fuel(fuel, f"fuels.{name}") for name, fuel in study.fuels.items()}
    co2 = reader.read(study.carbon.price_eur_per_t, "eur_per_t", "carbon.price_eur_per_t")
    buses: dict[str, ElectricityNode | HeatArea] = {
        f"electricity:{n}": s for n, s in study.electricity.items()
    }
    buses |= {f"heat:{n}": s for n, s in study.heat.items()}
    demand = {
        bus: reader.read(spec.demand_mw, "mw", f"{bus.replace(':', '.')}.demand_mw")
        for bus, spec in buses.items()
    }
    if whole:
        _check_supply(devices, buses, demand, problems)
    if len(problems):
        _refuse(problems, context.source)
    env = Env(grid, inputs, fuels, co2)
    return Case(study, grid, devices, buses, demand, env, reader.findings, reader.hashes, reader.provenance())


def _refuse(problems: Collector, source: str) -> NoReturn:
    """Raise everything that is wrong: as an error of the data if only they are wrong, else of the study."""
    only_data = all(problem.code.startswith("P2") for problem in problems.problems)
    raise (DataError if only_data else InputError)(problems.problems, source)


def _grid(study: DistrictStudy, problems: Collector) -> TimeGrid | None:
    time = study.time
    try:
        return TimeGrid.between(time.start, time.end, step_min=time.step_min, timezone=time.timezone)
    except InputError as error:
        problems.problems += error.problems
        return None


#: Fields of devices that hold text: a label of 2011 in a table is text, too.
_TEXT_FIELDS = TEXT_COLUMNS | {
    name
    for model in models_in(DeviceRow.model_fields["device"].annotation)
    for name, info in model.model_fields.items()
    if info.annotation in (str, str | None)
}


def _from_table(
    study: DistrictStudy, context: Context, known: Mapping[str, Any], problems: Collector
) -> dict[str, Any]:
    path = context.base / str(study.devices_table)
    try:
        rows = read_plant_table(path, text_columns=_TEXT_FIELDS)
    except DataError as error:
        problems.problems += error.problems
        return {}
    out: dict[str, Any] = {}
    for line, row in zip(lines_of(path), rows, strict=True):
        fields = dict(row)
        name = str(fields.pop("name"))
        where = f"{path.name} line {line}"
        if name in known:
            problems.add("P112", where, "there is a device of this name already", value=name)
            continue
        fields |= {k: v for k, v in study.table_changes.get("*", {}).items() if k in fields}
        fields |= study.table_changes.get(name, {})
        try:
            out[name] = parse(DeviceRow, {"device": fields}, where).device
        except InputError as error:
            for problem in error.problems:
                field_path = problem.where.removeprefix("device").lstrip(".")
                place = f"{where} ({name})" + (f": {field_path}" if field_path else "")
                problems.problems.append(replace(problem, where=place))
    for name in study.table_changes:
        if name != "*" and name not in {row["name"] for row in rows}:
            problems.add("P107", f"table_changes.{name}", "the table has no such device", value=name)
    return out


def _check_names(
    study: DistrictStudy, devices: Mapping[str, Any], problems: Collector, *, whole: bool
) -> None:
    """Check that every name stands for something; ``whole`` says whether all devices could be read."""
    for name, device in devices.items():
        for key, bus in device.buses().items():
            carrier, _, bus_name = bus.partition(":")
            known = study.electricity if carrier == "electricity" else study.heat
            if bus_name not in known:
                kind = "electricity node" if carrier == "electricity" else "heat area"
                limit = f"there are: {', '.join(known) or 'none'}"
                problems.add("P107", f"devices.{name}.{key}", f"no such {kind}", value=bus_name, limit=limit)
        fuel = getattr(device, "fuel", None)
        if fuel is not None and fuel not in study.fuels:
            limit = f"there are: {', '.join(study.fuels) or 'none'}"
            problems.add("P107", f"devices.{name}.fuel", "no such fuel", value=str(fuel), limit=limit)
    for name in study.reference.without if study.reference and whole else []:
        if name not in devices:
            problems.add("P107", "reference.without", "no such device", value=name)
    if whole and not devices:
        problems.add("P103", "devices", "there is nothing to plan without a device")
    if not study.electricity and not study.heat:
        problems.add("P103", "heat", "a study needs at least one heat area or electricity node")
    for name in set(study.electricity) & set(study.heat):
        problems.add("P112", f"heat.{name}", "an electricity node has the same name", value=name)


def _check_supply(
    devices: Mapping[str, Device],
    buses: Mapping[str, ElectricityNode | HeatArea],
    demand: Mapping[str, float | Floats],
    problems: Collector,
) -> None:
    """Refuse buses with demand and nothing that could ever serve it."""
    fed = {bus for device in devices.values() for bus in device.supplies()}
    for bus, spec in buses.items():
        if bus not in fed and np.any(np.asarray(demand[bus]) > 0) and spec.shortfall_eur_per_mwh is None:
            problems.add("P110", bus.replace(":", "."), "there is demand and nothing that supplies it")


class _Reader:
    """Turns series specs into arrays, and collects everything that is wrong with them."""

    def __init__(self, study: DistrictStudy, context: Context, grid: TimeGrid, problems: Collector) -> None:
        self.study = study
        self.context = context
        self.grid = grid
        self.problems = problems
        self.findings: list[Finding] = []
        self.hashes: dict[str, str] = {}
        self._year = build_year(study.synthetic) if study.synthetic is not None else None
        self.uses_synthetic = False
        self._cache: dict[str, LoadedSeries] = {}

    def provenance(self) -> dict[str, Any]:
        """Return the generator's targets and what was reached, if it was used."""
        return self._year.provenance if self._year is not None and self.uses_synthetic else {}

    def read(
        self, spec: Any, unit: str, where: str, limits: tuple[float, float] | None = None
    ) -> float | Floats:
        """Return one series: a float, or an array of shape (n,)."""
        low, high = limits or (None, None)
        if isinstance(spec, (int, float)):
            if limits and not limits[0] <= spec <= limits[1]:
                self.problems.add(
                    "P101", where, "outside its limits", value=spec, limit=f"{low:g} to {high:g}"
                )
            return float(spec)
        key = f"{unit}:{limits}:{spec!r}"
        if key not in self._cache:
            try:
                self._cache[key] = load_series(
                    spec, self.grid, base=self.context.base, quantity_unit=unit, where=where, minimum=low, maximum=high,
                    synthetic=self._year,
                )  # fmt: skip
            except DataError as error:
                self.problems.problems += error.problems
                return 0.0
        loaded = self._cache[key]
        self.findings += [f for f in loaded.findings if f not in self.findings]
        self.hashes[where] = hashlib.sha256(np.ascontiguousarray(loaded.values).tobytes()).hexdigest()
        self.uses_synthetic |= isinstance(spec, SyntheticSeries)
        return loaded.values

    def fields_of(self, device: Spec, where: str) -> dict[str, float | Floats]:
        """Return the resolved series fields of a device."""
        out: dict[str, float | Floats] = {}
        for name, info in type(device).model_fields.items():
            value = getattr(device, name)
            if value is not None and FileSeries in models_in(info.annotation):
                out[name] = self.read(value, unit_of(name) or "share", f"{where}.{name}", LIMITS.get(name))
        return out

    def fuel(self, fuel: Fuel, where: str) -> tuple[float | Floats, float, float]:
        """Return price, tax and emission factor of a fuel."""
        price = self.read(fuel.price_eur_per_mwh, "eur_per_mwh", f"{where}.price_eur_per_mwh")
        return price, fuel.tax_eur_per_mwh, fuel.co2_t_per_mwh


def fingerprint(case: Case, part: str) -> str:
    """Return a hash of everything that a run's numbers depend on: version, study, table, data, part of the run."""
    devices = {name: device.model_dump(mode="json") for name, device in case.devices.items()}  # type: ignore[attr-defined]
    content = [version("varme"), case.study.model_dump(mode="json"), devices, case.data_hashes, part]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
