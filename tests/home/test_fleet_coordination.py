"""A feeder's limit kept by prices: bounds, laws, small cases tried whole, and limits that cannot be kept."""

import itertools
import tomllib

import numpy as np
import pytest
from scipy.optimize import linprog

from varme.ground.context import Context
from varme.home.fleet.chunk import Planned, joined, plan_chunk
from varme.home.fleet.coordinate import Limits, _descended, _Prices, coordinate, kept_chunks
from varme.home.fleet.findings import feeder_findings
from varme.home.fleet.population import drawn_homes
from varme.home.fleet.rounds import Answered, Asked, answer
from varme.home.fleet.run import chunks_of
from varme.home.fleet.spec import FeederSpec, FleetStudy
from varme.home.fleet.templates import fleet_files
from varme.study.run import run


def data_of(count=6, seed=8, hours=8, **sections):
    data = tomllib.loads(fleet_files()["study.toml"])
    data["population"] = {"homes_count": count, "seed": seed, "vehicle_share": 0.7}
    data["time"]["end"] = tomllib.loads(f"x = 2025-01-14T{hours:02d}:00:00+01:00")["x"]
    data["flexibility"] = {"durations_min": []}
    data["plan"] = {"chunk_homes_count": 4}
    return data | sections


@pytest.fixture(scope="module")
def fleet():
    """Six homes over eight hours, each planned on its own."""
    study = FleetStudy(**data_of())
    chunks = list(chunks_of(study, drawn_homes(study, study.population), Context()))
    planned = joined([Planned.from_arrays(plan_chunk(c)) for c in chunks])
    return chunks, planned


def own_net(planned):
    return (planned.power("import") - planned.power("export")).sum(axis=0)


@pytest.fixture(scope="module")
def done(fleet):
    chunks, planned = fleet
    limit = 0.7 * own_net(planned).max()
    spec = FeederSpec(import_max_kw=float(limit), rounds_count=20)
    return coordinate(chunks, planned, spec, 0.25, Context()), float(limit)


def test_the_limit_is_kept_and_the_cost_lies_within_its_bound(fleet, done):
    out, limit = done
    assert out.net_kw.sum(axis=0).max() <= limit * (1 + 1e-5)
    assert out.bound_cent <= out.objective_cent.sum() + 1e-6
    assert out.gap_cent <= 0.06 * abs(out.objective_cent.sum())


def test_keeping_a_limit_never_costs_less_than_the_homes_own_bounds(fleet, done):
    """The relaxed homes without a price are a bound; the coordination's bound is at least that."""
    chunks, planned = fleet
    out, _ = done
    n = out.net_kw.shape[1]
    free = sum(answer(Asked(c, np.zeros(n), "relaxed")).bound_cent.sum() for c in chunks)
    assert out.bound_cent >= free - 1e-6
    assert out.objective_cent.sum() >= planned.figure("bound_cent").sum() - 1e-6


def test_every_price_gives_a_bound_below_the_coordinated_plans(fleet, done):
    """Weak duality, with prices that nobody searched for."""
    chunks, _ = fleet
    out, limit = done
    rng = np.random.default_rng(3)
    for scale in (1.0, 8.0):
        price = scale * rng.random(out.net_kw.shape[1])
        value = sum(answer(Asked(c, price, "relaxed")).bound_cent.sum() for c in chunks)
        assert value - 0.25 * price.sum() * limit <= out.objective_cent.sum() + 1e-6


def test_prices_stand_only_where_the_limit_matters(done):
    out, limit = done
    assert np.all(out.price_cent >= -1e-9)
    far = out.net_kw.sum(axis=0) < 0.5 * limit
    assert out.price_cent.max() > 0.1
    assert out.price_cent[far].sum() <= 0.2 * out.price_cent.sum() + 1e-9


def test_a_limit_far_away_changes_nothing(fleet):
    chunks, planned = fleet
    out = coordinate(chunks, planned, FeederSpec(import_max_kw=1e5), 0.25, Context())
    assert np.all(out.price_cent == 0)
    assert out.objective_cent.sum() <= planned.figure("objective_cent").sum() + 1e-3


def test_a_limit_that_no_price_can_keep_is_told(fleet):
    """Half a kilowatt for six homes: the households' load alone is more; what exceeds it is reported, not hidden."""
    chunks, planned = fleet
    spec = FeederSpec(import_max_kw=0.5, rounds_count=3, compare_equal_caps=False)
    out = coordinate(chunks, planned, spec, 0.25, Context())
    assert out.excess_kw.max() > 0.5
    assert out.relaxed_excess_kw > 0.5
    (told,) = [f for f in feeder_findings(out, Limits.of(spec)) if f.code == "fleet_feeder_exceeded"]
    assert told.severity == "alarm"
    assert "cannot be shifted" in told.message
    assert out.bound_cent <= out.objective_cent.sum() + 5000.0 * 0.25 * np.abs(out.excess_kw).sum()


