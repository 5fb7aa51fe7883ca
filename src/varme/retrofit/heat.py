"""Gas to useful heat: Eq. 1 of Bayer & Pruckner, with every factor's base and uncertainty named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from varme.data.meters.panel import MeterPanel
from varme.ground.errors import InputError, Problem
from varme.ground.findings import Finding
from varme.ground.spec import Spec
from varme.physics.gas import (
    ENERGIES_KWH_HS,
    GROSS_PER_NET,
    VOLUMES_M3,
    Base,
    efficiency_on_hs,
    z_number,
)
from varme.retrofit.calorific import LIMITS, Calorific, ChangeoverSpec, constant

Floats = NDArray[np.float64]

#: Largest annual efficiency on the gross calorific value that is believed (assumption: nothing real is above).
MOST_ON_HS = 0.98
#: Words for furnace types, in lower case; German ones as building tables have them.
FURNACE_WORDS = {
    "constant_temperature": "constant_temperature", "standard": "constant_temperature",
    "standardkessel": "constant_temperature", "konstanttemperatur": "constant_temperature",
    "low_temperature": "low_temperature", "niedertemperatur": "low_temperature",
    "condensing": "condensing", "brennwert": "condensing",
}  # fmt: skip
#: Years from which a furnace of unknown type is taken as low-temperature, and as condensing (assumption: when each kind
#: had become the usual one in Germany).
YEARS = (1987, 2002)


class GasSpec(Spec):
    """The gas, and how a meter's volume becomes energy."""

    calorific_kwh_hs_per_m3: float | list[float] = 11.3
    """Gross calorific value (Hs) of a normal cubic metre [kWh/m3]: one number, or twelve from January to December."""
    calorific_file: str | None = None
    """Table with the columns `zone`, `month` (YYYY-MM) and `calorific_kwh_hs_per_m3`, relative to the study file; the
    zone of a meter is the column `zone` of the buildings."""
    changeovers: list[ChangeoverSpec] = Field(default=[])
    """Zones that changed from one gas to another within the period (L to H gas), with the day."""
    z_share: float | None = Field(default=None, gt=0.5, lt=1.5)
    """z-number as the bills state it; computed from altitude, pressure and temperature if left out."""
    altitude_m: float = Field(default=225.0, ge=-10, le=4000)
    """Altitude of the supply zone [m]."""
    gauge_pressure_mbar: float = Field(default=22.0, ge=0, le=1000)
    """Pressure at the meter above the ambient [mbar] (22 by rule in German low-pressure networks)."""
    gas_temperature_c: float = Field(default=15.0, ge=-20, le=40)
    """Temperature of the gas at the meter [C] (15 by rule, DVGW G 685)."""
    temperature_compensated: bool = False
    """Whether the meters turn their volume to the normal temperature themselves: no temperature term then."""
    cooking_share: float = Field(default=0.0, ge=0, lt=0.5)
    """Share of the gas that is burnt for cooking, and does not become useful heat."""
    calorific_sd_share: float = Field(default=0.005, ge=0, lt=0.2)
    """What is not known about the calorific value that all homes share, as a share of it (DVGW G 685 allows 2 % between
    the value on the bill and that of the gas; a quarter of it taken as a standard deviation: assumption)."""
    z_sd_share: float = Field(default=0.008, ge=0, lt=0.2)
    """The same of the z-number: 2 to 3 K of gas temperature, 5 mbar of air pressure (assumption)."""
    cooking_sd_share: float = Field(default=0.005, ge=0, lt=0.2)
    """The same of the share for cooking (assumption)."""

    @field_validator("calorific_kwh_hs_per_m3")
    @classmethod
    def _calorific_fits(cls, value: float | list[float]) -> float | list[float]:
        values = value if isinstance(value, list) else [value]
        if isinstance(value, list) and len(value) != 12:
            raise ValueError(f"P115: {len(value)} values; give one, or twelve from January to December")
        if not all(LIMITS[0] < v < LIMITS[1] for v in values):
            raise ValueError(f"P101: must be between {LIMITS[0]:g} and {LIMITS[1]:g} kWh/m3")
        return value


