"""Gas to heat: Eq. 1 and 2, zones and months, furnaces by type, and gross and net that never mix."""

import pickle

import numpy as np
import pytest

from varme.data.meters.panel import DAY_MIN, MeterPanel
from varme.data.synthetic.town import TownSpec, build_town
from varme.data.synthetic.town_files import write_town
from varme.ground.errors import DataError, InputError
from varme.ground.spec import parse
from varme.retrofit.calorific import ChangeoverSpec, calorific_findings, constant, read_calorific
from varme.retrofit.heat import (
    FurnaceSpec,
    GasSpec,
    ToHeat,
    efficiency_findings,
    efficiency_of,
    gross_per_unit,
    priors,
    retrofitted_heat,
    z_of,
)

DAYS = np.arange(np.datetime64("2020-01-01"), np.datetime64("2021-01-01"))


def panel(values, unit="m3", start="2020-01-01"):
    values = np.asarray(values, dtype=np.float32)
    return MeterPanel(tuple(f"m{k}" for k in range(len(values))), np.datetime64(start), DAY_MIN, values, unit)


def codes(error):
    return [p.code for p in error.value.problems]


def test_equation_1_by_hand():
    """10 m3 x 0.94584 x 11.3 kWh/m3 = 106.88 kWh Hs; x 0.87 = 92.99 kWh of heat."""
    convert = ToHeat(GasSpec(), FurnaceSpec(), efficiency_of(FurnaceSpec(), 1))
    heat = convert(panel([[10.0]]), 0, 1)
    assert heat.values[0, 0] == pytest.approx(92.99, abs=0.01)
    assert heat.unit == "kwh_th"


def test_equation_2_by_hand():
    assert retrofitted_heat(np.array([1000.0]), 0.105)[0] == pytest.approx(895.0)


@pytest.mark.parametrize(
    ("unit", "amount"),
    [("kwh_hs", 100.0), ("kwh_hi", 100 / 1.108), ("mj", 360.0), ("therm", 100 / 29.3071070172)],
)
def test_the_same_gas_in_any_unit_gives_the_same_heat(unit, amount):
    convert = ToHeat(GasSpec(), FurnaceSpec(), np.array([0.9]))
    assert convert(panel([[amount]], unit), 0, 1).values[0, 0] == pytest.approx(90.0, rel=1e-6)


def test_cubic_feet_and_cubic_metres_agree():
    assert gross_per_unit("ft3", GasSpec()) == pytest.approx(0.028316846592 * gross_per_unit("m3", GasSpec()))


def test_a_net_efficiency_on_net_energy_is_a_gross_efficiency_on_gross_energy():
    gross, net = (
        FurnaceSpec(efficiency_share=0.9),
        FurnaceSpec(efficiency_share=0.9 * 1.108, efficiency_base="hi"),
    )
    np.testing.assert_allclose(efficiency_of(gross, 2), efficiency_of(net, 2), rtol=1e-12)


@pytest.mark.parametrize("unit", ["kwh", "mwh"])
def test_an_energy_without_its_base_is_refused(unit):
    with pytest.raises(InputError) as caught:
        ToHeat(GasSpec(), FurnaceSpec(), np.array([0.9]))(panel([[1.0]], unit), 0, 1)
    assert codes(caught) == ["P113"]
    assert "kwh_hi" in str(caught.value)


def test_a_unit_that_is_no_unit_of_gas_is_refused():
    with pytest.raises(InputError) as caught:
        gross_per_unit("c", GasSpec())
    assert codes(caught) == ["P105"]


def test_an_efficiency_above_one_on_the_gross_value_is_refused_with_what_it_would_be():
    with pytest.raises(InputError) as caught:
        parse(FurnaceSpec, {"efficiency_share": 1.02}, "study.toml")
    assert codes(caught) == ["P114"]
    assert "0.921 on Hs" in str(caught.value)
    assert (
        parse(FurnaceSpec, {"efficiency_share": 1.02, "efficiency_base": "hi"}, "x").efficiency_share == 1.02
    )


def test_a_net_figure_that_looks_gross_is_a_finding():
    found = efficiency_findings(FurnaceSpec(efficiency_share=0.87, efficiency_base="hi"), "m3")
    assert [f.code for f in found] == ["efficiency_base_suspect"]
    assert efficiency_findings(FurnaceSpec(), "m3") == []
    assert [f.code for f in efficiency_findings(FurnaceSpec(), "mj")] == ["gas_base_assumed"]


