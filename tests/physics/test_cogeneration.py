"""Cogeneration: the golden table of the reference; a total efficiency is never taken for a heat efficiency."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varme.components.chp import BackPressure, Extraction
from varme.data.plant_table import read_plant_table
from varme.district.spec import DeviceRow
from varme.ground.errors import InputError
from varme.ground.spec import parse
from varme.physics.cogeneration import condensing_efficiency, heat_efficiency, hull_order, nameplate

EXAMPLE = Path(__file__).parents[2] / "examples" / "district-east-denmark-2011"


@pytest.fixture(scope="module", name="plants")
def _plants():
    """Return the plants of the paper, from the table of the example, with no time series at all."""
    out = {}
    for row in read_plant_table(EXAMPLE / "units.csv"):
        name = row.pop("name")
        out[name] = parse(DeviceRow, {"device": row}, name).device
    return out


#: Reference 2.1: heat at back pressure, power at back pressure, power condensing.
GOLDEN = {
    "AMV3": (330.0, 216.0, 252.3),
    "AVV1": (330.0, 216.0, 252.3),
    "AVV2": (575.0, 494.5, 575.0),
    "ASV2": (240.8, 146.2, 175.096),
}


@pytest.mark.parametrize(("name", "expected"), GOLDEN.items())
def test_nameplates_of_the_extraction_plants(plants, name, expected):
    """Exact: 600 (0.91 - 0.36) = 330; condensing 600 (0.36 + 0.11 x 0.55) = 252.3. A wrong reading of 'thermal
    efficiency' gives 546 MW of heat, and of cv as MWh/GJ 224.7 MW condensing."""
    plate = plants[name].nameplate()
    found = (plate.heat_mw, plate.power_back_pressure_mw, plate.power_condensing_mw)
    assert found == pytest.approx(expected, rel=1e-12)


def test_nameplates_as_they_are_printed_in_the_reference(plants):
    plate = plants["ASV2"].nameplate()
    assert (
        f"{plate.heat_mw:.1f} {plate.power_back_pressure_mw:.1f} {plate.power_condensing_mw:.1f}"
        == "240.8 146.2 175.1"
    )


def test_totals_of_the_paper(plants):
    """Heat of area 1 and of all; power of the CHP plants at back pressure; power of all, condensing."""
    chp = [d for d in plants.values() if isinstance(d, (BackPressure, Extraction))]
    heat = {area: sum(d.nameplate().heat_mw for d in chp if d.area == area) for area in ("area_1", "area_2")}
    assert heat["area_1"] == pytest.approx(2665.29, abs=1e-9)
    assert heat["area_1"] + heat["area_2"] == pytest.approx(2906.09, abs=1e-9)
    assert f"{heat['area_1']:.1f} {sum(heat.values()):.1f}" == "2665.3 2906.1"
    back_pressure = sum(d.nameplate().power_back_pressure_mw for d in chp)
    everything = sum(d.nameplate().power_condensing_mw for d in plants.values())
    assert f"{back_pressure:.1f}" == "1473.7"
    assert f"{everything:.1f}" == "2579.7"


def test_the_table_has_the_19_units_of_table_1_not_the_18_of_the_text(plants):
    kinds = [type(d).__name__ for d in plants.values()]
    assert {k: kinds.count(k) for k in sorted(set(kinds))} == {
        "BackPressure": 10,
        "Extraction": 4,
        "PowerPlant": 5,
    }
    assert sum(d.fuel_max_mw for d in plants.values()) == 7987
    assert {n for n, d in plants.items() if d.ramp_share_per_h == 1} == {"KYB1", "KYB2", "KYB3", "KYB4"}
    assert plants["STI1"].ramp_share_per_h == 0.2


def test_fuel_prices_of_table_1():
    """EUR/GJ are converted, not taken for EUR/MWh: coal 3.5 EUR/GJ is 12.6 EUR/MWh."""
    text = (EXAMPLE / "study.toml").read_text()
    for name, price in (
        ("coal", 3.5),
        ("waste", 2.0),
        ("natural_gas", 7.3),
        ("biomass", 6.5),
        ("light_oil", 14.9),
    ):
        assert f"[fuels.{name}]\nprice_eur_per_gj = {price}\n" in text


@given(
    power=st.floats(0.05, 0.6), total=st.floats(0.05, 2.0), cv=st.floats(0, 1),
)  # fmt: skip
def test_no_pair_of_efficiencies_makes_energy(power, total, cv):
    """Whatever is entered, a plant that is accepted gives at most 1.1 of its fuel as power and heat together."""
    data = {
        "type": "extraction", "node": "n", "area": "a", "fuel": "f", "fuel_max_mw": 100.0, "cv_mw_per_mw": cv,
        "power_efficiency_share": power, "total_efficiency_share": total,
    }  # fmt: skip
    try:
        plant = parse(DeviceRow, {"device": data}, "").device
    except InputError as error:
        assert [p.code for p in error.problems] in (["P109"], ["P108"])  # noqa: PT017
        assert total > 1.1 or total < power
        return
    plate = plant.nameplate()
    assert plate.heat_mw + plate.power_back_pressure_mw <= 110.0 + 1e-9
    assert plate.heat_mw >= -1e-9


@pytest.mark.parametrize("kind", ["back_pressure", "extraction"])
def test_a_total_efficiency_taken_as_heat_efficiency_is_refused(kind):
    """0.36 electric and 0.91 'thermal' as two separate efficiencies are 1.27 of the fuel."""
    data = {
        "type": kind, "node": "n", "area": "a", "fuel": "f", "fuel_max_mw": 600,
        "power_efficiency_share": 0.36, "total_efficiency_share": 0.36 + 0.91,
    }  # fmt: skip
    data |= {"cv_mw_per_mw": 0.11} if kind == "extraction" else {}
    with pytest.raises(InputError) as caught:
        parse(DeviceRow, {"device": data}, "units.csv line 4")
    [problem] = caught.value.problems
    assert problem.code == "P109"
    assert "1.27 of the fuel, above 1.1" in problem.what
    assert "heat = total - electric" in str(problem)


@given(fuel=st.floats(1, 1e4), power=st.floats(0.01, 0.6), heat=st.floats(0.01, 0.9), cv=st.floats(0, 0.5))
def test_the_two_ends_of_the_full_load_line_differ_by_cv_times_the_heat(fuel, power, heat, cv):
    plate = nameplate(fuel, power, heat, cv)
    lost = plate.power_condensing_mw - plate.power_back_pressure_mw
    assert lost == pytest.approx(cv * plate.heat_mw, rel=1e-9, abs=1e-9)
    assert plate.cb == pytest.approx(power / heat)
    assert condensing_efficiency(power, heat_efficiency(power, power + heat), cv) == pytest.approx(
        power + cv * heat
    )


def test_a_plant_without_heat_has_no_ratio():
    assert nameplate(100.0, 0.3, 0.0).cb == float("inf")


def test_corners_are_drawn_around_their_centre():
    corners = np.array([[0, 0], [1, 1], [0, 1], [1, 0]], dtype=float)
    ordered = hull_order(corners)
    steps = np.abs(np.diff(np.vstack([ordered, ordered[:1]]), axis=0)).sum(axis=1)
    assert steps.tolist() == [1, 1, 1, 1]  # no diagonal
