"""The bill: what import and export cost by part, adding up to the cent; and where a tariff's figures come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varme.ground.findings import Finding
from varme.ground.peaks import PeakCharge
from varme.ground.tables import Column, Table, TableSchema
from varme.ground.timegrid import TimeGrid
from varme.kernel.model import Floats
from varme.markets.presets import PRESETS
from varme.markets.tariffs import Prices, TariffSpec

BILL = TableSchema(
    "bill",
    "What electricity costs, by part",
    (
        Column("part", "text", "part of the bill"),
        Column("kind", "text", "variable: what the plan can change; fixed: paid anyhow"),
        Column("energy_kwh", "number", "energy that is paid; empty for what is paid by peak or time"),
        Column("peak_kw", "number", "peaks that are paid, summed over months; empty for the rest"),
        Column("amount_eur", "number", "amount; negative: earned. The rows add up to the last"),
    ),
)
TARIFF = TableSchema(
    "tariff",
    "Figures of the tariff and where they come from",
    (
        Column("field", "text", "field of the tariff"),
        Column("value", "text", "figure, without VAT unless the field says so"),
        Column("source", "text", "where it comes from; an assumption could not be verified"),
    ),
)


@dataclass(frozen=True)
class BillLine:
    """A line of a bill.

    Attributes:
        part: Part of the bill.
        kind: ``variable`` or ``fixed``.
        cent: Amount, not rounded.
        energy_kwh: Energy that is paid; NaN for what is paid by peak or time.
        peak_kw: Peaks that are paid, summed over their periods; NaN for the rest.
    """

    part: str
    kind: str
    cent: float
    energy_kwh: float = float("nan")
    peak_kw: float = float("nan")


@dataclass(frozen=True)
class Bill:
    """A bill.

    Attributes:
        lines: Its lines.
    """

    lines: tuple[BillLine, ...]

    @property
    def variable_cent(self) -> float:
        """What a plan can change: energy, network, tax, their VAT, peaks, less what export earned."""
        return sum(line.cent for line in self.lines if line.kind == "variable")

    @property
    def total_cent(self) -> float:
        """Everything."""
        return sum(line.cent for line in self.lines)

    def rounded_cent(self) -> list[int]:
        """Return the lines in whole cents that add up to the rounded total (largest remainders are rounded up)."""
        exact = np.array([line.cent for line in self.lines])
        down = np.floor(exact).astype(np.int64)
        missing = round(self.total_cent) - int(down.sum())
        order = np.argsort(-(exact - down), kind="stable")
        down[order[: max(missing, 0)]] += 1
        return [int(v) for v in down]


def bill(
    prices: Prices, import_kw: Floats, export_kw: Floats, step_h: float, *, planning: bool = False
) -> Bill:
    """Return the bill of an import and export over the base grid of the prices.

    A peak that was reached before (``so_far_kw``) is on an earlier bill: only what is added to it is charged here.

    Args:
        prices: The tariff over the base grid.
        import_kw: Import, shape (N,).
        export_kw: Export, shape (N,).
        step_h: Length of a step [h].
        planning: Whether peaks count as in a plan, that is only above the peak that is expected anyhow
            (``expected_kw``); on a real bill they count above what is paid anyhow.
    """
    bought, sold = import_kw * step_h, export_kw * step_h
    parts = prices.parts_cent_per_kwh or {"energy": prices.import_cent_per_kwh}
    total = float(bought.sum())
    lines = [
        BillLine(part, "variable", float(bought @ price), total)
        for part, price in parts.items()
        if part != "VAT"
    ]
    vat = float(bought @ parts["VAT"]) if "VAT" in parts else 0.0
    for charge in prices.peaks:
        reached = added_kw(charge, import_kw, step_h, planning=planning)
        amount = charge.cent_per_kw * float(reached.sum())
        net = amount / (1 + prices.peak_vat_share)
        lines.append(BillLine(charge.name, "variable", net, peak_kw=float(reached.sum())))
        vat += amount - net
    lines.append(BillLine("VAT", "variable", vat))
    earned = float(sold @ prices.export_cent_per_kwh)
    lines.append(BillLine("export", "variable", 0.0 - earned, float(sold.sum())))
    lines += [BillLine(part, "fixed", float(cents.sum())) for part, cents in prices.fixed_cent.items()]
    return Bill(tuple(lines))


def peaks_kw(charge: PeakCharge, import_kw: Floats, step_h: float) -> Floats:
    """Return the highest mean import of a metering interval in each period, shape (p,); 0 where none counts.

    Steps longer than the metering interval count as they are: the peak inside them is not known.
    """
    width = max(round(charge.interval_min / 60 / step_h), 1)
    whole = -(-len(import_kw) // width) * width
    padded = np.concatenate([import_kw, np.full(whole - len(import_kw), np.nan)]).reshape(-1, width)
    mean = np.nanmean(padded, axis=1)
    counts = np.logical_or.reduceat(charge.counts, np.arange(0, len(import_kw), width))
    period = charge.period[::width]
    numbers = charge.periods()
    highest = np.zeros(len(numbers))
    np.maximum.at(highest, np.searchsorted(numbers, period[counts]), mean[counts])
    return highest


def added_kw(charge: PeakCharge, import_kw: Floats, step_h: float, *, planning: bool = False) -> Floats:
    """Return by how much each period's peak exceeds what is paid anyhow, shape (p,)."""
    return np.asarray(np.maximum(peaks_kw(charge, import_kw, step_h) - charge.floors(planning=planning), 0.0))


