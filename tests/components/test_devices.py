"""What every device keeps: its costs are the model's costs, its ports are its buses, and its window may move."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.district.tiny import boiler, extraction, market, pump, store
from varme.components.base import Env
from varme.district.flows import coefficients
from varme.district.spec import DeviceRow
from varme.ground.spec import models_in, parse
from varme.ground.timegrid import TimeGrid
from varme.kernel.model import Model

N = 8
RNG = np.random.default_rng(0)
PRICE = RNG.random(N) * 50
ON_OFF = {
    "min_load_share": 0.3, "start_cost_eur": 11.0, "min_up_h": 1.0, "min_down_h": 1.0, "ramp_share_per_h": 0.3,
    "variable_om_eur_per_mwh": 1.5,
}  # fmt: skip
PLANT = {"node": "n", "fuel": "coal", "fuel_max_mw": 100.0, "power_efficiency_share": 0.3}
DECIDED = {"max": 50.0, "eur_per_mw": 7e5, "eur_fixed": 1e6}
DEVICES = {
    "back_pressure": {"type": "back_pressure", "area": "a", "total_efficiency_share": 0.9, **PLANT, **ON_OFF},
    "extraction": extraction(**ON_OFF, heat_min_mw=10.0),
    "corners": extraction(corners=[[0, 0, 0], [252.3, 0, 600], [216, 330, 600]], start_cost_eur=5.0),
    "pieces": extraction(pieces=[[[0, 0, 0], [252.3, 0, 600]], [[0, 0, 0], [216, 330, 600]]], min_load_share=0.2),
    "power_plant": {"type": "power_plant", **PLANT, **ON_OFF},
    "boiler": boiler("gas", **ON_OFF),
    "own price": boiler("gas", fuel_price_eur_per_mwh=PRICE.tolist()),
    "electric_boiler": {
        "type": "electric_boiler", "node": "n", "area": "a", "heat_max_mw": DECIDED, "electricity_fee_eur_per_mwh": 9.0
    },
    "heat_pump": pump(20.0, (2 + RNG.random(N)).tolist(), no_load_share=0.1, electricity_fee_eur_per_mwh=9.0, **ON_OFF),
    "decided pump": pump(DECIDED, ramp_share_per_h=0.2, available_share=RNG.random(N).tolist()),
    "heat_store": store(terminal_eur_per_mwh=5.0, level_end_min_share=0.5),
    "decided store": store(DECIDED),
    "must_take": {
        "type": "must_take", "node": "n", "available_mw": 5.0, "curtailable": True, "curtail_eur_per_mwh": 3.0
    },
    "electricity_market": market(
        PRICE.tolist(), import_fee_eur_per_mwh=2.0, export_fee_eur_per_mwh=1.0, co2_t_per_mwh=0.5
    ),
    "line": {
        "type": "line", "from_bus": "a", "to_bus": "b", "capacity_mw": 9.0, "back_capacity_mw": 3.0, "loss_share": 0.1,
        "pumping_eur_per_mwh": 0.4,
    },
}  # fmt: skip


def made(name, length=N, first=0, step_min=30):
    """Return device, model and block, with taxes, a CO2 price and the shadow price of a cap."""
    device = parse(DeviceRow, {"device": DEVICES[name]}, name).device
    series = {}
    for field in type(device).model_fields:
        value = getattr(device, field)
        series[field] = (
            np.array(value) if isinstance(value, list) and field not in {"corners", "pieces"} else value
        )
    fuels = {"coal": (PRICE, 4.0, 0.35), "gas": (30.0, 0.0, 0.2)}
    grid = TimeGrid(datetime(2011, 1, 1, tzinfo=UTC), step_min, N)
    env = Env(grid, {"x": series}, fuels, 20.0)
    model = Model(length, first)
    block = device.block("x", model, env)
    model.add("bus", [(1.0, block.ports[0].var.now)])  # a model needs a row; the site adds the balances
    return device, model, block


def test_every_type_of_device_is_tried():
    types = {m.model_fields["type"].default for m in models_in(DeviceRow.model_fields["device"].annotation)}
    assert types <= {d["type"] for d in DEVICES.values()}


@pytest.mark.parametrize("name", DEVICES)
def test_the_costs_that_a_device_states_are_those_that_the_model_pays(name):
    """Each euro of the objective appears in the cost table once, and nothing else does."""
    _, model, block = made(name)
    arrays = model.assemble()
    stated = np.zeros(len(arrays.cost))
    for cost in block.costs:
        columns = np.atleast_1d(cost.var.now)
        stated[columns] += coefficients(cost.coefficient, len(columns))
    np.testing.assert_allclose(stated, arrays.cost, rtol=1e-12, atol=1e-12)
    assert len({(c.category, c.var.name) for c in block.costs}) == len(block.costs)


@pytest.mark.parametrize("name", DEVICES)
def test_ports_stand_on_the_buses_that_are_stated(name):
    device, _, block = made(name)
    buses = set(device.buses().values())
    assert {port.bus for port in block.ports} <= buses
    assert device.supplies() <= buses
    fed = {p.bus for p in block.ports if np.any(coefficients(p.coefficient, N) > 0)}
    assert device.supplies() <= fed
    assert fed - device.supplies() == (buses if "store" in name else set())


@pytest.mark.parametrize("name", DEVICES)
def test_a_block_moves_to_another_window(name):
    _, moved, _ = made(name, 3, 0)
    _, fresh, _ = made(name, 3, 4)
    moved.assemble()
    fresh.assemble()
    moved.move(4)
    for field in ("cost", "col_lower", "col_upper", "row_lower", "row_upper", "data"):
        np.testing.assert_array_equal(
            getattr(moved.arrays, field), getattr(fresh.arrays, field), err_msg=field
        )


@pytest.mark.parametrize("name", DEVICES)
def test_half_an_hour_costs_half(name):
    """Per step everything but starts, sizes and what is left in a store is proportional to the step's length."""
    whole, half = (made(name, step_min=step)[2].costs for step in (60, 30))
    for one, two in zip(whole, half, strict=True):
        factor = 1.0 if one.category in {"starts", "heat left in store"} else 2.0
        left, right = (coefficients(c.coefficient, N if c.var.index.ndim else 1) for c in (one, two))
        np.testing.assert_allclose(left, factor * right, rtol=1e-12)
