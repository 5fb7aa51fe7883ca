"""The made-up kind ``toy`` of ``tests/cli/plugin``, offered as a plug-in."""

from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[1] / "cli" / "plugin"


@pytest.fixture(autouse=True)
def _plugin(monkeypatch):
    monkeypatch.syspath_prepend(str(PLUGIN))


@pytest.fixture
def toy():
    """A study as plain data."""
    return {
        "kind": "toy",
        "windows": 2,
        "devices": {"A": {"type": "part", "heat_max_mw": 3.5}, "B": {"type": "other", "power_max_mw": 2}},
        "rows": [{"label": "first"}, {"label": "second"}],
    }