def _check_efficiency(share: float, base: Base) -> None:
    if float(efficiency_on_hs(share, base)) > MOST_ON_HS:
        on = "gross (Hs)" if base == "hs" else "net (Hi)"
        remedy = (
            f' | State the base "hi" if it is a net figure: {share / GROSS_PER_NET:.3f} on Hs, 11 % less.'
        )
        raise ValueError(
            f"P114 efficiency_share: {share:g} on the {on} calorific value is not possible"
            + (remedy if base == "hs" else "")
        )


class FurnaceTypeSpec(Spec):
    """Annual efficiency of the furnaces of one type."""

    efficiency_share: float = Field(gt=0.3, le=1.09)
    """Mean over the furnaces of the type."""
    spread_share: float = Field(default=0.02, ge=0, lt=0.3)
    """Standard deviation between them."""
    base: Literal["hs", "hi"] = "hs"
    """Calorific value that the efficiency is stated on: `hs` gross, `hi` net."""

    @model_validator(mode="after")
    def _possible(self) -> FurnaceTypeSpec:
        _check_efficiency(self.efficiency_share, self.base)
        return self


#: Defaults: the middle of typical annual values on Hs: constant temperature 0.70-0.80, low temperature 0.78-0.86,
#: condensing 0.86-0.95. Assumption; in line with about 0.70, 0.90 and 1.00 on Hi in German glossaries (0.63, 0.81 and
#: 0.90 on Hs), while British field studies are reported at 0.75-0.85 on Hs for furnaces that hardly condense.
FURNACE_TYPES = {
    "constant_temperature": FurnaceTypeSpec(efficiency_share=0.75, spread_share=0.03),
    "low_temperature": FurnaceTypeSpec(efficiency_share=0.82, spread_share=0.02),
    "condensing": FurnaceTypeSpec(efficiency_share=0.90, spread_share=0.025),
}


class FurnaceSpec(Spec):
    """Efficiency of the furnaces that the meters feed."""

    efficiency_share: float = Field(default=0.87, gt=0.3, le=1.09)
    """Annual efficiency where neither type nor year of a furnace is known (assumption: two thirds condensing)."""
    efficiency_base: Literal["hs", "hi"] = "hs"
    """Calorific value that `efficiency_share` is stated on: `hs` gross, `hi` net. A mix-up moves the SPF by 11 %."""
    efficiency_sd_share: float = Field(default=0.03, ge=0, lt=0.3)
    """Standard deviation of what is not known about the mean of the efficiencies (assumption)."""
    types: dict[str, FurnaceTypeSpec] = Field(default=FURNACE_TYPES)
    """Efficiency by type of furnace; the column `furnace_type` of the buildings names the type, or `furnace_year` tells
    it. Types that are not given keep their defaults."""

    @field_validator("types")
    @classmethod
    def _with_defaults(cls, value: dict[str, FurnaceTypeSpec]) -> dict[str, FurnaceTypeSpec]:
        return {**FURNACE_TYPES, **value}

    @model_validator(mode="after")
    def _possible(self) -> FurnaceSpec:
        _check_efficiency(self.efficiency_share, self.efficiency_base)
        return self


@dataclass(frozen=True)
class Prior:
    """A factor that shifts every home alike: what is not known about it enters every estimate of B.

    Attributes:
        name: What it is (``furnace efficiency``).
        log_sd: Standard deviation of its logarithm.
        enters: ``b`` if it scales heat (and so B and the SPF), ``spf`` if it scales the SPF only (gamma).
        source: Where the figure comes from.
    """

    name: str
    log_sd: float
    enters: str
    source: str = ""