def peaks_cent(
    charges: Sequence[PeakCharge],
    import_kw: Floats,
    step_h: float,
    *,
    first: int = 0,
    so_far_kw: float = 0.0,
    planning: bool = False,
) -> float:
    """Return what the highest imports of a span add to what is paid anyhow [cent].

    Args:
        charges: The charges over the base grid.
        import_kw: Import in the base steps of the span, shape (n,).
        step_h: Length of a base step [h].
        first: First base step of the span.
        so_far_kw: Peak already reached in the period of the first step.
        planning: Whether peaks count as in a plan, above the peak that is expected anyhow.
    """
    total = 0.0
    for charge in charges:
        part = charge.take(np.arange(first, first + len(import_kw) + 1))
        floors = part.floors(max(so_far_kw, part.so_far_kw), planning)
        total += charge.cent_per_kw * float(np.maximum(peaks_kw(part, import_kw, step_h) - floors, 0.0).sum())
    return total


def bill_table(one: Bill) -> Table:
    """Return a bill as a table whose last row is the total; amounts are rounded so that they add up."""
    cents = one.rounded_cent()
    lines = one.lines
    return Table(
        BILL,
        {
            "part": [*(line.part for line in lines), "total"],
            "kind": [*(line.kind for line in lines), ""],
            "energy_kwh": np.array([*(line.energy_kwh for line in lines), np.nan]),
            "peak_kw": np.array([*(line.peak_kw for line in lines), np.nan]),
            "amount_eur": np.array([*cents, sum(cents)]) / 100,
        },
    )


def tariff_table(spec: TariffSpec) -> Table:
    """Return every figure of a tariff with its source: the preset's, the study's own, or varme's default."""
    preset = PRESETS.get(spec.preset)
    rows: list[tuple[str, str, str]] = []
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        if name in {"energy_eur_per_kwh", "co2_g_per_kwh", "preset", "prices_beyond"} or value in (None, []):
            continue
        dumped = spec.model_dump(mode="json", include={name})[name]
        if preset is not None and name in preset.values and _same(preset.values[name], dumped):
            source = f"{spec.preset}: {preset.sources[name]}"
        else:
            source = "the study" if name in spec.model_fields_set else "default of varme"
        rows.append((name, _shown(dumped), source))
    field, shown, source_of = zip(*rows, strict=True)
    return Table(TARIFF, {"field": list(field), "value": list(shown), "source": list(source_of)})


