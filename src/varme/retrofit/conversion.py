"""What gas to heat was made with: furnaces by type, calorific values by zone, hot water from the summer base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varme.ground.findings import Finding
from varme.ground.tables import Column, Table, TableSchema
from varme.physics.gas import efficiency_on_hs
from varme.retrofit.calorific import Calorific, calorific_findings, calorific_of, constant, read_calorific
from varme.retrofit.heat import FurnaceSpec, GasSpec, ToHeat, efficiency_of, furnace_kinds, z_of

Floats = NDArray[np.float64]

#: Hot water below this is none: a pilot flame or a cooker [kWh/day] (assumption).
LEAST_WATER_KWH_TH_PER_DAY = 0.5

FURNACES = TableSchema(
    "furnaces",
    "Furnaces and their efficiency",
    (
        Column(
            "furnace",
            "text",
            "type, from the buildings' furnace_type or furnace_year; mix where neither is known",
        ),
        Column("meters_count", "integer", "gas meters with it; 0 for fewer than k"),
        Column("efficiency_share", "number", "annual efficiency used, on the gross calorific value"),
        Column("spread_share", "number", "standard deviation between furnaces of the type"),
    ),
)
GAS_FACTORS = TableSchema(
    "gas_factors",
    "From gas at the meter to gross energy",
    (
        Column("zone", "text", "supply zone; empty where there is one only"),
        Column("month", "text", "calendar month"),
        Column(
            "calorific_kwh_hs_per_m3",
            "number",
            "gross calorific value of a normal cubic metre, mean of the month",
        ),
        Column("z_share", "number", "z-number: normal volume per volume at the meter"),
        Column("energy_kwh_hs_per_m3", "number", "gross energy of a cubic metre at the meter"),
    ),
)
SCHEMAS = (FURNACES, GAS_FACTORS)


@dataclass(frozen=True)
class Conversion:
    """Gas to heat for the meters of a study.

    Attributes:
        to_heat: The conversion, for :func:`varme.retrofit.stream.summarise`.
        calorific: Calorific values.
        kinds: Type of each meter's furnace; empty where not known.
        findings: What a reader must know.
    """

    to_heat: ToHeat
    calorific: Calorific
    kinds: NDArray[np.object_]
    findings: tuple[Finding, ...]


def conversion_of(
    gas: GasSpec,
    furnace: FurnaceSpec,
    meters: int,
    days: NDArray[np.datetime64],
    *,
    kind: NDArray[Any] | None = None,
    year: Floats | None = None,
    zone: NDArray[Any] | None = None,
    folder: Path | None = None,
    columns: Mapping[str, NDArray[Any]] | None = None,
    calorific: Calorific | None = None,
) -> Conversion:
    """Return the conversion of gas to heat with everything that the building table tells.

    Args:
        gas: The gas.
        furnace: The furnaces.
        meters: Number of gas meters.
        days: Local days of the period.
        kind: Type of each meter's furnace; empty where not known.
        year: Calendar year of each furnace; NaN where not known.
        zone: Supply zone of each meter; empty where not known.
        folder: Folder that ``gas.calorific_file`` is relative to.
        columns: Calorific values in memory (``zone``, ``month``, ``calorific_kwh_hs_per_m3``), of a synthetic town;
        used
            only where the study names no file.
        calorific: Calorific values that are read already; file and columns are then not looked at, and findings on the
            values are left to whoever read them.

    Raises:
        DataError: P200, P201, P210 or P212 for an unfit table of calorific values.
        InputError: P115 if it lacks a month, P116 for a change-over of an unknown zone.
    """
    told = calorific is not None  # whoever read the values has told what is odd about them
    if calorific is not None:
        pass
    elif gas.calorific_file is not None:
        calorific = read_calorific((folder or Path()) / gas.calorific_file, gas.changeovers)
    elif columns:
        calorific = calorific_of(columns, gas.changeovers)
    else:
        calorific = constant(gas.calorific_kwh_hs_per_m3, gas.changeovers)
    findings = [] if told else calorific_findings(calorific, days)
    place: NDArray[np.int64] | None = None
    if zone is not None and calorific.zones != ("",):
        place = calorific.zone_of(np.asarray(zone, dtype=object))
        lost = int((place < 0).sum())
        if lost:
            findings.append(
                Finding(
                    "zone_unknown", "warning", "buildings.zone",
                    f"{lost} of {meters} gas meters have no supply zone that the calorific values know; they get "
                    f"the mean "
                    "of the zones.",
                    {"meters": lost, "zones": list(calorific.zones)},
                )
            )  # fmt: skip
    kinds = (
        furnace_kinds(furnace, kind, year)
        if kind is not None or year is not None
        else np.full(meters, "", object)
    )
    convert = ToHeat(gas, furnace, efficiency_of(furnace, meters, kind, year), calorific, place)
    return Conversion(convert, calorific, kinds, tuple(findings))


def furnace_table(conversion: Conversion, k_count: int = 1) -> Table:
    """Return the furnaces by type with the efficiency used.

    Args:
        conversion: The conversion.
        k_count: Groups of fewer meters show 0.
    """
    furnace = conversion.to_heat.furnace
    rows = []
    for name in [*furnace.types, ""]:
        count = int((conversion.kinds == name).sum())
        if not count:
            continue
        spec = furnace.types.get(name)
        share, base = (
            (spec.efficiency_share, spec.base)
            if spec
            else (furnace.efficiency_share, furnace.efficiency_base)
        )
        spread = spec.spread_share if spec else float("nan")
        rows.append(
            (name or "mix", count if count >= k_count else 0, float(efficiency_on_hs(share, base)), spread)
        )
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(FURNACES.columns)
    return Table(FURNACES, {c.name: list(v) for c, v in zip(FURNACES.columns, columns, strict=True)})


def gas_factor_table(conversion: Conversion, days: NDArray[np.datetime64]) -> Table:
    """Return calorific value, z-number and energy per cubic metre by zone and month.

    Args:
        conversion: The conversion.
        days: Local days of the period.
    """
    calorific, z = conversion.calorific, z_of(conversion.to_heat.gas)
    months = days.astype("datetime64[M]")
    names, first = np.unique(months, return_index=True)
    length = np.diff(np.r_[first, len(days)])
    mean = np.add.reduceat(calorific.by_day(days), first, axis=1) / length
    return Table(
        GAS_FACTORS,
        {
            "zone": np.repeat(calorific.zones, len(names)).tolist(),
            "month": np.tile(names.astype(str), len(calorific.zones)).tolist(),
            "calorific_kwh_hs_per_m3": mean.ravel(),
            "z_share": np.full(mean.size, z),
            "energy_kwh_hs_per_m3": z * mean.ravel(),
        },
    )


@dataclass(frozen=True)
class HotWater:
    """Hot water from the summer base, arrays of shape (meters,).

    Attributes:
        kwh_th_per_day: Useful heat for hot water; 0 where there is none in summer.
        low_kwh_th_per_day: Lower end of its interval.
        high_kwh_th_per_day: Upper end.
        share: Share in the annual heat.
        none: Whether nothing is drawn in summer: solar thermal, electric hot water, an empty home.
        town_share: Share of hot water in the heat of all meters.
    """

    kwh_th_per_day: Floats
    low_kwh_th_per_day: Floats
    high_kwh_th_per_day: Floats
    share: Floats
    none: NDArray[np.bool_]
    town_share: float


def hot_water(base: Floats, base_se: Floats, annual: Floats, confidence_share: float = 0.95) -> HotWater:
    """Return hot water of every meter from the base load of its change-point model.

    The base is what is drawn on days above the heating limit. It is taken as the hot water of the whole year, although
    winter needs a little more (colder mains). Homes without any in summer (solar thermal) have some in winter, which no
    meter tells: their share comes out too low, and so does the town's by about as many per cent as there are of them.

    Args:
        base: Energy of a day without heating, as useful heat [kWh], shape (meters,).
        base_se: Its standard error; NaN where it is not known (then the interval is open to 0).
        annual: Annual useful heat [kWh].
        confidence_share: Confidence of the intervals.
    """
    z = float(stats.norm.ppf(0.5 + confidence_share / 2))
    known = np.isfinite(base) & np.isfinite(annual) & (annual > 0)
    level = np.where(known, np.clip(base, 0, np.where(known, annual, 0) / 365.25), np.nan)
    half = z * base_se
    low = np.where(np.isfinite(half), np.maximum(level - half, 0), 0.0)
    high = np.where(np.isfinite(half), level + half, level)
    none = known & (level < LEAST_WATER_KWH_TH_PER_DAY)
    share = np.where(known, 365.25 * level / np.where(known, annual, 1), np.nan)
    total = float(annual[known].sum())
    town = 365.25 * float(level[known].sum()) / total if total > 0 else float("nan")
    return HotWater(level, low, high, np.minimum(share, 1.0), np.asarray(none, dtype=bool), town)
