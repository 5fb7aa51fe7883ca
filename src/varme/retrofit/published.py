"""The figures of Bayer & Pruckner 2023 beside ours: what follows from their formulas, and where their totals disagree.

Source of every published figure: "Modeling of annual and daily electricity demand of retrofitted heat pumps based on
gas smart meter data" (2023), Table 1 and text: about 1,400 daily gas meters, 73 heat-pump meters, 2019 to 2021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.tables import Column, Table, TableSchema
from varme.retrofit.alarms import household_findings
from varme.retrofit.consistency import totals_findings

Floats = NDArray[np.float64]

#: Years of the paper, and their winter means [C] (1 January to 20 February and 1 November to 31 December).
YEARS, WINTER_C = (2019, 2020, 2021), (3.8, 4.6, 2.8)
#: B = SPF / (1 - gamma) on the paper's grid, gamma, and the SPF that it prints.
B, GAMMA, SPF = (3.3, 3.5, 3.0), 0.105, (3.0, 3.1, 2.7)
#: Electricity if all gas homes switch [GWh], and by how much that raises household demand [%].
GWH, RISE_PERCENT = (9.6, 8.7, 10.1), (149.0, 151.0, 171.0)
#: Correlations with the daily mean temperature, of gas with heat pumps by day, and of annual heat with volume.
HEAT_PUMP_TEMPERATURE, GAS_TEMPERATURE = (-0.92, -0.92, -0.95), (-0.93, -0.92, -0.92)
HEAT_PUMP_GAS, VOLUME_HEAT = (0.99, 0.98, 0.97), (0.63, 0.65)
#: Useful heat of all gas homes [GWh] and household demand [GWh] that the printed figures imply, with the digits that
#: reproduce them; the paper does not print them.
HEAT_GWH_TH, HOUSEHOLD_GWH = (31.7, 30.5, 30.3), (6.44, 5.76, 5.91)
#: Gas homes of the paper.
HOMES = 1400
#: Days of the winter mean, and degree days of the rest of a year below 15 C (assumption: 850 K d; with them a winter
#: that is
#: 1 K colder means about 5 % more heat).
WINTER_DAYS, REST_K_DAYS, LIMIT_C = 112, 850.0, 15.0
#: Standard error of log B of the paper's own method at 1,400 + 73 meters: RMSE 0.26-0.33 on 3.3 (1,000 simulated
#: towns).
PAPER_LOG_SE = 0.09
#: Rise of log SPF per kelvin of the winter mean that physics gives: When2Heat curves on eight real years.
PHYSICAL_PER_K = 0.011

PUBLISHED = TableSchema(
    "published",
    "Figures of Bayer & Pruckner 2023, what their formulas give, and ours",
    (
        Column("figure", "text", "what it is"),
        Column("year", "text", "calendar year; empty for all"),
        Column("published", "number", "as printed; the lower end of a range"),
        Column("published_high", "number", "upper end of a range; the same as printed otherwise"),
        Column(
            "formula", "number", "from the paper's other figures by its formulas; empty where it is an input"
        ),
        Column("ours", "number", "this study; empty where it has none"),
        Column("low", "number", "lower end of our interval; empty where there is none"),
        Column("high", "number", "upper end"),
        Column("verdict", "text", "of the formula against the printed digit, and of ours against the paper"),
        Column("how", "text", "formula, or where it comes from"),
    ),
)


@dataclass(frozen=True)
class PublishedFigure:
    """A figure of the paper.

    Attributes:
        name: Key (``spf``).
        figure: What it is.
        year: Calendar year, or ``None`` for all.
        low: As printed; the lower end of a range.
        high: The same, or the upper end.
        digits: Decimals that are printed.
        formula: What the paper's formulas give; NaN for its inputs.
        how: The formula.
        implied: Whether an input of the formula is itself only implied by printed figures: then it proves nothing but
            that they agree with each other.
    """

    name: str
    figure: str
    year: int | None
    low: float
    high: float
    digits: int
    formula: float = float("nan")
    how: str = ""
    implied: bool = False

    @property
    def reproduced(self) -> bool:
        """Whether the formula gives the printed digits."""
        rounded = round(self.formula, self.digits) + 0.0
        return bool(self.low - 1e-9 <= rounded <= self.high + 1e-9)


def published_figures() -> list[PublishedFigure]:
    """Return the paper's figures, with what its own formulas give for the derived ones."""
    out = []
    for k, year in enumerate(YEARS):
        spf, gwh = B[k] * (1 - GAMMA), HEAT_GWH_TH[k] / B[k]
        rise = 100 * GWH[k] / HOUSEHOLD_GWH[k]
        out += [
            PublishedFigure("b", "B = SPF / (1 - gamma)", year, B[k], B[k], 1, how="minimum on a grid of 0.1"),
            PublishedFigure("spf", "SPF", year, SPF[k], SPF[k], 1, spf, "B (1 - gamma), gamma 10.5 %"),
            PublishedFigure(
                "gwh", "electricity if all switch [GWh]", year, GWH[k], GWH[k], 1, gwh, "heat / B, as implied", True
            ),
            PublishedFigure(
                "rise", "rise of household demand [%]", year, RISE_PERCENT[k], RISE_PERCENT[k], 0, rise,
                "electricity / household demand, as implied", True,
            ),
            PublishedFigure(
                "heat_pump_temperature", "correlation, heat pumps with temperature", year, HEAT_PUMP_TEMPERATURE[k],
                HEAT_PUMP_TEMPERATURE[k], 2, how="daily means over the meters",
            ),
            PublishedFigure(
                "gas_temperature", "correlation, gas with temperature", year, GAS_TEMPERATURE[k], GAS_TEMPERATURE[k], 2,
                how="daily means over the meters",
            ),
            PublishedFigure(
                "heat_pump_gas", "correlation, heat pumps with gas", year, HEAT_PUMP_GAS[k], HEAT_PUMP_GAS[k], 2,
                how="daily means over the meters",
            ),
            PublishedFigure("winter", "winter mean temperature [C]", year, WINTER_C[k], WINTER_C[k], 1, how="measured"),
        ]  # fmt: skip
    low, high = VOLUME_HEAT
    out.append(
        PublishedFigure(
            "volume_heat", "correlation, annual heat with volume", None, low, high, 2, how="over gas homes"
        )
    )
    return sorted(out, key=lambda f: (list(dict.fromkeys(g.name for g in out)).index(f.name), f.year or 0))