def test_twelve_values_are_used_month_by_month():
    gas = GasSpec(calorific_kwh_hs_per_m3=[10.0 + 0.1 * k for k in range(12)], z_share=1.0)
    heat = ToHeat(gas, FurnaceSpec(), np.array([1.0]))(panel(np.ones((1, 366))), 0, 1)
    month = DAYS.astype("datetime64[M]").astype(int) % 12
    np.testing.assert_allclose(heat.values[0], 10 + 0.1 * month, rtol=1e-6)


@pytest.mark.parametrize("values", [[11.0] * 11, [11.0] * 11 + [30.0], 3.6])
def test_calorific_values_that_do_not_fit_are_refused(values):
    with pytest.raises(InputError) as caught:
        parse(GasSpec, {"calorific_kwh_hs_per_m3": values}, "study.toml")
    assert codes(caught)[0] in {"P101", "P115"}


def test_the_change_from_l_to_h_gas_counts_from_its_day_and_is_a_finding():
    change = ChangeoverSpec(day=np.datetime64("2020-05-05").item(), before_kwh_hs_per_m3=9.8)
    gas = GasSpec(z_share=1.0, changeovers=[change])
    heat = ToHeat(gas, FurnaceSpec(), np.array([1.0]))(panel(np.ones((1, 366))), 0, 1).values[0]
    place = int((np.datetime64("2020-05-05") - DAYS[0]).astype(int))
    assert heat[place - 1] == pytest.approx(9.8)
    assert heat[place] == pytest.approx(11.3)
    found = calorific_findings(constant(11.3, [change]), DAYS)
    assert [(f.code, f.severity) for f in found] == [("gas_change_over", "note")]
    assert "+15.3 %" in found[0].message


def table(tmp_path, text):
    path = tmp_path / "calorific.csv"
    path.write_text(text)
    return path


def test_zones_and_months_of_a_table_reach_the_right_meters(tmp_path):
    rows = [f"{z},2020-{m:02d},{v + 0.01 * m}" for z, v in (("A", 10.0), ("B", 11.0)) for m in range(1, 13)]
    calorific = read_calorific(table(tmp_path, "zone,month,calorific_kwh_hs_per_m3\n" + "\n".join(rows)), [])
    zone = calorific.zone_of(np.array(["B", "A", "nowhere"], dtype=object))
    assert zone.tolist() == [1, 0, -1]
    convert = ToHeat(GasSpec(z_share=1.0), FurnaceSpec(), np.ones(3), calorific, zone)
    heat = convert(panel(np.ones((3, 366))), 0, 3).values
    assert heat[0, 0] == pytest.approx(11.01)
    assert heat[1, 365] == pytest.approx(10.12)
    assert heat[2, 0] == pytest.approx(10.51)
    again = pickle.loads(pickle.dumps(convert))(panel(np.ones((1, 366))), 1, 2).values
    np.testing.assert_array_equal(again[0], heat[1])


def test_a_semicolon_table_with_decimal_commas_and_net_values_is_read(tmp_path):
    text = "zone;month;calorific_kwh_hi_per_m3\nA;2020-01;10,0\nA;2020-02;10,1\n"
    calorific = read_calorific(table(tmp_path, text), [])
    np.testing.assert_allclose(calorific.values, [[11.08, 11.1908]])


def test_a_jump_in_a_table_asks_for_the_day_of_the_change_over(tmp_path):
    rows = [f"A,2020-{m:02d},{9.8 if m < 6 else 11.3}" for m in range(1, 13)]
    calorific = read_calorific(table(tmp_path, "zone,month,calorific_kwh_hs_per_m3\n" + "\n".join(rows)), [])
    found = calorific_findings(calorific, DAYS)
    assert [(f.severity, f.where) for f in found] == [("warning", "zone A, 2020-06-01")]


@pytest.mark.parametrize(
    ("text", "error", "code"),
    [
        ("zone,month,calorific_kwh_hs_per_m3\n", DataError, "P200"),
        ("", DataError, "P200"),
        ("zone,month,hs\nA,2020-01,11\n", DataError, "P201"),
        ("zone,month,calorific_kwh_hs_per_m3\nA,2020-01,36.8\n", DataError, "P210"),
        ("zone,month,calorific_kwh_hs_per_m3\nA,January,11\n", DataError, "P212"),
        ("zone,month,calorific_kwh_hs_per_m3\nA,2020-01,11\nA,2020-03,11\n", InputError, "P115"),
    ],
)
def test_unfit_tables_of_calorific_values_are_refused(tmp_path, text, error, code):
    with pytest.raises(error) as caught:
        read_calorific(table(tmp_path, text), [])
    assert codes(caught) == [code]


