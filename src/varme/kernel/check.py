"""The independent re-check of every answer, and the certificate that goes with it.

Nothing that a solver says of itself is believed: rows, bounds, integrality and the objective are computed anew with
NumPy from the model's arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varme.ground.errors import Problem, SolverError
from varme.kernel.model import Arrays, Floats

#: Largest violation of a row, bound or integrality that a result may have, in the row's own unit.
FEASIBILITY_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Certificate:
    """What is proven about an answer.

    Attributes:
        objective: Objective, computed anew from the values.
        bound: Proven lower bound.
        max_violation: Largest violation of any row, bound or integrality.
    """

    objective: float
    bound: float
    max_violation: float

    @property
    def gap_abs(self) -> float:
        """Objective minus bound, at least 0."""
        return max(0.0, self.objective - self.bound)

    @property
    def gap_share(self) -> float:
        """Gap relative to the objective (0 if both are 0)."""
        return self.gap_abs / max(abs(self.objective), 1e-9) if self.gap_abs > 0 else 0.0


def row_activity(arrays: Arrays, x: Floats) -> Floats:
    """Return ``A @ x``, shape (m,), without building a matrix object."""
    products = arrays.data * x[arrays.indices]
    return np.add.reduceat(products, arrays.indptr[:-1].astype(np.intp)) if len(products) else np.zeros(0)


def violation(arrays: Arrays, x: Floats, *, relaxed: bool = False) -> tuple[float, str]:
    """Return the largest violation and where it is (``row 12``, ``column 3``, ``integrality of 3``).

    ``relaxed`` leaves integrality out.
    """
    if not np.isfinite(x).all():
        return float("inf"), f"column {int(np.flatnonzero(~np.isfinite(x))[0])}"
    activity = row_activity(arrays, x)
    places = {
        "row": np.maximum(arrays.row_lower - activity, activity - arrays.row_upper),
        "column": np.maximum(arrays.col_lower - x, x - arrays.col_upper),
        "integrality of": np.where(arrays.integer & (not relaxed), np.abs(x - np.round(x)), 0.0),
    }
    worst, where = 0.0, ""
    for kind, values in places.items():
        if len(values) and values.max() > worst:
            worst, where = float(values.max()), f"{kind} {int(values.argmax())}"
    return worst, where


def certify(
    arrays: Arrays, x: Floats, objective: float, bound: float, where: str, *, relaxed: bool = False
) -> Certificate:
    """Re-check an answer and return its certificate.

    Args:
        arrays: The model as it was solved.
        x: The answer.
        objective: The objective that the solver or the search claims.
        bound: The proven lower bound.
        where: What was solved, for the message.
        relaxed: Whether integrality was given up on purpose.

    Raises:
        SolverError: P403 if a constraint is violated by more than 1e-6, if the objective does not add up to 1e-6
            relative, or if the bound lies above the objective.
    """
    worst, place = violation(arrays, x, relaxed=relaxed)
    true = float(arrays.cost @ x) + arrays.offset
    scale = max(1.0, abs(true))
    if not worst <= FEASIBILITY_TOLERANCE:
        limit = f"<= {FEASIBILITY_TOLERANCE:g}"
        raise SolverError(Problem("P403", where, f"{place} is violated", f"{worst:.3g}", limit))
    if abs(true - objective) > 1e-6 * scale:
        what = "the objective does not add up"
        raise SolverError(Problem("P403", where, what, f"{objective!r}", f"computed {true!r}"))
    if bound > true + 1e-6 * scale:
        raise SolverError(
            Problem("P403", where, "the bound lies above the objective", f"{bound!r}", f"<= {true!r}")
        )
    return Certificate(true, min(bound, true), worst)