def tariff_findings(spec: TariffSpec, prices: Prices, grid: TimeGrid, timezone: str = "UTC") -> list[Finding]:
    """Return what a reader of a plan must know of its prices.

    Args:
        spec: The tariff.
        prices: The tariff over the base grid.
        grid: The base grid.
        timezone: Wall clock of the home, for messages.
    """
    found: list[Finding] = []
    loop = prices.export_cent_per_kwh > prices.import_cent_per_kwh + 1e-9
    if loop.any():
        spread = prices.export_cent_per_kwh - prices.import_cent_per_kwh
        at = int(np.argmax(spread))
        found.append(Finding(
            "export_above_import", "warning", "tariff",
            f"In {loop.sum() * grid.step_h:.1f} h export earns more than import costs, by up to {spread[at]:.1f} "
            f"ct/kWh ({grid.label(at, timezone)}). Buying and selling at once is excluded, but a battery will buy to "
            "sell: check whether the contract allows it.",
            {"hours_h": round(float(loop.sum() * grid.step_h), 2), "spread_cent_per_kwh": round(float(spread[at]), 3)},
        ))  # fmt: skip
    paid = prices.import_cent_per_kwh < 0
    if paid.any():
        found.append(Finding(
            "import_is_paid", "note", "tariff",
            f"In {paid.sum() * grid.step_h:.1f} h an imported kWh earns money with taxes and charges included "
            f"(lowest {prices.import_cent_per_kwh.min():.1f} ct/kWh).",
            {"hours_h": round(float(paid.sum() * grid.step_h), 2)},
        ))  # fmt: skip
    found += [f for f in (_short_of(charge, grid) for charge in prices.peaks) if f is not None]
    preset = PRESETS.get(spec.preset)
    if preset is not None:
        guessed = sorted(k for k, v in preset.sources.items() if "assumption" in v and _kept(spec, k))
        if guessed:
            found.append(Finding(
                "tariff_assumed", "note", "tariff.preset",
                f"Figures of {spec.preset} that are assumptions: {', '.join(guessed)}. "
                "Replace them by those of the bill.",
                {"preset": spec.preset, "fields": guessed},
            ))  # fmt: skip
    return found


def _short_of(charge: PeakCharge, grid: TimeGrid) -> Finding | None:
    """Return a warning if a short plan would carry the charge of a whole period for every kilowatt."""
    days = grid.n * grid.step_h / 24
    if days >= 20 or max(charge.so_far_kw, charge.expected_kw) > 0:
        return None
    return Finding(
        "peak_not_expected", "warning", "tariff.peaks",
        f"{charge.name}: no peak is known or expected, so a plan of {days:.0f} days carries "
        f"{charge.cent_per_kw / 100:.2f} EUR for every kW above {max(charge.free_kw, charge.minimum_kw):g}, as if "
        "nothing else made a peak in the period. State `expected_kw` (last month's peak) or `so_far_kw`.",
        {"cent_per_kw": round(charge.cent_per_kw, 2), "horizon_days": round(days, 2)},
    )  # fmt: skip


def _kept(spec: TariffSpec, name: str) -> bool:
    return _same(PRESETS[spec.preset].values[name], spec.model_dump(mode="json", include={name})[name])


def _same(preset: object, dumped: object) -> bool:
    """Return whether a figure is still the preset's (fields that the preset leaves out are at their defaults)."""
    if isinstance(preset, list) and isinstance(dumped, list):
        return len(preset) == len(dumped) and all(_same(a, b) for a, b in zip(preset, dumped, strict=True))
    if isinstance(preset, dict) and isinstance(dumped, dict):
        return all(_same(value, dumped.get(key)) for key, value in preset.items())
    return bool(preset == dumped)


def _shown(value: object) -> str:
    """Return a figure as text; periods and peaks one after the other, without what is as usual."""
    if isinstance(value, list):
        return "; ".join(_shown(one) for one in value)
    if isinstance(value, dict):
        usual = {"days": "all", "months": list(range(1, 13))}
        return ", ".join(
            f"{k} {_months(v) if k == 'months' else v}" for k, v in value.items() if usual.get(k) != v
        )
    return str(value)


def _months(months: list[int]) -> str:
    return " ".join(str(month) for month in months)
