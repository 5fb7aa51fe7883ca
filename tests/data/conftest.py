"""Fixtures of the data tests: a writer of small CSV files, and the shared measured files where they are present."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes lines to a file in the test's folder and returns its name."""

    def _write(*lines: str, name: str = "data.csv") -> str:
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return name

    return _write


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of measured data, which is not part of the project."""
    if not SHARED.is_dir():
        pytest.skip(f"the measured data are not here ({SHARED}); they are not part of the project")
    return SHARED