def priors(
    furnace: FurnaceSpec,
    gas: GasSpec | None = None,
    *,
    gamma_share: float | None = None,
    gamma_sd_share: float = 0.0,
    unit: str = "m3",
) -> list[Prior]:
    """Return what is not known about the factors that all homes share, and that no number of meters averages out.

    Args:
        furnace: The furnaces.
        gas: The gas; without it only the efficiency is listed.
        gamma_share: Gamma of Eq. 2, if it is to be listed; it enters the SPF only.
        gamma_sd_share: Its standard deviation.
        unit: Unit of the readings: energies need neither z-number nor calorific value.
    """
    eta = float(efficiency_on_hs(furnace.efficiency_share, furnace.efficiency_base))
    out = [
        Prior(
            "furnace efficiency", furnace.efficiency_sd_share / eta, "b", "study: furnace.efficiency_sd_share"
        )
    ]
    if gas is not None:
        if unit in VOLUMES_M3:
            out.append(Prior("calorific value", gas.calorific_sd_share, "b", "study: gas.calorific_sd_share"))
            out.append(Prior("z-number", gas.z_sd_share, "b", "study: gas.z_sd_share"))
        cooking = gas.cooking_sd_share / (1 - gas.cooking_share)
        out.append(Prior("cooking share", cooking, "b", "study: gas.cooking_sd_share"))
    if gamma_share is not None:
        out.append(Prior("gamma", gamma_sd_share / (1 - gamma_share), "spf", "study: spf.gamma_sd_share"))
    return [p for p in out if p.log_sd > 0]


def z_of(gas: GasSpec) -> float:
    """Return the z-number of the meters."""
    if gas.z_share is not None:
        return gas.z_share
    z = z_number(
        gas.altitude_m,
        gas.gauge_pressure_mbar,
        gas.gas_temperature_c,
        compensated=gas.temperature_compensated,
    )
    return float(z)


def gross_per_unit(unit: str, gas: GasSpec) -> float:
    """Return gross gas energy [kWh Hs] per unit of a meter, for the mean calorific value.

    Raises:
        InputError: P113 for an energy that does not name its base, P105 for a unit that gas is not counted in.
    """
    if unit in VOLUMES_M3:
        return VOLUMES_M3[unit] * z_of(gas) * float(np.mean(gas.calorific_kwh_hs_per_m3))
    return _energy(unit)


def _energy(unit: str) -> float:
    if unit in ENERGIES_KWH_HS:
        return ENERGIES_KWH_HS[unit]
    choices = ", ".join([*VOLUMES_M3, *ENERGIES_KWH_HS])
    if unit in {"kwh", "mwh", "gwh", "gj"}:
        what = "an energy of gas must say whether it is gross (Hs) or net (Hi)"
        raise InputError(Problem("P113", "gas_meters.unit", what, unit, f"units: {choices}"))
    raise InputError(Problem("P105", "gas_meters.unit", "not a unit of gas", unit, f"units: {choices}"))


def furnace_kinds(
    furnace: FurnaceSpec, kind: NDArray[Any] | None, year: Floats | None
) -> NDArray[np.object_]:
    """Return each furnace's type: as stated, else by its year, else empty.

    Args:
        furnace: The types that there are.
        kind: Type of each furnace as the building table has it; empty where not known.
        year: Calendar year of each furnace; NaN where not known.
    """
    n = len(kind) if kind is not None else len(year) if year is not None else 0
    out = np.full(n, "", dtype=object)
    if year is not None:
        known = np.isfinite(year)
        by_year = np.array(["constant_temperature", "low_temperature", "condensing"], dtype=object)
        out[known] = by_year[np.searchsorted(YEARS, year[known], side="right")]
    if kind is not None:
        words = {
            str(k): str(k).strip().lower().replace(" ", "_").replace("-", "_") for k in set(kind.tolist())
        }
        named = {k: FURNACE_WORDS.get(w, w if w in furnace.types else "") for k, w in words.items()}
        stated = np.array([named[str(k)] for k in kind], dtype=object)
        out = np.where(stated != "", stated, out)
    return np.where(np.isin(out, list(furnace.types)), out, "")


def efficiency_of(
    furnace: FurnaceSpec, n: int, kind: NDArray[Any] | None = None, year: Floats | None = None
) -> Floats:
    """Return the efficiency of each furnace on the gross calorific value, shape (n,): the mean of its type.

    Args:
        furnace: The furnaces.
        n: Number of meters.
        kind: Type of each furnace as the building table has it; empty where not known.
        year: Calendar year of each furnace; NaN where not known.
    """
    out = np.full(n, float(efficiency_on_hs(furnace.efficiency_share, furnace.efficiency_base)))
    if kind is None and year is None:
        return out
    kinds = furnace_kinds(furnace, kind, year)
    for name, spec in furnace.types.items():
        out[kinds == name] = float(efficiency_on_hs(spec.efficiency_share, spec.base))
    return out


