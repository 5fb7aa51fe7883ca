"""Known data sets by name: where their files lie, what their columns are, in which unit and on which clock.

Each reader says in its docstring what it expects and where that is documented. Nothing of the data is in this package.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.meters.meter_units import Carrier
from varme.data.meters.panel import MeterSource
from varme.data.meters.sources import DenseStore, PanelShape, scatter, write_meters
from varme.data.meters.spec import MeterFilesSpec
from varme.data.meters.timeline import Timeline
from varme.data.tabular import fetch_cells, open_table
from varme.ground.errors import Collector, DataError, InputError, Problem
from varme.ground.findings import Finding

LAYOUTS = ("auto", "long", "wide", "heapo", "wpuq", "fluvius", "eoh", "need")
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Recipe:
    """What is known of a data set besides the columns that its spec states.

    Attributes:
        unit: Unit of the readings, empty if it is to be detected.
        note: What a reader of a result must know, empty if nothing.
        hdf5: Whether the files are HDF5 of WPuQ.
        covariates: Returns what the data set says of the buildings of some meters.
    """

    unit: str = ""
    note: str = ""
    hdf5: bool = False
    covariates: Callable[[Sequence[str]], Columns] | None = field(default=None, repr=False)


def recipe_of(
    spec: MeterFilesSpec, base: Path, carrier: Carrier, where: str
) -> tuple[MeterFilesSpec, Recipe]:
    """Return the spec with what a data set's name implies, and the rest of what is known of it.

    Raises:
        InputError: P211 for a name that is not known, or a data set of annual figures.
        DataError: P223 if the files are not those of the data set.
    """
    readers = {"heapo": _heapo, "fluvius": _fluvius, "eoh": _eoh, "wpuq": _wpuq}
    if spec.layout in {"auto", "long", "wide"}:
        return spec, Recipe()
    if spec.layout == "need":
        raise InputError(
            Problem(
                "P211", f"{where}.layout",
                "NEED holds annual figures only: read it with varme.data.meters.annual.open_annual", "need",
                "daily or finer readings are needed here",
            )
        )  # fmt: skip
    if spec.layout not in readers:
        raise InputError(
            Problem("P211", f"{where}.layout", "no such layout", spec.layout, ", ".join(LAYOUTS))
        )
    return readers[spec.layout](spec, base, carrier, where)


def _one(spec: MeterFilesSpec) -> str:
    return spec.files if isinstance(spec.files, str) else spec.files[0]


def _with(spec: MeterFilesSpec, **values: Any) -> MeterFilesSpec:
    """Return the spec with what is not stated filled in."""
    stated = {
        k: v for k, v in values.items() if getattr(spec, k) in (None, "auto") or k in {"files", "layout"}
    }
    return spec.model_copy(update=stated)


def _heapo(spec: MeterFilesSpec, base: Path, carrier: Carrier, where: str) -> tuple[MeterFilesSpec, Recipe]:
    """HEAPO: 1,408 homes with heat pumps in the canton of Zurich, 15 min and daily, 2018 to 2024 (CC BY 4.0).

    Source of the schema: Brudermueller et al. 2025 (arXiv:2503.16993; DOI 10.5281/zenodo.15056919) and its published
    data loader. Expected: ``smart_meter_data/15min/<Household_ID>.csv`` or ``smart_meter_data/daily/...``,
    semicolons; ``Household_ID``, ``Group``, ``AffectsTimePoint``, ``Timestamp`` (``2023-02-25 00:15:00+00:00``),
    ``kWh_received_Total``, ``kWh_received_HeatPump``, ``kWh_received_Other``. ``files`` names the data set's folder
    (the 15-minute files are taken), or one of these folders. The heat pump has a meter of its own in a part of the
    homes only; ``value_column = "kWh_received_Total"`` reads the whole home. Covariates come from
    ``meta_data/households.csv`` (``Installation_HasPVSystem``), ``meta_data/meta_data.csv``
    (``Survey_Building_LivingArea``, ``Survey_HeatPump_Installation_Type``) and ``reports/protocols.csv``
    (``Building_ConstructionYear``, ``Building_HousingUnits``, ``Building_PVSystem_Size``,
    ``HeatPump_Installation_Type``).
    """
    folder = base / _one(spec)
    root = folder
    if (folder / "smart_meter_data").is_dir():
        fine = folder / "smart_meter_data" / "15min"
        folder = fine if fine.is_dir() else folder / "smart_meter_data" / "daily"
    elif folder.name in {"15min", "daily"}:
        root = folder.parent.parent
    _expect(folder.is_dir(), where, "HEAPO", str(folder), "smart_meter_data/15min/*.csv")
    value = spec.value_column or "kWh_received_HeatPump"
    whole = value == "kWh_received_Total"
    note = "HEAPO: stamps are UTC; " + (
        "readings are of the whole home, not of the heat pump." if whole
        else "only homes with a meter of their own for the heat pump have readings."
    )  # fmt: skip
    made = _with(
        spec, files=str(folder), layout="long", meter_column="Household_ID", time_column="Timestamp",
        value_column=value, timezone="UTC", reading="interval",
    )  # fmt: skip
    return made, Recipe("kwh", note, covariates=lambda meters: heapo_covariates(root, meters))


def _fluvius(spec: MeterFilesSpec, base: Path, carrier: Carrier, where: str) -> tuple[MeterFilesSpec, Recipe]:
    """Fluvius open data: 300 gas meters (hourly) and 1,300 or more electricity meters (15 min) in Flanders, one year.

    Source of the schema: opendata.fluvius.be, data sets "1_50 verbruiksprofielen" of digital meters (electricity:
    file ``P6269_1_50_DMK_Sample_Elek.csv``; gas: hourly values of a full year). Expected: comma or semicolon;
    ``EAN_ID``, ``Datum``, ``Datum_Startuur`` (start of the interval, ISO, often with ``Z``), ``Datum_Einduur`` (gas),
    ``Volume_Afname_kWh`` (also ``..._KWh``), ``Volume_Injectie_kWh``, ``Warmtepomp_Indicator`` (0/1),
    ``PV-Installatie_Indicator`` (also ``PV_Installatie_Indicator``), ``Elektrisch_Voertuig_Indicator``,
    ``Type_Gasmeter`` (G4, G6), ``Contract_Categorie``. For heat pumps, rows with ``Warmtepomp_Indicator`` 1 are
    taken; they are meters of whole homes. Gas energy is taken as gross: the files do not say, and Belgian suppliers
    bill by the gross calorific value (assumption; state ``unit`` otherwise).
    """
    path = _first_file(base / _one(spec))
    _expect(
        path is not None,
        where,
        "Fluvius",
        _one(spec),
        "a CSV file with EAN_ID, Datum_Startuur, Volume_Afname_kWh",
    )
    assert path is not None
    table = open_table(path, f"{where}.files")
    lower = {c.lower(): c for c in table.columns}
    wanted = ("ean_id", "datum_startuur", "volume_afname_kwh")
    _expect(
        all(w in lower for w in wanted),
        where,
        "Fluvius",
        path.name,
        "columns EAN_ID, Datum_Startuur, Volume_Afname_kWh",
    )
    made = _with(
        spec, layout="long", meter_column=lower["ean_id"], time_column=lower["datum_startuur"],
        value_column=lower["volume_afname_kwh"], timezone="Europe/Brussels", reading="interval",
    )  # fmt: skip
    if carrier == "gas":
        note = "Fluvius: gas energy is taken as gross (Hs), which the files do not state."
        return made, Recipe("kwh_hs", note)
    pump = lower.get("warmtepomp_indicator")
    if pump and spec.pick is None:
        cell = next((c for c in table.first[pump] if c.strip()), "1").strip().lower()
        made = made.model_copy(update={"pick": {pump: "True" if cell in {"true", "false"} else "1"}})
    note = "Fluvius: meters of whole homes with a heat pump, household electricity and PV behind the meter included."
    return made, Recipe("kwh", note)


def _eoh(spec: MeterFilesSpec, base: Path, carrier: Carrier, where: str) -> tuple[MeterFilesSpec, Recipe]:
    """Electrification of Heat (EoH, USMART and UK Data Service SN 9050): 742 homes, 2 min, cumulative counters (OGL).

    Source of the schema: Energy Systems Catapult, "Electrification of Heat: heat pump performance cleansed data"
    (UKDS 9050). Expected: one CSV per home, ``Property_ID=EOH0001.csv``; ``Timestamp``,
    ``Whole_System_Energy_Consumed``, ``Heat_Pump_Energy_Output``, ``Circulation_Pump_Energy_Consumed``,
    ``Immersion_Heater_Energy_Consumed``, ``Back-up_Heater_Energy_Consumed`` (kWh registers) and temperatures.
    Electricity of the whole system (boundary H4) is read; ``value_column = "Heat_Pump_Energy_Output"`` reads the
    heat. Stamps without offset are taken as UTC (assumption).
    """
    path = _first_file(base / _one(spec))
    _expect(path is not None, where, "EoH", _one(spec), "Property_ID=EOH....csv")
    assert path is not None
    table = open_table(path, f"{where}.files")
    value = spec.value_column or "Whole_System_Energy_Consumed"
    _expect(
        {"Timestamp", value} <= set(table.columns), where, "EoH", path.name, f"columns Timestamp, {value}"
    )
    meter = "Property_ID" if "Property_ID" in table.columns else None
    made = _with(
        spec, layout="long", meter_column=meter, time_column="Timestamp", value_column=value, timezone="UTC",
        reading="register",
    )  # fmt: skip
    note = "EoH: registers every 2 minutes, put together to 15; whole-system electricity is boundary H4."
    return made, Recipe("kwh", note)


def _wpuq(spec: MeterFilesSpec, base: Path, carrier: Carrier, where: str) -> tuple[MeterFilesSpec, Recipe]:
    """WPuQ: 38 homes with ground-water heat pumps near Hamelin, 2018 to 2020, HDF5 (CC BY 4.0).

    Source of the schema: Schlemminger et al. 2022 (DOI 10.1038/s41597-022-01156-1; Zenodo 5642902). Expected:
    ``2019_data_15min.hdf5`` (or ``60min``, ``1min``), groups ``NO_PV/SFH3/HEATPUMP/table`` and
    ``WITH_PV/SFH13/HEATPUMP/table`` with the fields ``index`` (seconds since 1970, UTC) and ``P_TOT`` [W]. Household
    meters (``HOUSEHOLD``) are not read. Needs the extra ``hdf5``.
    """
    return spec, Recipe("kwh", "", hdf5=True)


def _expect(good: bool, where: str, name: str, value: str, limit: str) -> None:
    if not good:
        raise DataError(Problem("P223", f"{where}.files", f"these are not the files of {name}", value, limit))


def _first_file(path: Path) -> Path | None:
    if path.is_file():
        return path
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.name.lower().endswith((".csv", ".csv.gz", ".parquet")))
        return found[0] if found else None
    found = sorted(path.parent.glob(path.name)) if path.parent.is_dir() else []
    return found[0] if found else None


def heapo_covariates(root: Path, meters: Sequence[str]) -> Columns:
    """Return what HEAPO says of homes: floor area, year, dwellings, PV, source of the heat pump; NaN where unknown.

    Args:
        root: Folder of the data set.
        meters: ``Household_ID`` of the homes.
    """
    wanted = {
        "meta_data/meta_data.csv": (
            {"Survey_HeatPump_Installation_Type": "source"}, {"Survey_Building_LivingArea": "floor_area_m2"}
        ),
        "reports/protocols.csv": (
            {"HeatPump_Installation_Type": "source"},
            {"Building_FloorAreaHeated_Total": "floor_area_m2", "Building_ConstructionYear": "construction_year",
             "Building_HousingUnits": "dwellings_count", "Building_PVSystem_Size": "pv_kwp"},
        ),
    }  # fmt: skip
    place = {m: i for i, m in enumerate(meters)}
    out: Columns = {"meter": np.array(list(meters), dtype=object)}
    for name, (texts, numbers) in wanted.items():
        path = root / name
        if not path.is_file():
            continue
        table = open_table(path, name)
        have_t = {c: t for c, t in texts.items() if c in table.columns}
        have_n = {c: t for c, t in numbers.items() if c in table.columns}
        cells = fetch_cells(table, ["Household_ID", *have_t], list(have_n), name)
        ids = [i.removesuffix(".0") for i in cells.texts["Household_ID"].tolist()]
        rows = np.array([place.get(i, -1) for i in ids], dtype=np.int64)
        known = rows >= 0
        for column, target in have_n.items():
            values = out.setdefault(target, np.full(len(meters), np.nan))
            found = np.where(np.isfinite(cells.numbers[column]), cells.numbers[column], values[rows])
            values[rows[known]] = found[known]
        for column, target in have_t.items():
            values = out.setdefault(target, np.full(len(meters), "", dtype=object))
            text = np.char.lower(cells.texts[column].astype(str))
            ground = (np.char.find(text, "ground") >= 0) | (np.char.find(text, "water-water") >= 0)
            source = np.where(np.char.find(text, "air") >= 0, "air", np.where(ground, "ground", ""))
            given = known & (source != "")
            values[rows[given]] = source[given]
    return out if len(out) > 1 else {}


@dataclass(frozen=True)
class OpenedHdf5:
    """What is read of WPuQ: a store, findings and rows of ``meter_files``."""

    source: MeterSource
    findings: list[Finding]
    understood: list[dict[str, Any]]


def open_hdf5(
    files: Sequence[Path], first_day: np.datetime64, last_day: np.datetime64, timezone: str, folder: Path, owner: Any,
    where: str,
) -> OpenedHdf5:  # fmt: skip
    """Read the heat pumps of WPuQ into a dense store of 15-minute or hourly energies [kWh].

    Raises:
        InputError: P103 if h5py is not installed.
        DataError: P200 for a file that is no HDF5, P223 if it has no heat pumps, P217 without overlap.
    """
    try:
        import h5py
    except ImportError:
        raise InputError(
            Problem(
                "P103",
                f"{where}.layout",
                "WPuQ is HDF5, and h5py is not installed",
                remedy="pip install 'varme[hdf5]'",
            )
        ) from None
    homes: dict[str, list[tuple[NDArray[np.int64], NDArray[np.float64]]]] = {}
    understood = []
    for path in files:
        try:
            with h5py.File(path, "r") as file:
                read = {
                    home: (np.asarray(t["index"], dtype=np.int64), np.asarray(t["P_TOT"], dtype=float))
                    for part in ("NO_PV", "WITH_PV") if part in file
                    for home in sorted(file[part]) if "HEATPUMP/table" in file[f"{part}/{home}"]
                    for t in (file[f"{part}/{home}/HEATPUMP/table"][:],)
                }  # fmt: skip
        except (OSError, ValueError, KeyError) as error:
            raise DataError(
                Problem("P200", f"{where}.files", f"cannot be read: {str(error).splitlines()[0]}", str(path))
            ) from None
        _expect(bool(read), where, "WPuQ", path.name, "groups NO_PV/SFH.../HEATPUMP/table")
        for home, rows in read.items():
            homes.setdefault(home, []).append(rows)
        times = np.concatenate([t for t, _ in read.values()])
        understood.append(_hdf5_row(path, len(read), times))
    times = next(iter(homes.values()))[0][0]
    step_s = int(np.median(np.diff(times))) if len(times) > 1 else 900
    step_min = max(15, step_s // 60)
    timeline = Timeline(first_day, last_day, timezone, "UTC", step_min)
    names = sorted(homes, key=lambda h: (len(h), h))
    shape = PanelShape(timeline.start, step_min, timeline.steps, "kwh", "interval")
    write_meters(folder, names)
    inside = 0
    with (folder / "values.bin").open("wb") as out:
        for home in names:
            t = np.concatenate([rows[0] for rows in homes[home]])
            energy = np.concatenate([rows[1] for rows in homes[home]]) * step_s / 3.6e6
            step, _ = timeline.index(t, "utc", np.zeros(len(t)))
            per = step_min * 60 // step_s
            if per > 1:
                good = np.isfinite(energy) & (step >= 0) & (step < timeline.steps)
                count = np.bincount(step[good], minlength=timeline.steps)
                total = np.bincount(step[good], weights=energy[good], minlength=timeline.steps)
                values = np.where(count == per, total, np.nan).astype(np.float32)
            else:
                cells = scatter(np.zeros(len(t), dtype=np.int64), step, energy, 1, timeline.steps, np.float32)
                values = cells.values[0]
            inside += int(np.isfinite(values).sum())
            values.tofile(out)
    problems = Collector()
    if not inside:
        problems.add(
            "P217", f"{where}.files", "no reading lies in the years of the study", value=str(understood[0]["first"]),
            limit=f"{first_day} to {last_day}",
        )  # fmt: skip
    problems.raise_if_any(DataError)
    note = "WPuQ: meters of the heat pumps alone (ground water), mean powers turned into energies."
    store = DenseStore(folder, shape, len(names), owner=owner)
    return OpenedHdf5(store, [Finding("meter_data_set", "note", where, note)], understood)


def _hdf5_row(path: Path, homes: int, times: NDArray[np.int64]) -> dict[str, Any]:
    first, last = (str(np.datetime64(int(t), "s")).replace("T", " ") for t in (times.min(), times.max()))
    return {
        "file": path.name, "layout": "wpuq", "meter_column": "groups", "time_column": "index", "value_column": "P_TOT",
        "unit": "W -> kwh", "reading": "interval", "step": "as in the file", "clock": "UTC", "label": "start",
        "rows_count": len(times), "meters_count": homes, "first": first, "last": last, "found": "data set",
    }  # fmt: skip
