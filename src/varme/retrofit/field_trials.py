"""SPF of field trials beside an estimate: by source and boundary, with what "inside the range" is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.tables import Column, Table, TableSchema

#: SPF of one boundary over that of H3 (SEPEMO-Build: H1 the machine alone, H2 with its source, H3 with the backup
#: heater,
#: H4 with the pumps of the heating circuit). H2 to H4: 2.93 to 2.81, the figures reported of Electrification of Heat
#: (our
#: reading that the larger is H2), halved between backup and pumps; H1: assumption.
BOUNDARY_RATIO: Mapping[str, float] = {"H1": 1.05, "H2": 1.02, "H3": 1.0, "H4": 0.98}


@dataclass(frozen=True)
class Trial:
    """A field trial.

    Attributes:
        name: Short name.
        source: Heat source.
        boundary: SEPEMO boundary; empty where what was read does not state it.
        low: Lower end of its range, or its mean or median.
        high: Upper end, or the same.
        what: Which statistic.
        reference: Where the figure comes from.
    """

    name: str
    source: Literal["air", "ground", "mixed"]
    boundary: str
    low: float
    high: float
    what: str
    reference: str


TRIALS = (
    Trial("quoted", "air", "", 2.3, 3.1, "range", "Bayer & Pruckner 2023"),
    Trial("quoted", "ground", "", 2.9, 4.0, "range", "Bayer & Pruckner 2023"),
    Trial("EST", "mixed", "H4", 2.45, 2.45, "mean", "Energy Saving Trust, by OpenEnergyMonitor"),
    Trial("RHPP", "mixed", "H4", 2.36, 2.36, "mean", "Renewable Heat Premium Payment, by OpenEnergyMonitor"),
    Trial("EoH", "air", "H4", 2.81, 2.81, "median", "Electrification of Heat, Energy Systems Catapult 2024"),
    Trial("RHI", "ground", "", 3.31, 3.31, "mean", "rb&m 2024 on Ofgem data, installed 2022"),
    Trial("ISE", "air", "", 3.4, 3.4, "mean", "Fraunhofer ISE 2025, 77 heat pumps in older homes"),
    Trial("ISE", "ground", "", 4.3, 4.3, "mean", "Fraunhofer ISE 2025"),
    Trial("HPM", "air", "H4", 3.86, 3.86, "mean", "owners who measure: HeatpumpMonitor.org, CC BY 4.0"),
)  # fmt: skip

FIELD_TRIALS = TableSchema(
    "field_trials",
    "SPF of field trials beside the estimate",
    (
        Column("trial", "text", "name of the trial and its heat source"),
        Column("source", "text", "heat source"),
        Column("boundary", "text", "SEPEMO boundary of the trial; empty if not stated"),
        Column("statistic", "text", "what low and high are"),
        Column(
            "low_spf", "number", "lower end, or the mean or median, brought to the boundary of the meters"
        ),
        Column("high_spf", "number", "upper end, or the same"),
        Column("ours_spf", "number", "the estimate"),
        Column("ours_low_spf", "number", "lower end of its interval"),
        Column("ours_high_spf", "number", "upper end of its interval"),
        Column("verdict", "text", "whether the interval is below, above or overlaps the trial"),
        Column("reference", "text", "where the figure comes from"),
    ),
)


def mixed_range(ground_share: float) -> tuple[float, float]:
    """Return the range of SPF that the paper's ranges allow a fleet: their harmonic mixture.

    Heat-pump electricity adds up, so the SPF of a fleet is the harmonic mean weighted by heat: 76 % air and 24 % ground
    give 2.4 to 3.3.

    Args:
        ground_share: Share of the heat from ground sources.
    """
    air, ground = TRIALS[0], TRIALS[1]
    low, high = (
        1 / ((1 - ground_share) / a + ground_share / g)
        for a, g in ((air.low, ground.low), (air.high, ground.high))
    )
    return float(low), float(high)


def field_trial_table(
    spf: float, low: float, high: float, ground_share: float | None = None, boundary: str = "H3"
) -> Table:
    """Return the trials beside an estimate.

    Args:
        spf: Estimate of the fleet's SPF.
        low: Lower end of its interval.
        high: Upper end.
        ground_share: Share of ground sources; the mixture of the paper's ranges is added if it is known.
        boundary: Boundary of the heat-pump meters; trials of another stated boundary are brought to it.
    """
    trials = list(TRIALS)
    if ground_share is not None:
        mix = mixed_range(ground_share)
        trials.insert(2, Trial("quoted", "mixed", "", *mix, "range", "harmonic mixture of the two above"))
    rows = []
    for trial in trials:
        factor = BOUNDARY_RATIO[boundary] / BOUNDARY_RATIO[trial.boundary] if trial.boundary else 1.0
        a, b = trial.low * factor, trial.high * factor
        verdict = "overlaps" if low <= b and high >= a else "above" if low > b else "below"
        rows.append(
            (
                f"{trial.name} {trial.source}",
                trial.source,
                trial.boundary,
                trial.what,
                a,
                b,
                spf,
                low,
                high,
                verdict,
                trial.reference,
            )
        )
    columns = list(zip(*rows, strict=True))
    return Table(FIELD_TRIALS, {c.name: list(v) for c, v in zip(FIELD_TRIALS.columns, columns, strict=True)})


def field_trial_chart(spf: float, low: float, high: float) -> list[Chart]:
    """Return the chart of the trials beside the estimate.

    Args:
        spf: Estimate of the fleet's SPF.
        low: Lower end of its interval.
        high: Upper end.
    """
    return [
        Chart(
            "field_trials", "scatter", "SPF of field trials beside the estimate", "field_trials", "trial",
            ("low_spf", "high_spf"), x_label="", y_label="SPF [-]", section="Seasonal performance factor",
            threshold={f"estimate {spf:.2f}": spf, f"low {low:.2f}": low, f"high {high:.2f}": high},
            note="One point is a mean or median, two are a range; the lines are the estimate and its interval. "
            "Selection of homes alone moves the SPF by 1.4 from trial to trial: agreement with one of them proves "
            "little. Sources are in the table.",
        )
    ]  # fmt: skip


def field_trial_findings(
    spf: float, low: float, high: float, ground_share: float, boundary: str = "", year: str = ""
) -> list[Finding]:
    """Return whether an estimate fits field trials, and what that is worth.

    Args:
        spf: Estimate of the fleet's SPF.
        low: Lower end of its interval.
        high: Upper end.
        ground_share: Share of ground sources.
        boundary: Boundary of the heat-pump meters, if known.
        year: Year, for the place.
    """
    where = f"SPF {year}".strip()
    least, most = mixed_range(ground_share)
    evidence = {
        "spf": spf, "low_spf": low, "high_spf": high, "trials_low_spf": least, "trials_high_spf": most,
        "ground_share": ground_share, "boundary": boundary,
    }  # fmt: skip
    if low > most or high < least:
        side = "above" if low > most else "below"
        return [
            Finding(
                "spf_outside_trials", "warning", where,
                f"The SPF, {spf:.2f} ({low:.2f} to {high:.2f}), lies {side} what field trials found for "
                f"{100 * ground_share:.0f} % ground source, {least:.1f} to {most:.1f}. Look at the boundary of the "
                f"meters, "
                "photovoltaics behind them, gross and net, and the efficiency of the furnaces.",
                evidence,
            )
        ]  # fmt: skip
    covered = float(np.log(min(high, most) / max(low, least)) / np.log(most / least))
    return [
        Finding(
            "trials_prove_little", "note", where,
            f"The SPF, {spf:.2f} ({low:.2f} to {high:.2f}), agrees with field trials, {least:.1f} to {most:.1f} for "
            f"{100 * ground_share:.0f} % ground source. That range is {100 * (most / least - 1):.0f} % wide and "
            f"would admit "
            "almost any answer: it is no validation.",
            evidence | {"covered_share": covered},
        )
    ]  # fmt: skip
