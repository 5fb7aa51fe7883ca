"""Devices that the East Denmark case lacks: LP and MILP optima equal to linopy's on systems with seeded series."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.oracle.services import peer
from varme.district.case import load_case
from varme.district.operate import operate
from varme.district.spec import DistrictStudy
from varme.ground.context import Context
from varme.ground.spec import parse

pytestmark = pytest.mark.oracle

FUELS = {
    "coal": {"price_eur_per_mwh": 12.0, "co2_t_per_mwh": 0.34, "tax_eur_per_mwh": 1.5},
    "gas": {"price_eur_per_mwh": 26.0, "co2_t_per_mwh": 0.2},
    "straw": {"price_eur_per_mwh": 18.0},
}


def study(hours, devices, *, step_min=60, mode="milp", **sections):
    """Return a one-shot study solved to the optimum; every bus has a dear shortfall, so it is always feasible."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    data = {
        "kind": "district",
        "time": {"start": start, "end": start + timedelta(hours=hours), "step_min": step_min},
        "solve": {"mode": mode, "solver": "highs", "horizon": "one-shot", "gap_share": 1e-9},
        "fuels": FUELS,
        "devices": devices,
    }
    return parse(DistrictStudy, data | sections, "oracle")


def ours(spec):
    return operate(load_case(spec, Context())).cost


def assert_agree(make, modes=("lp", "milp"), rel=1e-9):
    """Compare the optima of both; a case whose devices stand still, or lose nothing to statuses, proves too little."""
    peer("linopy")
    from tests.oracle.in_linopy import Oracle

    costs = []
    for mode in modes:
        spec = make(mode)
        expected = Oracle(spec, relaxed=mode == "lp").optimum()
        assert ours(spec) == pytest.approx(expected, rel=rel, abs=1e-6), mode
        costs.append(expected)
    return costs


def wave(n, mean, swing, seed, period=24.0, least=0.0):
    """Return a daily wave with noise, as a list."""
    hours = np.arange(n)
    noise = np.random.default_rng(seed).normal(0, swing / 4, n)
    return np.maximum(least, mean + swing * np.sin(2 * np.pi * hours / period) + noise).round(3).tolist()


HEAT = {"a": {"demand_mw": wave(48, 90, 40, 1), "shortfall_eur_per_mwh": 900.0}}
NODE = {"n": {"demand_mw": wave(48, 60, 25, 2), "shortfall_eur_per_mwh": 2500.0, "spill": True}}
CHP = {
    "type": "back_pressure", "node": "n", "area": "a", "fuel": "coal", "fuel_max_mw": 120.0,
    "power_efficiency_share": 0.3, "total_efficiency_share": 0.9, "ramp_share_per_h": 0.25, "min_load_share": 0.4,
}  # fmt: skip
BOILER = {"type": "boiler", "area": "a", "fuel": "gas", "heat_max_mw": 80.0, "efficiency_share": 0.95}
MARKET = {
    "type": "electricity_market", "node": "n", "price_eur_per_mwh": wave(48, 45, 40, 3, least=-20.0),
    "import_max_mw": 50.0, "export_max_mw": 60.0, "import_fee_eur_per_mwh": 4.0, "export_fee_eur_per_mwh": 1.0,
}  # fmt: skip


def test_heat_pump_with_a_cop_series_and_a_market():
    """A COP that varies, a capacity that varies, fees, negative prices: the price enters with the right sign twice."""

    def make(mode):
        pump = {
            "type": "heat_pump", "node": "n", "area": "a", "heat_max_mw": 70.0, "cop": wave(48, 3.2, 0.6, 4),
            "available_share": np.clip(wave(48, 0.8, 0.3, 5), 0.2, 1.0).tolist(), "electricity_fee_eur_per_mwh": 9.0,
            "variable_om_eur_per_mwh": 1.2,
        }  # fmt: skip
        devices = {"chp": CHP, "boiler": BOILER, "pump": pump, "market": MARKET}
        return study(48, devices, mode=mode, heat=HEAT, electricity=NODE, carbon={"price_eur_per_t": 30.0})

    lp, milp = assert_agree(make)
    assert milp > lp + 1.0  # the statuses matter in this case, so the MILP is a test of its own