@dataclass(frozen=True)
class Ours:
    """A figure of a study, to stand beside a published one.

    Attributes:
        value: The figure.
        low: Lower end of its interval; NaN for none.
        high: Upper end.
    """

    value: float
    low: float = float("nan")
    high: float = float("nan")


def published_table(ours: Mapping[tuple[str, int | None], Ours] | None = None) -> Table:
    """Return the paper's figures, what its formulas give, and those of a study.

    Args:
        ours: (name, year) -> figure of a study; names are those of :func:`published_figures`. Only a study of the
        paper's own
            town, or of one with its marginals, can be compared.
    """
    ours = ours or {}
    rows = []
    for figure in published_figures():
        mine = ours.get((figure.name, figure.year))
        value, low, high = (mine.value, mine.low, mine.high) if mine else (np.nan,) * 3
        rows.append(
            (
                figure.figure, str(figure.year or ""), figure.low, figure.high, figure.formula, value, low, high,
                _verdict(figure, mine), figure.how,
            )
        )  # fmt: skip
    columns = list(zip(*rows, strict=True))
    return Table(PUBLISHED, {c.name: list(v) for c, v in zip(PUBLISHED.columns, columns, strict=True)})


def _verdict(figure: PublishedFigure, ours: Ours | None) -> str:
    parts = []
    if np.isfinite(figure.formula):
        parts.append(
            "formula gives the printed digit" if figure.reproduced else "formula gives another digit"
        )
        if figure.implied:
            parts.append("its input is implied, no independent check")
    if ours is not None and np.isfinite(ours.value):
        if np.isfinite(ours.low):
            inside = ours.low <= figure.high and figure.low <= ours.high
            parts.append("inside our interval" if inside else "outside our interval")
        elif replace(figure, formula=ours.value).reproduced:
            parts.append("ours is the same")
        else:
            parts.append(_beside_all_years(figure, ours.value))
    return "; ".join(parts)


def _beside_all_years(figure: PublishedFigure, value: float) -> str:
    """Return whether a figure that differs from its year's is within those of the paper's years."""
    same = [f for f in published_figures() if f.name == figure.name]
    span = replace(figure, low=min(f.low for f in same), high=max(f.high for f in same), formula=value)
    return (
        "ours is within the paper's years"
        if span.reproduced
        else f"ours differs by {value - figure.low:+.2g}"
    )


