"""Findings: data quality and alarms as data, never as prints."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["note", "warning", "alarm"]


@dataclass(frozen=True)
class Finding:
    """Something that a reader of a result must know.

    Attributes:
        code: Stable name in snake_case, for filters and tests (``gap_filled``, ``heat_unserved``).
        severity: ``note`` (worth knowing), ``warning`` (check it), ``alarm`` (do not rely on the result
        without action).
        where: Field path, unit, bus or time.
        message: One or two sentences, with figures and units.
        evidence: The figures behind it, JSON-able.
    """

    code: str
    severity: Severity
    where: str
    message: str
    evidence: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the parts as plain data, for JSON."""
        return asdict(self)