@pytest.mark.parametrize("way", ["carnot", "lorenz"])
def test_heat_pump_from_temperatures_with_part_load(way):
    """COP from temperatures in kelvin; no-load electricity on the status; a minimum of a capacity that varies."""

    def make(mode):
        share = {"carnot_share": 0.45} if way == "carnot" else {"lorenz_share": 0.5, "return_c": 45.0}
        pump = {
            "type": "heat_pump", "node": "n", "area": "a", "heat_max_mw": 90.0, "source_c": wave(48, 6, 5, 6, least=-5),
            "supply_c": wave(48, 80, 8, 7), "no_load_share": 0.15, "min_load_share": 0.3, "ramp_share_per_h": 0.5,
            "start_cost_eur": 40.0, "electricity_fee_eur_per_mwh": 5.0, **share,
        }  # fmt: skip
        devices = {"boiler": BOILER, "pump": pump, "market": MARKET}
        return study(48, devices, mode=mode, heat=HEAT, electricity={"n": {"spill": False}})

    lp, milp = assert_agree(make)
    assert milp > lp + 1.0


def test_two_areas_with_a_lossy_line_and_lossy_stores():
    """Losses of the line at the receiving end, both ways; losses and efficiencies of stores; half-hour steps."""
    n = 96

    def make(mode):
        straw = {**BOILER, "fuel": "straw", "area": "b", "heat_max_mw": 70.0, "efficiency_share": 0.88}
        line = {
            "type": "line", "from_bus": "b", "to_bus": "a", "capacity_mw": 30.0, "back_capacity_mw": 12.0,
            "loss_share": 0.06, "pumping_eur_per_mwh": 0.7,
        }  # fmt: skip
        tank = {
            "type": "heat_store", "area": "a", "capacity_mwh": 150.0, "charge_max_mw": 35.0, "discharge_max_mw": 45.0,
            "charge_efficiency_share": 0.97, "discharge_efficiency_share": 0.96, "loss_share_per_h": 0.004,
            "level_start_share": 0.3, "level_end_min_share": 0.5,
        }  # fmt: skip
        pit = {
            **tank,
            "area": "b",
            "loss_share_per_h": 0.001,
            "terminal_eur_per_mwh": 14.0,
            "level_end_min_share": 0.0,
        }
        areas = {
            "a": {"demand_mw": wave(n, 70, 45, 8, 48), "shortfall_eur_per_mwh": 900.0},
            "b": {"demand_mw": wave(n, 30, 15, 9, 48), "shortfall_eur_per_mwh": 900.0, "spill": True,
                  "spill_eur_per_mwh": 2.0},
        }  # fmt: skip
        chp = {**CHP, "fuel_price_eur_per_mwh": wave(n, 14, 3, 10, 48)}
        market = {**MARKET, "price_eur_per_mwh": wave(n, 45, 40, 3, 48, least=-20.0)}
        devices = {
            "chp": chp,
            "boiler": {**BOILER, "ramp_share_per_h": 0.6, "min_load_share": 0.2},
            "straw": straw,
        }
        devices |= {"line": line, "tank": tank, "pit": pit, "market": market}
        node = {"n": {"demand_mw": 40.0, "shortfall_eur_per_mwh": 2500.0}}
        return study(48, devices, step_min=30, mode=mode, heat=areas, electricity=node)

    assert_agree(make, modes=("lp",))
    assert_agree(make, modes=("milp",), rel=1e-8)