def correlations(
    gas_days: Floats,
    heat_pump_days: Floats,
    temperature_c: Floats,
    year: NDArray[np.int64],
    years: Sequence[int],
) -> dict[tuple[str, int | None], Ours]:
    """Return the paper's daily correlations of a study, by year, for :func:`published_table`.

    Args:
        gas_days: Mean or sum over the gas meters by day, shape (days,).
        heat_pump_days: The same of the heat pumps.
        temperature_c: Daily mean outdoor temperature.
        year: Calendar year of each day.
        years: Years wanted.
    """
    out: dict[tuple[str, int | None], Ours] = {}
    pairs = {
        "heat_pump_temperature": (heat_pump_days, temperature_c),
        "gas_temperature": (gas_days, temperature_c),
        "heat_pump_gas": (heat_pump_days, gas_days),
    }
    for y in years:
        for name, (a, b) in pairs.items():
            chosen = (year == y) & np.isfinite(a) & np.isfinite(b)
            if chosen.sum() > 2 and a[chosen].std() > 0 and b[chosen].std() > 0:
                out[name, y] = Ours(float(np.corrcoef(a[chosen], b[chosen])[0, 1]))
    return out


def volume_correlation(energy: Floats, volume_m3: Floats) -> dict[tuple[str, int | None], Ours]:
    """Return the correlation of annual heat with volume, mean over the years, for :func:`published_table`.

    Args:
        energy: Useful heat by meter and year, NaN where not usable, shape (meters, years).
        volume_m3: Volume of each meter's building, NaN where not known.
    """
    found = []
    for k in range(energy.shape[1]):
        ok = np.isfinite(energy[:, k]) & np.isfinite(volume_m3)
        if ok.sum() > 2 and energy[ok, k].std() > 0 and volume_m3[ok].std() > 0:
            found.append(np.corrcoef(energy[ok, k], volume_m3[ok])[0, 1])
    return {("volume_heat", None): Ours(float(np.mean(found)))} if found else {}


def winter_degree_days(winter_c: Sequence[float]) -> Floats:
    """Return degree days of years of which only the winter mean is known: 112 days of it, and 850 K d for the rest."""
    return np.asarray(
        WINTER_DAYS * (LIMIT_C - np.asarray(winter_c, dtype=float)) + REST_K_DAYS, dtype=np.float64
    )


def paper_findings() -> list[Finding]:
    """Return where the paper's own figures disagree, from its printed numbers alone.

    Its totals (B x GWh) fall in the coldest year; the household demand behind its percentages falls by a tenth; and its
    three values of B differ by less than the noise of its method.
    """
    heat = np.asarray(B) * np.asarray(GWH)
    household = 100 * np.asarray(GWH) / np.asarray(RISE_PERCENT)
    findings = totals_findings(
        heat, winter_degree_days(WINTER_C), YEARS, what="heat of all gas homes (B x GWh)"
    )
    findings += household_findings(household, YEARS)
    return findings + trend_findings(B, WINTER_C, YEARS)


def trend_findings(
    b_ratio: Sequence[float], winter_c: Sequence[float], years: Sequence[int], log_se: float = PAPER_LOG_SE
) -> list[Finding]:
    """Return a finding where yearly estimates of B move more with the winter than a heat pump can, or within the noise.

    Args:
        b_ratio: B by year, estimated year by year.
        winter_c: Winter mean by year [C].
        years: Calendar years.
        log_se: Standard error of log B of one year, of the method used.
    """
    b, t = np.log(np.asarray(b_ratio, dtype=float)), np.asarray(winter_c, dtype=float)
    if len(b) < 2 or np.ptp(t) == 0:
        return []
    slope = float(np.polyfit(t, b, 1)[0])
    noise = log_se / float(np.sqrt(((t - t.mean()) ** 2).sum()))
    if abs(slope) <= 3 * PHYSICAL_PER_K:
        return []
    inside = abs(slope - PHYSICAL_PER_K) < 2 * noise
    return [
        Finding(
            "trend_of_b_not_physical", "warning", "B by year",
            f"B changes by {100 * slope:.1f} % per kelvin of winter mean over {years[0]}-{years[-1]}; COP curves "
            f"give about "
            f"{100 * PHYSICAL_PER_K:.1f} %. The method's own noise is {100 * noise:.1f} % per kelvin"
            + (": the years cannot be told apart. " if inside else ". ")
            + "Use the panel of the same meters for changes between years.",
            {"years": list(years), "b_ratio": list(b_ratio), "winter_c": list(winter_c), "slope_share_per_k": slope,
             "noise_share_per_k": noise, "physical_share_per_k": PHYSICAL_PER_K},
        )
    ]  # fmt: skip


def published_chart() -> list[Chart]:
    """Return the chart of our B by year beside the paper's; only for a study that has both."""
    return [
        Chart(
            "published_b", "scatter", "B by year: the paper's and ours with its interval", "published", "year",
            ("published", "ours", "low", "high"), where={"figure": ("B = SPF / (1 - gamma)",)}, x_label="year",
            y_label="B [-]", section="Validation",
            note="The paper prints no interval; its three values lie within the noise of a single year.",
        )
    ]  # fmt: skip