def test_the_answer_to_no_price_is_the_homes_own_plan(fleet):
    chunks, planned = fleet
    heard = answer(Asked(chunks[0], np.zeros(32), "plan"))
    at = np.searchsorted(planned.index, chunks[0].index)
    gap = planned.figure("gap_cent")[at] + 1e-6
    assert np.all(heard.objective_cent >= planned.figure("bound_cent")[at] - 1e-6)
    other = heard.objective_cent - heard.bound_cent
    assert np.all(np.abs(heard.objective_cent - planned.figure("objective_cent")[at]) <= gap + other)


def test_a_high_price_moves_load_away(fleet):
    chunks, _ = fleet
    price = np.zeros(32)
    price[8:12] = 50.0
    before = answer(Asked(chunks[0], np.zeros(32), "plan")).net_kw[:, 8:12].sum()
    after = answer(Asked(chunks[0], price, "plan")).net_kw[:, 8:12].sum()
    assert after < before - 0.5


def test_compiled_homes_that_are_sent_back_give_the_same_answer(fleet):
    chunks, _ = fleet
    price = np.linspace(0, 5, 32)
    first = answer(Asked(chunks[0], price, "relaxed", keep=True))
    again = answer(Asked(chunks[0], price, "relaxed", compiled=first.compiled))
    assert again.objective_cent == pytest.approx(first.objective_cent, abs=1e-6)
    assert again.net_kw.shape == first.net_kw.shape


def test_the_master_mixes_as_its_linear_program_says():
    """Two homes, two answers each, one slot: HiGHS through the master, and scipy on the same program."""
    limits = Limits(3.0, np.inf)
    search = _Prices(limits, 1.0, 1)
    search.reach = 1e4

    def heard(cost, net):
        none = np.full(2, np.nan)
        return Answered(
            np.array(cost), none, np.array(cost), np.array(net)[:, None], none, np.zeros(2, bool), ()
        )

    search.heard(np.zeros(1), heard([10.0, 20.0], [2.0, 3.0]))
    search.heard(np.ones(1), heard([13.0, 22.0], [1.0, 1.5]))
    value, price, beyond = search._master()
    found = linprog(
        [10, 13, 20, 22], A_ub=[[2, 1, 3, 1.5]], b_ub=[3.0], A_eq=[[1, 1, 0, 0], [0, 0, 1, 1]], b_eq=[1, 1]
    )
    assert value == pytest.approx(found.fun)
    assert price[0] == pytest.approx(-found.ineqlin.marginals[0])
    assert beyond == pytest.approx(0.0)


def test_plans_are_chosen_as_well_as_by_trying_all():
    """Five homes with three plans each: coordinate descent against all 243 choices, over random cases."""
    rng = np.random.default_rng(12)
    limits = Limits(6.0, 4.0)
    close = 0
    for _ in range(20):
        cost, net = rng.uniform(5, 9, (5, 3)), rng.uniform(-1, 3, (5, 3, 4))
        best = np.inf
        for choice in itertools.product(range(3), repeat=5):
            total = net[np.arange(5), list(choice)].sum(axis=0)
            best = min(
                best, cost[np.arange(5), list(choice)].sum() + 1250.0 * np.abs(limits.excess(total)).sum()
            )
        value, chosen = _descended(cost, net, np.zeros(5, dtype=np.int64), limits, 0.25)
        total = net[np.arange(5), chosen].sum(axis=0)
        assert value == pytest.approx(
            cost[np.arange(5), chosen].sum() + 1250.0 * np.abs(limits.excess(total)).sum()
        )
        assert value >= best - 1e-9
        close += value <= best + 2.0
    assert close >= 15


def test_export_limits_have_negative_prices():
    limits = Limits.of(FeederSpec(import_max_kw=10.0, export_max_kw=4.0, base_load_kw=1.0))
    assert limits == Limits(9.0, 5.0)
    assert limits.excess(np.array([10.0, 0.0, -7.0])) == pytest.approx([1.0, 0.0, -2.0])
    assert limits.rent(np.array([2.0, 0.0, -3.0]), 0.5) == pytest.approx(0.5 * (2 * 9 + 3 * 5))


def test_homes_without_a_plan_take_no_part(fleet):
    chunks, planned = fleet
    kept = kept_chunks(chunks, planned.index[1:])
    assert sum(len(c.homes) for c in kept) == len(planned.index) - 1
    assert planned.index[0] not in np.concatenate([c.index for c in kept])


def test_a_study_with_a_feeder_puts_the_cases_side_by_side():
    free = run(data_of(count=4, feeder={}))
    peak = free["peak_kw"]
    result = run(data_of(count=4, feeder={"import_max_kw": 0.75 * peak, "rounds_count": 8}))
    compared = result.data["fleet_compared"]
    cases = list(compared.column("case"))
    assert cases[:3] == ["each on its own", "coordinated by prices", "an equal share each"]
    assert result["coordinated_peak_kw"] <= 0.75 * peak * (1 + 1e-5)
    own, together = compared.column("cost_eur")[:2]
    assert together >= own - free.provenance["gap_cent"] / 100
    slots = result.data["fleet_slots"]
    assert slots.column("coordinated_kw").max() == pytest.approx(result["coordinated_peak_kw"])
    assert np.isfinite(result.data["fleet_homes"].column("coordinated_cost_eur")).all()
    for chart in result.charts:
        assert len(chart.data(result.data)) > 0
    assert any(f.code == "fleet_coordination_gap" for f in result.findings)
