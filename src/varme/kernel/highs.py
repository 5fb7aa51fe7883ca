"""The only place that talks to HiGHS: options and statuses are checked here, whole models are handed over as arrays.

HiGHS (Huangfu and Hall 2018, doi:10.1007/s12532-017-0130-5; MIT licence) raises nothing in Python when a call fails, so
every call goes through :meth:`Solver._do`. ``threads`` is process-wide and set to 1: varme computes in parallel by
processes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import highspy
import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import ModelError, Problem, SolverError
from varme.kernel.model import Arrays, Floats, Ints, Model, concatenated

Status = Literal["optimal", "infeasible", "unbounded", "time_limit", "limit", "unknown"]

_STATUS: dict[Any, Status] = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnbounded: "unbounded",
    highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",
    highspy.HighsModelStatus.kTimeLimit: "time_limit",
    highspy.HighsModelStatus.kIterationLimit: "limit",
    highspy.HighsModelStatus.kSolutionLimit: "limit",
    highspy.HighsModelStatus.kObjectiveBound: "limit",
    highspy.HighsModelStatus.kInterrupt: "limit",
}

#: HiGHS's codes of a basis.
AT_LOWER, BASIC, AT_UPPER, AT_ZERO = (
    int(highspy.HighsBasisStatus.kLower),
    int(highspy.HighsBasisStatus.kBasic),
    int(highspy.HighsBasisStatus.kUpper),
    int(highspy.HighsBasisStatus.kZero),
)


@dataclass(frozen=True)
class Solution:
    """What HiGHS answered.

    Attributes:
        status: Status of the model; ``x`` is meaningful only if a feasible point is known.
        objective: Objective of ``x``.
        bound: Proven lower bound of the objective (equal to the objective for an optimal LP).
        x: Values, shape (n,).
        row_dual: Duals of the rows, shape (m,); zeros for a MIP.
        reduced_cost: Duals of the bounds, shape (n,); zeros for a MIP.
        feasible: Whether ``x`` is a feasible point by HiGHS's own account.
        iterations: Simplex iterations.
        nodes: Branch-and-bound nodes.
    """

    status: Status
    objective: float
    bound: float
    x: Floats
    row_dual: Floats
    reduced_cost: Floats
    feasible: bool
    iterations: int
    nodes: int


class Solver:
    """A HiGHS instance that holds one model and is kept hot over changes of numbers.

    Args:
        arrays: The model.
        options: HiGHS options by their HiGHS names.

    Raises:
        SolverError: P404 if an option is refused, P401 if HiGHS refuses the model.
    """

    def __init__(self, arrays: Arrays, **options: Any) -> None:
        self.highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        self.time_limit_s = float("inf")
        if options.pop("threads", 1) != 1:
            raise SolverError(Problem("P404", "option threads", "varme computes in parallel by processes"))
        self.set(output_flag=False, threads=1, **options)
        self.arrays = arrays
        self.load(arrays)

    def _do(self, status: Any, what: str) -> None:
        if status == highspy.HighsStatus.kError:
            raise SolverError(Problem("P401", "HiGHS", f"{what} failed"))

    def set(self, **options: Any) -> None:
        """Set HiGHS options.

        Raises:
            SolverError: P404 if HiGHS refuses one.
        """
        if "time_limit" in options and isinstance(options["time_limit"], (int, float)):
            self.time_limit_s = float(options["time_limit"])
        for name, value in options.items():
            if self.highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
                raise SolverError(Problem("P404", f"option {name}", "HiGHS refused it", value=str(value)))

    def load(self, arrays: Arrays, *, relaxed: bool = False) -> None:
        """Hand a whole model over, as an LP if ``relaxed``.

        Raises:
            SolverError: P401 if HiGHS refuses it.
        """
        rows, columns, nonzeros = arrays.shape
        shared = (arrays.cost, arrays.col_lower, arrays.col_upper, arrays.row_lower, arrays.row_upper)
        matrix = (arrays.indptr, arrays.indices, arrays.data)
        none_i, none_f = np.zeros(1, dtype=np.int32), np.zeros(1)
        rowwise, minimise = int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize)
        self.relaxed = relaxed or not arrays.integer.any()
        if self.relaxed:
            kinds = np.zeros(columns, dtype=np.int32)
        else:
            kinds = arrays.integer.astype(np.int32)
        head = (columns, rows, nonzeros, 0, rowwise, 1, minimise, arrays.offset)
        status = self.highs.passModel(*head, *shared, *matrix, none_i, none_i, none_f, kinds)
        self._do(status, "passing the model")
        self.arrays = arrays

    def push(self, model: Model) -> None:
        """Hand over the numbers that the model changed since the last push; the basis is kept.

        Raises:
            SolverError: P401 if HiGHS refuses a change.
        """
        arrays, changes, highs = self.arrays, model.take_changes(), self.highs
        if changes.cost:
            columns = concatenated(changes.cost)
            self._do(highs.changeColsCost(len(columns), columns, arrays.cost[columns]), "changing costs")
        if changes.columns:
            columns = concatenated(changes.columns)
            limits = (arrays.col_lower[columns], arrays.col_upper[columns])
            self._do(highs.changeColsBounds(len(columns), columns, *limits), "changing bounds")
        if changes.rows:
            rows = concatenated(changes.rows)
            limits = (arrays.row_lower[rows], arrays.row_upper[rows])
            self._do(highs.changeRowsBounds(len(rows), rows, *limits), "changing limits")
        if changes.data:
            positions = concatenated(changes.data)
            owners = np.searchsorted(arrays.indptr, positions, side="right") - 1
            for row, position in zip(owners.tolist(), positions.tolist(), strict=True):
                value = float(arrays.data[position])
                self._do(
                    highs.changeCoeff(row, int(arrays.indices[position]), value), "changing a coefficient"
                )

    def change_bounds(self, columns: Ints, lower: Floats, upper: Floats) -> None:
        """Change the bounds of columns in HiGHS alone (the model's arrays stay as they are)."""
        self._do(self.highs.changeColsBounds(len(columns), columns, lower, upper), "changing bounds")

    def relax(self, relaxed: bool) -> None:
        """Treat integer columns as continuous, or as integer again."""
        if relaxed == self.relaxed:
            return
        columns = np.flatnonzero(self.arrays.integer).astype(np.int32)
        kinds = np.full(len(columns), 0 if relaxed else 1, dtype=np.uint8)
        self._do(self.highs.changeColsIntegrality(len(columns), columns, kinds), "changing integrality")
        self.relaxed = relaxed

    def forget(self) -> None:
        """Forget basis, solution and everything else that earlier solves left behind, but not the model.

        What follows then depends on the model and on what is set from here on alone, and repeats itself bit by bit.
        """
        self._do(self.highs.clearSolver(), "clearing the solver")

    def basis(self) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """Return the basis of the last solve as two arrays of HiGHS's status codes (columns, rows).

        It is read from the basic variables and the solution, which come as arrays; HiGHS's own basis object would be
        turned into a Python object per column and row.

        Raises:
            SolverError: P401 if there is none.
        """
        status, basic = self.highs.getBasicVariables()
        self._do(status, "reading the basis")
        solution, arrays = self.highs.getSolution(), self.arrays
        columns = _nearer_bound(np.array(solution.col_value), arrays.col_lower, arrays.col_upper)
        rows = _nearer_bound(np.array(solution.row_value), arrays.row_lower, arrays.row_upper)
        columns[basic[basic >= 0]] = BASIC
        rows[-1 - basic[basic < 0]] = BASIC
        return columns, rows

    def set_basis(self, basis: tuple[NDArray[np.int8], NDArray[np.int8]], *, alien: bool = False) -> None:
        """Start the next solve from a basis that :meth:`basis` returned.

        Args:
            basis: Status codes of columns and rows.
            alien: Whether it was put together, so that HiGHS must check it and repair it.
        """
        out = highspy.HighsBasis()
        out.col_status = _BASIS[basis[0]].tolist()
        out.row_status = _BASIS[basis[1]].tolist()
        out.valid = True
        out.alien = alien
        self._do(self.highs.setBasis(out), "setting the basis")

    def start_from(self, x: Floats) -> None:
        """Give a MIP start: values for all columns."""
        columns = np.arange(len(x), dtype=np.int32)
        self._do(self.highs.setSolution(len(x), columns, np.asarray(x, dtype=float)), "setting a MIP start")

    def run(self) -> Solution:
        """Solve, and check what came back.

        Raises:
            SolverError: P401 if HiGHS reports an error.
        """
        if np.isfinite(self.time_limit_s):
            # HiGHS holds an LP's limit against the time of all runs of this object so far, a MIP's against this run.
            spent = self.highs.getRunTime() if self.relaxed else 0.0
            self.highs.setOptionValue("time_limit", spent + self.time_limit_s)
        self._do(self.highs.run(), "solving")
        found = self.highs.getModelStatus()
        if found == highspy.HighsModelStatus.kUnboundedOrInfeasible:
            found = self._told_apart()
        info = self.highs.getInfo()
        status = _STATUS.get(found, "unknown")
        solution = self.highs.getSolution()
        feasible = int(info.primal_solution_status) == int(highspy.SolutionStatus.kSolutionStatusFeasible)
        x = np.array(solution.col_value) if solution.value_valid else np.zeros(len(self.arrays.cost))
        dual = bool(solution.dual_valid) and self.relaxed
        objective = float(info.objective_function_value)
        if not self.relaxed:
            bound = float(info.mip_dual_bound)
        else:
            bound = objective if status == "optimal" else -np.inf
        return Solution(
            status=status,
            objective=objective,
            bound=bound,
            x=x,
            row_dual=np.array(solution.row_dual) if dual else np.zeros(len(self.arrays.row_lower)),
            reduced_cost=np.array(solution.col_dual) if dual else np.zeros(len(self.arrays.cost)),
            feasible=feasible,
            iterations=int(info.simplex_iteration_count),
            nodes=max(int(info.mip_node_count), 0),
        )

    def _told_apart(self) -> Any:
        """Return whether a model is unbounded or infeasible where presolve saw that it is one of the two.

        Without costs nothing is unbounded, so what has a feasible point then was unbounded.
        """
        costs = np.array(self.highs.getLp().col_cost_)
        columns = np.arange(len(costs), dtype=np.int32)
        self._do(self.highs.changeColsCost(len(columns), columns, np.zeros(len(columns))), "changing costs")
        self._do(self.highs.run(), "solving without costs")
        status = self.highs.getModelStatus()
        self._do(self.highs.changeColsCost(len(columns), columns, costs), "changing costs")
        if status == highspy.HighsModelStatus.kOptimal:
            return highspy.HighsModelStatus.kUnbounded
        return status

    def write(self, path: Path, column_names: list[str], row_names: list[str]) -> None:
        """Write the model as MPS or LP, by the path's suffix, with names.

        Raises:
            SolverError: P401 if HiGHS cannot write it.
        """
        for position, name in enumerate(_safe(column_names)):
            self._do(self.highs.passColName(position, name), "naming a column")
        for position, name in enumerate(_safe(row_names)):
            self._do(self.highs.passRowName(position, name), "naming a row")
        self._do(self.highs.writeModel(str(path)), f"writing {path}")


def _nearer_bound(values: Floats, lower: Floats, upper: Floats) -> NDArray[np.int8]:
    codes = np.where(np.abs(values - lower) <= np.abs(upper - values), AT_LOWER, AT_UPPER).astype(np.int8)
    codes[np.isinf(lower) & np.isinf(upper)] = AT_ZERO
    return codes


_BASIS = np.array(sorted(highspy.HighsBasisStatus.__members__.values(), key=int), dtype=object)


def _safe(names: list[str]) -> list[str]:
    """Return names without characters that MPS and LP files give a meaning to, and without repeats.

    HiGHS drops all names of a file as soon as one of them does not serve.
    """
    taken: dict[str, int] = {}
    out = []
    for name in names:
        safe = _NOT_SAFE.sub("_", name.replace("[-", "[m").replace("[", "(").replace("]", ")"))
        safe = safe if safe[:1].isalpha() and not _LIKE_A_NUMBER.match(safe) else f"n_{safe}"
        taken[safe] = taken.get(safe, 0) + 1
        while taken[safe] > 1:
            safe = f"{safe}_{taken[safe]}"
            taken[safe] = taken.get(safe, 0) + 1
        out.append(safe)
    return out


_NOT_SAFE = re.compile(r"[^A-Za-z0-9_.()]")
#: LP files read ``e5`` as an exponent and some words as keywords.
_LIKE_A_NUMBER = re.compile(r"(?i)e\d|inf|free|st$|s\.t\.|end|bin|gen|int|semi|sos|bound|sub|min|max")


def require_optimal(solution: Solution, where: str) -> Solution:
    """Return the solution of an LP if it is optimal.

    Raises:
        ModelError: P301 if infeasible, P302 if unbounded.
        SolverError: P402 at a time limit without a feasible point, P401 otherwise.
    """
    if solution.status == "optimal":
        return solution
    if solution.status == "infeasible":
        raise ModelError(Problem("P301", where, "the model has no feasible point"))
    if solution.status == "unbounded":
        raise ModelError(Problem("P302", where, "the cost can fall without limit"))
    if solution.status == "time_limit":
        raise SolverError(Problem("P402", where, "the time limit was reached before a plan was known"))
    raise SolverError(Problem("P401", where, "HiGHS stopped without an answer", value=solution.status))