def test_months_beyond_the_table_are_refused(tmp_path):
    calorific = read_calorific(table(tmp_path, "zone,month,calorific_kwh_hs_per_m3\nA,2020-01,11\n"), [])
    with pytest.raises(InputError) as caught:
        ToHeat(GasSpec(), FurnaceSpec(), np.ones(1), calorific)(panel(np.ones((1, 60))), 0, 1)
    assert codes(caught) == ["P115"]
    assert "2020-02" in str(caught.value)


def test_a_change_over_of_an_unknown_zone_is_refused():
    change = ChangeoverSpec(zone="X", day=np.datetime64("2020-05-05").item(), before_kwh_hs_per_m3=9.8)
    with pytest.raises(InputError) as caught:
        constant(11.3, [change])
    assert codes(caught) == ["P116"]


def test_furnaces_take_the_efficiency_of_their_type_else_of_their_year_else_of_the_mix():
    kind = np.array(["Brennwert", "Low temperature", "", "", "oven"], dtype=object)
    year = np.array([np.nan, np.nan, 1980.0, np.nan, np.nan])
    np.testing.assert_allclose(efficiency_of(FurnaceSpec(), 5, kind, year), [0.90, 0.82, 0.75, 0.87, 0.87])
    np.testing.assert_allclose(
        efficiency_of(FurnaceSpec(), 3, None, np.array([1986.0, 1987.0, 2002.0])), [0.75, 0.82, 0.90]
    )


def test_a_type_that_is_given_leaves_the_others_as_they_are():
    furnace = parse(
        FurnaceSpec, {"types": {"condensing": {"efficiency_share": 1.02, "base": "hi"}}}, "study.toml"
    )
    found = efficiency_of(furnace, 2, np.array(["condensing", "low_temperature"], dtype=object))
    np.testing.assert_allclose(found, [1.02 / 1.108, 0.82])


def test_a_calorific_value_in_megajoules_is_converted():
    gas = parse(GasSpec, {"calorific_mj_hs_per_m3": 40.68}, "study.toml")
    assert gas.calorific_kwh_hs_per_m3 == pytest.approx(11.3)


def test_priors_name_what_no_number_of_meters_averages_out():
    found = {p.name: p for p in priors(FurnaceSpec(), GasSpec(), gamma_share=0.105, gamma_sd_share=0.05)}
    assert set(found) == {"furnace efficiency", "calorific value", "z-number", "cooking share", "gamma"}
    assert found["gamma"].log_sd == pytest.approx(0.05 / 0.895)
    assert {p.name for p in found.values() if p.enters == "spf"} == {"gamma"}
    assert found["furnace efficiency"].log_sd == pytest.approx(0.03 / 0.87)
    billed = {p.name for p in priors(FurnaceSpec(), GasSpec(), unit="kwh_hs")}
    assert billed == {"furnace efficiency", "cooking share"}


def test_missing_readings_stay_missing():
    heat = ToHeat(GasSpec(), FurnaceSpec(), np.ones(1))(panel([[1.0, np.nan]]), 0, 1).values
    assert np.isfinite(heat[0, 0])
    assert np.isnan(heat[0, 1])


def test_a_town_written_to_files_and_converted_has_its_true_heat(tmp_path):
    spec = TownSpec(
        seed=3, gas_meters_count=80, heat_pumps_count=5, faults=False, cooking_share=0, solar_thermal_share=0
    )
    town = build_town(spec)
    write_town(town, tmp_path)
    calorific = read_calorific(tmp_path / "calorific.csv", [])
    zone = calorific.zone_of(town.buildings["zone"][:80])
    convert = ToHeat(GasSpec(), FurnaceSpec(), town.truth["efficiency_share"], calorific, zone)
    heat = convert(town.gas, 0, 80).values.sum(axis=1, dtype=float)
    np.testing.assert_allclose(heat, town.truth["heat_kwh_th"][:80].sum(axis=1), rtol=1e-3)
    assert z_of(GasSpec()) == pytest.approx(spec.z_share)