def test_wind_that_may_be_curtailed_and_an_electric_boiler():
    """Curtailment paid per MWh not taken; surplus to heat; a second node behind a lossy cable."""
    n = 48

    def make(mode):
        wind = {"type": "must_take", "node": "n", "available_mw": wave(n, 70, 60, 11), "curtailable": True,
                "curtail_eur_per_mwh": 6.0}  # fmt: skip
        waste_heat = {"type": "must_take", "area": "a", "available_mw": wave(n, 12, 6, 12)}
        electric = {"type": "electric_boiler", "node": "n", "area": "a", "heat_max_mw": 40.0, "efficiency_share": 0.97,
                    "electricity_fee_eur_per_mwh": 3.0}  # fmt: skip
        cable = {"type": "line", "carrier": "electricity", "from_bus": "n", "to_bus": "m", "capacity_mw": 20.0,
                 "back_capacity_mw": 20.0, "loss_share": 0.03}  # fmt: skip
        engine = {"type": "power_plant", "node": "m", "fuel": "gas", "fuel_max_mw": 80.0,
                  "power_efficiency_share": 0.42, "min_load_share": 0.5, "start_cost_eur": 120.0}  # fmt: skip
        devices = {"chp": CHP, "boiler": BOILER, "wind": wind, "waste": waste_heat, "electric": electric}
        devices |= {"cable": cable, "engine": engine}
        nodes = {"n": NODE["n"] | {"spill": False}, "m": {"demand_mw": wave(n, 25, 10, 13),
                 "shortfall_eur_per_mwh": 2000.0}}  # fmt: skip
        prices = {"price_eur_per_t": wave(n, 25, 15, 14)}
        return study(n, devices, mode=mode, heat=HEAT, electricity=nodes, carbon=prices)

    assert_agree(make)


@pytest.mark.parametrize("initial", ["free", "on", "off"])
def test_start_costs_and_minimum_times(initial):
    """The tight form gives the same optimum as minimum times written pair by pair, with every state before."""

    def make(mode):
        slow = {**CHP, "start_cost_eur": 700.0, "min_up_h": 6.0, "min_down_h": 4.0, "initial": initial}
        quick = {**BOILER, "min_load_share": 0.5, "start_cost_eur": 60.0, "min_up_h": 2.0, "min_down_h": 3.0}
        last = {**BOILER, "heat_max_mw": 90.0, "efficiency_share": 0.7}
        devices = {"slow": slow, "quick": quick, "last": last, "market": MARKET}
        return study(48, devices, mode=mode, heat=HEAT, electricity=NODE)

    assert_agree(make, modes=("milp",))


POLYGON = [(20.0, 0.0, 60.0), (80.0, 0.0, 200.0), (62.0, 90.0, 200.0), (12.0, 30.0, 62.0)]
PIECES = [
    [(20.0, 0.0, 62.0), (45.0, 0.0, 120.0), (36.0, 50.0, 122.0), (14.0, 28.0, 64.0)],
    [(45.0, 0.0, 118.0), (80.0, 0.0, 200.0), (62.0, 90.0, 200.0), (36.0, 50.0, 120.0)],
]


@pytest.mark.parametrize("shape", ["cv lines", "corners", "pieces"])
def test_extraction_by_lines_corners_and_pieces(shape):
    """Every way to give a P-Q-F diagram: cv lines with a least heat, a polygon, a union of two."""

    def make(mode):
        plant = {
            "type": "extraction", "node": "n", "area": "a", "fuel": "coal", "fuel_max_mw": 200.0,
            "power_efficiency_share": 0.33, "total_efficiency_share": 0.85, "cv_mw_per_mw": 0.13,
            "ramp_share_per_h": 0.35, "start_cost_eur": 300.0, "min_load_share": 0.25,
        }  # fmt: skip
        extra = {
            "cv lines": {"heat_min_mw": 8.0},
            "corners": {"corners": POLYGON, "min_load_share": 0.3},
            "pieces": {"pieces": PIECES, "min_load_share": 0.3},
        }[shape]
        devices = {"plant": plant | extra, "boiler": BOILER, "market": MARKET}
        return study(48, devices, mode=mode, heat=HEAT, electricity=NODE)

    assert_agree(make)
