"""Findings of reading meters: what does not stop a study, and must be known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from varme.data.meters.dense import Tally
from varme.data.meters.sources import PanelShape
from varme.data.meters.stage import Staged
from varme.ground.findings import Finding, Severity


def findings_of(
    where: str, staged: Sequence[Staged], tally: Tally, meters: Sequence[str], shape: PanelShape, note: str
) -> list[Finding]:
    """Return what is odd in the files.

    Args:
        where: Field that names the files.
        staged: Groups of files.
        tally: What was counted while readings were placed.
        meters: Ids.
        shape: Grid of the panels.
        note: What must be known of a data set, empty if nothing.
    """
    found: list[Finding] = []

    def add(code: str, severity: Severity, count: int, text: str, **more: Any) -> None:
        if count:
            evidence = {"count": count, **more}
            found.append(Finding(code, severity, where, text.format(f"{count:,}"), evidence))

    if note:
        found.append(Finding("meter_data_set", "note", where, note))
    lost = sum(s.without_time + s.without_meter for s in staged)
    add("meter_rows_dropped", "warning", lost, "{} rows without a meter or a time are left out.")
    add(
        "negative_readings", "warning", tally.negative if shape.reading == "interval" else 0,
        "{} readings are negative; cleaning decides what becomes of them.", of=tally.inside,
    )  # fmt: skip
    add("duplicate_readings", "note", tally.same, "{} readings came more than once with the same value.")
    add(
        "conflicting_readings", "warning", tally.conflicting,
        "{} readings came more than once with different values; the first of the file is kept and marked.",
    )  # fmt: skip
    across = sorted(tally.across, key=lambda k: -tally.across[k])
    add(
        "meter_in_several_files", "warning", len(across),
        "{} meters have other readings for the same time in another file; those of the first file are kept.",
        first=[meters[k] for k in across[:5]],
    )  # fmt: skip
    add(
        "time_in_skipped_hour", "warning", tally.skipped,
        "{} readings lie in the hour that the clock skips in spring and are left out; if that happens every year, the "
        'clock does not change: state timezone = "Etc/GMT-1" or "UTC".',
    )  # fmt: skip
    share = tally.outside / max(1, tally.outside + tally.inside)
    add(
        "readings_outside_period",
        "note",
        tally.outside,
        f"{{}} readings ({100 * share:.0f} %) lie outside the years of the study.",
    )
    silent = np.flatnonzero(~tally.with_data)
    add(
        "meter_without_readings", "warning", len(silent), "{} meters have no reading in the years of the study.",
        first=[meters[k] for k in silent[:5].tolist()],
    )  # fmt: skip
    doubt = [s for s in staged if s.roles.stamps.day_first_assumed]
    if doubt:
        name = doubt[0].group.files[0].name
        text = f"Nothing in the first rows of {name} tells day and month apart; dates were read day first."
        found.append(Finding("dates_taken_day_first", "warning", where, text))
    return found