def efficiency_findings(furnace: FurnaceSpec, unit: str) -> list[Finding]:
    """Return what a reader must know about bases: a net figure that looks gross, an assumed base."""
    findings = []
    if furnace.efficiency_base == "hi" and furnace.efficiency_share < 0.92:
        gross = furnace.efficiency_share / GROSS_PER_NET
        findings.append(
            Finding(
                "efficiency_base_suspect", "warning", "furnace.efficiency_base",
                f"An efficiency of {furnace.efficiency_share:g} on the net calorific value is {gross:.2f} on the gross "
                "one: usual for old furnaces, low for condensing ones. If the figure is gross, heat, B and SPF are "
                "10 % too low.",
                {"efficiency_share": furnace.efficiency_share, "on_hs_share": gross},
            )
        )  # fmt: skip
    if unit == "mj":
        findings.append(
            Finding(
                "gas_base_assumed", "warning", "gas_meters.unit",
                "Gas in MJ is taken as gross (Hs), as it is billed; if it is net, heat, B and SPF are 11 % higher.",
                {"unit": unit, "gross_per_net": GROSS_PER_NET},
            )
        )  # fmt: skip
    return findings


def retrofitted_heat(heat: Floats, gamma_share: float) -> Floats:
    """Return the heat after the retrofit, Eq. 2: Q' = Q (1 - gamma)."""
    return np.asarray(heat * (1 - gamma_share), dtype=np.float64)


@dataclass(frozen=True)
class ToHeat:
    """Turns cleaned daily gas of a range of meters into useful heat; can be sent to a worker process.

    Attributes:
        gas: The gas.
        furnace: The furnaces.
        efficiency_share: Efficiency of each meter's furnace on Hs, shape (all meters,).
        calorific: Calorific values by zone and month; those of ``gas`` if left out.
        zone: Number of each meter's zone in ``calorific``, shape (all meters,); left out, or -1 for a meter
            without a zone: the mean of the zones.
    """

    gas: GasSpec
    furnace: FurnaceSpec
    efficiency_share: NDArray[np.float64]
    calorific: Calorific | None = None
    zone: NDArray[np.int64] | None = None

    def __call__(self, panel: MeterPanel, first: int, last: int) -> MeterPanel:
        """Return the panel of the meters ``first`` to ``last`` as useful heat [kWh], Eq. 1.

        Raises:
            InputError: P113 or P105 for a unit that cannot be energy of gas, P115 for months without calorific value.
        """
        by_meter = self.efficiency_share[first:last] * (1 - self.gas.cooking_share)
        if panel.unit not in VOLUMES_M3:
            by_meter = by_meter * _energy(panel.unit)
            values = panel.values * by_meter.astype(np.float32)[:, None]
            return MeterPanel(panel.meters, panel.start, panel.step_min, values, "kwh_th", panel.reading)
        by_meter = by_meter * (VOLUMES_M3[panel.unit] * z_of(self.gas))
        calorific = self.calorific or constant(
            self.gas.calorific_kwh_hs_per_m3, self.gas.changeovers if self.calorific is None else []
        )
        daily = calorific.by_day(panel.steps.astype("datetime64[D]")).astype(np.float32)
        values = panel.values * by_meter.astype(np.float32)[:, None]
        zone = None if self.zone is None else self.zone[first:last]
        if len(daily) == 1:
            values *= daily
        elif zone is None:
            values *= daily.mean(axis=0, keepdims=True)
        else:
            daily = np.concatenate([daily, daily.mean(axis=0, keepdims=True)])
            for number in np.unique(zone):
                values[zone == number] *= daily[number]
        return MeterPanel(panel.meters, panel.start, panel.step_min, values, "kwh_th", panel.reading)
