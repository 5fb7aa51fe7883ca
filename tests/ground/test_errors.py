"""Errors: one tree, every part in the text, alive after a trip between processes."""

import copy
import pickle

import pytest

from varme.ground import errors
from varme.ground.errors import CODES, Collector, InputError, Problem, RunError, VarmeError

TREE = [errors.InputError, errors.DataError, errors.ModelError, errors.SolverError, errors.RunError]
PROBLEM = Problem("P101", "study.toml: devices.A.ramp", "outside its limits", "-1", "must be > 0")


@pytest.mark.parametrize("kind", TREE)
def test_errors_survive_pickling_with_all_their_problems(kind):
    """Workers send their errors home; an exception that loses its arguments there hides the cause."""
    error = kind([PROBLEM, Problem("P104", "b", "unknown field")], "study.toml")
    for back in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(back) is kind
        assert (back.problems, back.source, str(back)) == (error.problems, "study.toml", str(error))


def test_one_tree_with_an_exit_code_each():
    assert all(issubclass(kind, VarmeError) for kind in TREE)
    assert [kind.exit_code for kind in TREE] == [2, 3, 4, 5, 6]
    assert VarmeError.exit_code == 1
    defined = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert set(defined) == {VarmeError, *TREE}


def test_the_text_holds_every_part():
    assert str(InputError(PROBLEM, "study.toml")) == (
        "study.toml: 1 problem\n"
        "  P101 study.toml: devices.A.ramp = -1: outside its limits (must be > 0). "
        "Give a value within the limit that is stated."
    )
    assert str(RunError([PROBLEM, PROBLEM])).startswith("2 problems\n")


def test_a_remedy_of_its_own_replaces_the_general_one():
    assert str(Problem("P104", "x", "unknown field", remedy="Use y.")).endswith("unknown field. Use y.")


def test_unknown_codes_are_programming_errors():
    with pytest.raises(ValueError, match="P999"):
        Problem("P999", "x", "y")


def test_every_code_teaches():
    assert all(code[0] == "P" and code[1:].isdigit() and len(code) == 4 for code in CODES)
    for entry in CODES.values():
        assert entry.title
        assert entry.meaning.endswith(".")
        assert entry.remedy.endswith(".")


def test_a_collector_raises_everything_or_nothing():
    problems = Collector()
    problems.raise_if_any()
    problems.add("P101", "a", "b", value=3.5)
    problems.add("P102", "c", "d", value="text")
    with pytest.raises(InputError) as caught:
        problems.raise_if_any(source="s")
    assert [p.value for p in caught.value.problems] == ["3.5", "text"]
    assert caught.value.problems[0].as_dict() == {
        "code": "P101", "where": "a", "what": "b", "value": "3.5", "limit": "", "remedy": ""
    }  # fmt: skip
