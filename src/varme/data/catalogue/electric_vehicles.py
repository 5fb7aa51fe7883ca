"""Electric vehicles by name, from a copy of Open EV Data that the user has.

The columns are those of the extract ``brand, model, variant, release_year, vehicle_type, usable_battery_kwh, ac_phases,
ac_max_kw, dc_max_kw, consumption_kwh_per_100km``; further columns are left alone. Open EV Data asks to be named where
it is used: :data:`ATTRIBUTION` goes into the findings of every study that takes a vehicle from it.
"""

from __future__ import annotations

import csv
import difflib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from varme.ground.errors import DataError, InputError, Problem

ATTRIBUTION = "Open EV Data (https://github.com/KilowattApp/open-ev-data), MIT licence with attribution"
#: What people write for a brand.
SHORT_BRANDS = {"vw": "volkswagen", "mercedes": "mercedesbenz"}
NEEDED = ("brand", "model", "usable_battery_kwh", "ac_max_kw")


@dataclass(frozen=True)
class VehicleModel:
    """A model of a catalogue.

    Attributes:
        brand: Brand.
        name: Model.
        variant: Variant; may be empty.
        release_year: Year of release; 0 if unknown.
        usable_battery_kwh: Usable capacity.
        ac_max_kw: Largest charge from the socket.
        ac_phases: Phases; ``None`` if unknown.
        consumption_kwh_per_100km: Electricity of driving; ``None`` if unknown.
    """

    brand: str
    name: str
    variant: str
    release_year: int
    usable_battery_kwh: float
    ac_max_kw: float
    ac_phases: int | None
    consumption_kwh_per_100km: float | None

    @property
    def title(self) -> str:
        """Brand and model."""
        return f"{self.brand} {self.name}".strip()

    @property
    def full_title(self) -> str:
        """Brand, model, variant and year."""
        year = f" ({self.release_year})" if self.release_year else ""
        return f"{self.title} {self.variant}".strip() + year


@dataclass(frozen=True)
class VehicleCatalogue:
    """The models of a file, in its order."""

    source: str
    models: tuple[VehicleModel, ...]

    @cached_property
    def _by_name(self) -> dict[str, list[VehicleModel]]:
        out: dict[str, list[VehicleModel]] = {}
        for model in self.models:
            for name in {_key(model.name), _key(model.title), _key(model.full_title)}:
                out.setdefault(name, []).append(model)
            if model.variant:
                out.setdefault(_key(f"{model.title} {model.variant}"), []).append(model)
        return out

    def find(self, name: str, where: str = "vehicles.model") -> VehicleModel:
        """Return the model of a name; case, spaces and punctuation do not count.

        Rows that differ in nothing that matters here are one model; of several years of a variant the latest is taken.

        Raises:
            InputError: P156 if there is no such model, or several; the nearest names are offered.
        """
        found = self._by_name.get(_key(name), [])
        first, _, rest = name.strip().partition(" ")
        if not found and _key(first) in SHORT_BRANDS:
            name = f"{SHORT_BRANDS[_key(first)]} {rest}"
            found = self._by_name.get(_key(name), [])
        if not found:
            titles = sorted({m.title for m in self.models})
            near = _nearest(name, titles)
            remedy = (
                f"Did you mean {' or '.join(near)}?" if near else "Use brand and model as the file has them."
            )
            raise InputError(
                Problem("P156", where, f"{self.source} has no such model", repr(name), "", remedy)
            )
        latest: dict[str, VehicleModel] = {}
        for model in sorted(found, key=lambda m: m.release_year):
            latest[_key(f"{model.title} {model.variant}")] = model
        last = list(latest.values())
        facts = {(m.usable_battery_kwh, m.ac_max_kw, m.ac_phases) for m in last}
        if len(facts) > 1:
            names = sorted({f"{m.full_title}, {m.usable_battery_kwh:g} kWh" for m in last})
            raise InputError(
                Problem("P156", where, f"{self.source} has {len(facts)} models of that name", repr(name), "",
                        f"Name one: {'; '.join(names[:6])}{'; ...' if len(names) > 6 else ''}.")
            )  # fmt: skip
        return last[0]


def read_vehicles(path: Path, where: str = "vehicles.catalogue") -> VehicleCatalogue:
    """Read a catalogue of vehicles; rows without a capacity or a charging power are left out.

    Raises:
        DataError: P245 if the file cannot be read, lacks columns or holds no vehicle.
    """
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            columns, rows = list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(Problem("P245", where, f"cannot be read: {error}", str(path))) from None
    missing = [c for c in NEEDED if c not in columns]
    if missing:
        raise DataError(
            Problem("P245", where, f"lacks the columns {', '.join(missing)}", str(path), f"has {', '.join(columns)}")
        )  # fmt: skip
    models = [m for m in (_model(row) for row in rows) if m is not None]
    if not models:
        raise DataError(
            Problem("P245", where, "holds no vehicle with capacity and charging power", str(path))
        )
    return VehicleCatalogue(path.name, tuple(models))


def _model(row: dict[str, str]) -> VehicleModel | None:
    capacity, power = _number(row.get("usable_battery_kwh")), _number(row.get("ac_max_kw"))
    if capacity is None or power is None or capacity <= 0 or power <= 0:
        return None
    phases = _number(row.get("ac_phases"))
    use = _number(row.get("consumption_kwh_per_100km"))
    return VehicleModel(
        (row.get("brand") or "").strip(), (row.get("model") or "").strip(), (row.get("variant") or "").strip(),
        int(_number(row.get("release_year")) or 0), capacity, power,
        None if phases is None else 1 if phases < 2 else 3, use if use and use > 0 else None,
    )  # fmt: skip


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def _nearest(name: str, titles: list[str]) -> list[str]:
    keys = {_key(t): t for t in titles}
    near = difflib.get_close_matches(_key(name), keys, n=3, cutoff=0.5)
    inside = [k for k in keys if _key(name) and _key(name) in k and k not in near]
    return [keys[k] for k in (near + inside)[:3]]
