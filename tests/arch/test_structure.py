"""The house rules of DESIGN.md that a machine can hold."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "varme"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

#: Names that say nothing about what a module holds.
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}

#: Calls that assert on behalf of the caller.
ASSERTING = re.compile(r"^(raises|warns|fail|deprecated_call|expect|assert_\w+|check_\w+|expect_\w+)$")

#: Hosts of package registries and what configures them; written so that this file does not name one.
REGISTRY = re.compile(
    r"(pypi|pythonhosted|npmjs|yarnpkg|jsdelivr|unpkg|deb\.debian|security\.debian)\.(org|com|net|io)"
    r"|--(extra-)?index-url|--find-links|registry\+http|artifactory|/simple/?[\"'\s]",
    re.IGNORECASE,
)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def test_contracts_hold():
    """Storeys import downwards only, and every room has its place."""
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(command), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


# ------------------------------------------------------------------------------------------- tests that assert


def call_name(call: ast.Call) -> str:
    """Return the last part of what is called: ``raises`` for ``pytest.raises(...)``."""
    target = call.func
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def asserts(function: ast.AST) -> bool:
    """Return whether a function holds an assertion of its own, or calls something that is named as one."""
    return any(
        isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and ASSERTING.match(call_name(node)))
        for node in ast.walk(function)
    )


def without_assertion(tree: ast.Module) -> list[str]:
    """Return the test functions and methods that assert nothing."""
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS) and node.name.startswith("test") and not asserts(node)
    ]


def test_every_test_asserts_something():
    """A validation without an assertion proves nothing, and looks as if it did."""
    empty = {relative(path): names for path in TESTS if (names := without_assertion(parsed(path)))}
    assert empty == {}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("result = 1", ["test_it"]),
        ("compare(1, 2)", ["test_it"]),
        ("assert 1", []),
        ("with pytest.raises(ValueError): f()", []),
        ("np.testing.assert_allclose(1, 1)", []),
        ("check_balance(1)", []),
    ],
)
def test_the_search_for_assertions_finds_them(body, found):
    assert without_assertion(ast.parse(f"def test_it():\n    {body}")) == found


# ------------------------------------------------------------------------------------------- names and imports


def test_no_module_has_a_name_that_says_nothing():
    parts = {part for path in [*SOURCES, *TESTS] for part in path.relative_to(ROOT).with_suffix("").parts}
    assert parts & NAMELESS == set()


def hidden_imports(tree: ast.Module) -> list[int]:
    """Return the lines of first-party imports inside functions."""
    return [
        inner.lineno
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS)
        for inner in ast.walk(node)
        if isinstance(inner, ast.stmt | ast.expr) and is_first_party(inner)
    ]


def is_first_party(node: ast.AST) -> bool:
    """Return whether a node imports from varme, by statement or by ``import_module("varme...")``."""
    match node:
        case ast.Import(names=names):
            return any(alias.name.split(".")[0] == "varme" for alias in names)
        case ast.ImportFrom(module=module, level=level):
            return level > 0 or (module or "").split(".")[0] == "varme"
        case ast.Call(args=[ast.Constant(value=str() as name), *_]):
            return call_name(node) in {"import_module", "__import__"} and name.split(".")[0] == "varme"
    return False


def test_imports_stand_at_the_top():
    """Hidden imports make knots. The command line may have them, for a quick ``--help``, and so may the lazy root."""
    places = {
        relative(path): lines
        for path in SOURCES
        if path != PACKAGE / "__init__.py"
        and "cli" not in path.relative_to(PACKAGE).parts[:1]
        and (lines := hidden_imports(parsed(path)))
    }
    assert places == {}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("import varme.kernel", [2]),
        ("from varme.kernel import model", [2]),
        ("importlib.import_module('varme.kernel')", [2]),
        ("import pandas", []),
        ("from varmeteknik import x", []),
    ],
)
def test_the_search_for_hidden_imports_finds_them(body, found):
    assert hidden_imports(ast.parse(f"def f():\n    {body}")) == found


# -------------------------------------------------------------------------------------------------- addresses


def tracked_files() -> list[Path]:
    """Return the files of the repository, new ones too, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git work tree")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_records_the_address_of_a_registry():
    """Locks and docs must serve on any machine, whatever index it uses."""
    found = {
        f"{relative(path)}:{number}": line.strip()[:120]
        for path in tracked_files()
        if path != Path(__file__) and path.suffix not in {".parquet", ".png", ".gz", ".zip"}
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="ignore").splitlines(), 1)
        if REGISTRY.search(line)
    }
    assert found == {}


def test_locks_hold_hashes_and_no_addresses():
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        pins = re.findall(r"^\S+==\S+", text, re.MULTILINE)
        hashed = re.findall(r"^\S+==.*\\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(pins) == len(hashed) > 20
        assert "://" not in text
        assert not re.search(r"^pyarrow\b", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("line", "matches"),
    [
        ("--index-url https://example.net/x", True),
        ("https://files." + "pythonhosted" + ".org/packages/x.whl", True),
        ('"resolved": "https://registry.' + "npmjs" + '.org/echarts"', True),
        ("numpy==2.4.6 --hash=sha256:00", False),
        ("https://www.apache.org/licenses/", False),
    ],
)
def test_the_search_for_addresses_finds_them(line, matches):
    assert bool(REGISTRY.search(line)) is matches
