"""Laws that every system obeys: energy and money close, more choice costs no more, order does not matter."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.district.tiny import EXACT, FUELS, LP, boiler, extraction, market, plan, pump, store

QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
share = st.floats(0, 1).map(lambda v: round(v, 3))


@st.composite
def systems(draw, modes=("lp", "milp")):
    """Return devices and fields of a random small system that always has a plan."""
    n = draw(st.integers(1, 6))
    series = lambda low, high: [round(low + (high - low) * draw(share), 2) for _ in range(n)]  # noqa: E731
    chp = {
        "type": "back_pressure", "node": "n", "area": "a", "fuel": "straw", "fuel_max_mw": 80.0,
        "power_efficiency_share": 0.2, "total_efficiency_share": draw(st.sampled_from([0.8, 0.9, 1.05])),
        "min_load_share": draw(st.sampled_from([0.0, 0.35])), "ramp_share_per_h": draw(st.sampled_from([0.2, 1.0])),
    }  # fmt: skip
    line = {"type": "line", "from_bus": "a", "to_bus": "b", "capacity_mw": 30.0, "loss_share": 0.1}
    choice = {
        "C": extraction(
            fuel_max_mw=100.0, min_load_share=draw(st.sampled_from([0.0, 0.3])), start_cost_eur=50.0
        ),
        "K": chp,
        "H": pump(draw(st.floats(5, 60)), series(2, 4), no_load_share=draw(st.sampled_from([0.0, 0.15]))),
        "E": {"type": "electric_boiler", "node": "n", "area": "a", "heat_max_mw": 20.0},
        "S": store(60.0, 20.0, loss_share_per_h=draw(st.sampled_from([0.0, 0.02])), level_start_share=0.5),
        "W": {"type": "must_take", "node": "n", "available_mw": series(0, 60)},
        "V": {"type": "must_take", "area": "a", "available_mw": series(0, 10), "curtailable": True},
        "L": line,
        "D": boiler("gas", 60.0, area="b"),
        "M": market(series(-20, 120), 200.0, 200.0, import_fee_eur_per_mwh=2.0),
    }
    names = draw(st.lists(st.sampled_from(sorted(choice)), unique=True, min_size=1))
    devices = {"B": boiler("gas", 200.0, 0.95), **{name: choice[name] for name in names}}
    fields = {
        "areas": {
            "a": {"demand_mw": series(0, 90), "spill": True, "shortfall_eur_per_mwh": 900.0},
            "b": {"demand_mw": series(0, 30), "spill": True, "shortfall_eur_per_mwh": 900.0},
        },
        "power": series(0, 50),
        "node": {"spill": True, "shortfall_eur_per_mwh": 3000.0},
        "carbon": {"price_eur_per_t": 10.0 * draw(st.integers(0, 5))},
    }
    mode = draw(st.sampled_from(modes))
    solve = LP if mode == "lp" else EXACT
    if draw(st.booleans()):
        solve = {**solve, "horizon": "rolling", "keep_h": 2, "overlap_h": draw(st.integers(0, 2))}
    return devices, {**fields, "solve": solve}


@given(system=systems())
@QUICK
def test_energy_and_money_close(system):
    """Every bus in every interval to 1e-6, from the tables alone; every cost once, nothing beside the objective."""
    devices, fields = system
    got = plan(devices, **fields)
    for bus in ("electricity:n", "heat:a", "heat:b"):
        carrier = "power" if bus.startswith("e") else "heat"
        if bus not in set(got.result.tables["balance"]["bus"]):
            continue
        net = np.array(got.bus("shortfall_mw", bus)) - got.bus("spill_mw", bus) - got.bus("demand_mw", bus)
        for name, device in devices.items():
            place = (
                f"electricity:{device.get('node')}" if carrier == "power" else f"heat:{device.get('area')}"
            )
            out, taken = (np.array(got.of(name, f"{carrier}_{way}_mw")) for way in ("out", "in"))
            if name == "L" and carrier == "heat" and bus in {"heat:a", "heat:b"}:
                net += out if bus == "heat:b" else -taken
            elif place == bus:
                net += out - taken
        assert np.abs(net).max() <= 1e-6, bus
    costs = got.costs()
    assert sum(costs.values()) == pytest.approx(got.objective, rel=1e-7, abs=1e-5)
    assert got.cost + got.apart == pytest.approx(got.objective, rel=1e-7, abs=1e-5)
    assert got.result["violation_mw"] <= 1e-6
    assert got.result["bound_meur"] * 1e6 <= got.objective + 1e-3
    fuel = got.column("dispatch", "fuel_mw")
    made = got.column("dispatch", "power_out_mw") + got.column("dispatch", "heat_out_mw")
    burns = fuel > 1e-6
    assert np.all(made[burns] <= 1.1 * fuel[burns] + 1e-6)  # no plant makes energy


@given(system=systems(modes=("lp",)), extra=st.sampled_from(["pump", "store", "boiler", "market"]))
@QUICK
def test_one_more_device_never_costs_more(system, extra):
    devices, fields = system
    fields = {**fields, "solve": LP}
    added = {
        "pump": pump(20.0, 3.0), "store": store(30.0, level_start_share=0.0), "boiler": boiler("straw", 10.0),
        "market": market(45.0, 20.0, 20.0),
    }[extra]  # fmt: skip
    fewer, more = plan(devices, **fields), plan({**devices, "extra": added}, **fields)
    assert more.objective <= fewer.objective + 1e-6 * max(1.0, abs(fewer.objective))


@given(system=systems(), seed=st.randoms(use_true_random=False))
@QUICK
def test_the_order_of_devices_does_not_matter(system, seed):
    devices, fields = system
    fields = {**fields, "solve": {**fields["solve"], "horizon": "one-shot"}}
    names = list(devices)
    seed.shuffle(names)
    one, two = plan(devices, **fields), plan({n: devices[n] for n in names}, **fields)
    assert one.objective == pytest.approx(two.objective, rel=1e-6, abs=1e-4)


@given(system=systems(modes=("lp",)), factor=st.sampled_from([0.5, 2.0, 10.0]))
@QUICK
def test_prices_in_another_currency_change_the_cost_and_not_the_plan(system, factor):
    devices, fields = system
    keys = ("eur_per_mwh", "eur_per_t", "cost_eur")

    def scaled(value, key=""):
        if isinstance(value, dict):
            return {k: scaled(v, k) for k, v in value.items()}
        if not any(k in key for k in keys):
            return value
        return [factor * v for v in value] if isinstance(value, list) else factor * value

    one = plan(devices, **fields)
    two = plan(scaled(devices), **scaled(fields), fuels=scaled(FUELS))
    assert two.objective == pytest.approx(factor * one.objective, rel=1e-6, abs=1e-4)


@given(system=systems())
@settings(max_examples=6, deadline=None)
def test_two_runs_are_the_same_to_the_last_bit(system):
    """Nothing random without a seed, nothing remembered between runs of one process."""
    devices, fields = system
    one, two = plan(devices, **fields), plan(devices, **fields)
    for name in one.result.data:
        for column in one.result.data[name].schema.columns:
            left, right = (r.result.data[name].column(column.name) for r in (one, two))
            np.testing.assert_array_equal(left, right)


@given(heat=st.lists(st.floats(0, 60), min_size=2, max_size=6), mode=st.sampled_from(["lp", "milp"]))
@QUICK
def test_a_longer_view_never_makes_the_first_plan_worse(heat, mode):
    """The one-shot optimum is a bound for every rolling one."""
    devices = {
        "B": boiler("gas", 40.0),
        "U": boiler("coal", 30.0, min_load_share=0.4, ramp_share_per_h=0.5),
        "S": store(20.0),
    }
    base = {"heat": [round(v, 1) for v in heat], "area": {"spill": True, "shortfall_eur_per_mwh": 500.0}}
    solve = LP if mode == "lp" else EXACT
    one = plan(devices, **base, solve=solve)
    rolled = plan(devices, **base, solve={**solve, "horizon": "rolling", "keep_h": 1, "overlap_h": 1})
    assert rolled.objective >= one.objective - 1e-4
    assert one.result["bound_meur"] * 1e6 <= rolled.objective + 1e-3
