"""The estimated heat pump as a device: it parses, and its COP is that of the curve."""

import tomllib
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.components.heat_pump import HeatPump
from varme.data.series import load_series
from varme.ground.errors import ModelError
from varme.ground.spec import parse
from varme.ground.timegrid import TimeGrid
from varme.physics.cop import carnot_cop
from varme.retrofit.device import POINTS_C, DeviceFacts, carnot_form, cop_csv, heat_pump_device
from varme.retrofit.spf.curve import CopCurve, prior_cop_curve

CURVE = CopCurve(3.0, 4.0, 0.022, 0.002)
FACTS = DeviceFacts(
    (2.95, 2.7, 3.2), (3.3, 3.0, 3.6), (2019, 2020), "daily fleets", 73, "A town\nwith a second line"
)


def device(text, name="heat_pump"):
    return parse(HeatPump, tomllib.loads(text)["devices"][name], "heat_pump.toml")


@pytest.mark.parametrize(
    "curve", [CURVE, prior_cop_curve(), prior_cop_curve(1.0), CopCurve(3.6, 4.0, 0.008, 0.002)]
)
def test_the_device_has_the_cop_of_the_curve(curve):
    """Within the tolerance that the file itself states."""
    text = heat_pump_device(curve, FACTS)
    pump = device(text)
    stated = carnot_form(POINTS_C, curve.cop(POINTS_C)).worst_share
    cop = pump.carnot_share * carnot_cop(POINTS_C, pump.supply_c)
    assert np.abs(cop / curve.cop(POINTS_C) - 1).max() <= stated + 1e-9
    assert stated < 0.07  # the prior with floors bends most: their lift cannot fall below 15 K
    assert ('form = "series"' in text) == (stated > 0.05)
    assert f"within {100 * stated:.1f} %" in text


def test_a_carnot_curve_is_found_again():
    form = carnot_form(POINTS_C, 0.42 * carnot_cop(POINTS_C, 45.0))
    assert (form.carnot_share, form.supply_c) == pytest.approx((0.42, 45.0), abs=0.01)
    assert form.worst_share < 0.002


def test_interval_and_provenance_stand_in_the_file():
    text = heat_pump_device(CURVE, FACTS)
    for part in (
        "2.95 (2.70 to 3.20)",
        "3.30 (3.00 to 3.60)",
        "2019, 2020",
        "73 heat-pump meters",
        "daily fleets",
    ):
        assert part in text
    assert device(text).heat_max_mw == 0.01


def test_the_series_form_parses_and_its_file_loads(tmp_path):
    times = np.datetime64("2021-01-01T00:00:00") + np.arange(48) * np.timedelta64(3600, "s")
    outdoor = np.linspace(-8, 12, 48)
    (tmp_path / "heat_pump_cop.csv").write_text(cop_csv(CURVE, times, outdoor))
    pump = device(heat_pump_device(CURVE, form="series"))
    assert pump.cop is not None
    grid = TimeGrid(datetime(2021, 1, 1, tzinfo=UTC), 60, 48)
    loaded = load_series(pump.cop, grid, base=tmp_path, quantity_unit="cop", where="cop")
    np.testing.assert_allclose(loaded.values, CURVE.cop(outdoor), atol=6e-5)


def test_a_table_of_points_makes_the_same_device():
    t = np.arange(-20.0, 26.0)
    whole, points = heat_pump_device(CURVE), heat_pump_device((t, CURVE.cop(t)))
    assert device(whole) == device(points)


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        (CopCurve(0.9, 4.0, 0.022, 0.0), "leaves what a heat pump can have"),
        (CopCurve(14.9, 4.0, 0.022, 0.0), "leaves what a heat pump can have"),
        (CopCurve(3.0, 4.0, -0.01, 0.0), "does not rise"),
        (CopCurve(np.nan, 4.0, 0.02, 0.0), "not known"),
    ],
)
def test_a_curve_that_is_no_heat_pump_is_refused(curve, message):
    with pytest.raises(ModelError, match=message) as caught:
        heat_pump_device(curve)
    assert caught.value.problems[0].code == "P318"


def test_a_name_that_toml_would_not_take_is_refused():
    with pytest.raises(ModelError, match="letters"):
        heat_pump_device(CURVE, name="my pump")


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_title_and_node_make_valid_toml(title, node):
    text = heat_pump_device(CURVE, DeviceFacts(title=title), node=node)
    assert device(text).node == tomllib.loads(text)["devices"]["heat_pump"]["node"]
