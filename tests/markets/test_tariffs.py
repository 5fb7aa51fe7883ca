"""Tariffs: forms and figures, peaks, bills that add up, prices that end early."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.components.home import Slots
from varme.ground.context import Context
from varme.ground.errors import DataError, InputError
from varme.ground.peaks import peak_after
from varme.ground.series import FileSeries
from varme.ground.spec import parse, read_file
from varme.ground.timegrid import TimeGrid
from varme.home.case import load_case, state_of
from varme.home.schedule.plan import make_plan
from varme.home.spec import HomeStudy
from varme.markets.bill import added_kw, bill, bill_table, peaks_kw, tariff_findings, tariff_table
from varme.markets.presets import DKK_PER_EUR, PRESETS
from varme.markets.price_series import load_prices
from varme.markets.tariffs import Prices, TariffSpec, compiled

ROOT = Path(__file__).resolve().parents[2]
ZONE = "Europe/Copenhagen"


def spec_of(**fields: Any) -> TariffSpec:
    return parse(TariffSpec, fields, source="test")


def year_grid(year: int = 2025, step_min: int = 15) -> TimeGrid:
    first = datetime(year, 1, 1), datetime(year + 1, 1, 1)  # noqa: DTZ001
    return TimeGrid.between(*first, step_min=step_min, timezone=ZONE)


def on(grid: TimeGrid, spec: TariffSpec, energy: Any = 0.05) -> Prices:
    local = grid.local(ZONE)
    hour = np.asarray((local.astype(np.int64) % 86400) / 3600, dtype=float)
    values = np.broadcast_to(np.asarray(energy, dtype=float), grid.n).copy()
    month = grid.months(ZONE).astype(float)
    return compiled(spec, values, np.zeros(grid.n), hour, month, local=local, step_h=grid.step_h)


def at(grid: TimeGrid, when: str) -> int:
    return int(np.searchsorted(grid.local(ZONE), np.datetime64(when, "s")))


def code_of(**fields: Any) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        spec_of(**fields)
    return caught.value.problems[0].code, str(caught.value)


# Forms and figures.


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_figure_of_a_preset_has_a_source_and_is_valid(name: str) -> None:
    preset = PRESETS[name]
    assert set(preset.values) == set(preset.sources)
    spec = spec_of(preset=name)
    prices = on(year_grid(step_min=60), spec)
    assert (prices.import_cent_per_kwh > 0).all()
    assert (prices.import_cent_per_kwh > prices.export_cent_per_kwh - 20).all()
    rows = dict(zip(*(tariff_table(spec).column(k) for k in ("field", "source")), strict=True))
    assert all(rows[k].startswith(name) for k in preset.values if preset.values[k] not in (None, []))


def test_a_figure_of_the_study_goes_before_that_of_the_preset() -> None:
    spec = spec_of(preset="dk-2025", tax_eur_per_kwh=0.001, network_periods=[])
    assert spec.tax_eur_per_kwh == 0.001
    assert spec.network_periods == []
    assert spec.vat_share == 0.25
    rows = dict(zip(*(tariff_table(spec).column(k) for k in ("field", "source")), strict=True))
    assert rows["tax_eur_per_kwh"] == "the study"
    assert "beof.dk" not in rows["tax_eur_per_kwh"]


def test_a_study_with_a_preset_survives_saving_and_loading() -> None:
    spec = spec_of(preset="be-2023", supplier_eur_per_kwh=0.02)
    assert parse(TariffSpec, spec.model_dump(mode="json"), source="saved") == spec


def test_an_unknown_preset_offers_the_nearest() -> None:
    code, text = code_of(preset="dk-2024")
    assert code == "P176"
    assert "dk-2025" in text


def test_the_danish_winter_evening_by_hand() -> None:
    grid = year_grid()
    prices = on(grid, spec_of(preset="dk-2025"), 0.05)
    peak = (0.05 + 0.01 + 0.72 / DKK_PER_EUR + (0.9751 / 1.25 + 0.125) / DKK_PER_EUR) * 1.25
    low = (0.05 + 0.01 + 0.72 / DKK_PER_EUR + (0.1083 / 1.25 + 0.125) / DKK_PER_EUR) * 1.25
    assert prices.import_cent_per_kwh[at(grid, "2025-01-15T17:00")] == pytest.approx(100 * peak, abs=1e-3)
    assert prices.import_cent_per_kwh[at(grid, "2025-01-15T20:45")] == pytest.approx(100 * peak, abs=1e-3)
    assert prices.import_cent_per_kwh[at(grid, "2025-01-15T05:45")] == pytest.approx(100 * low, abs=1e-3)
    assert (
        prices.import_cent_per_kwh[at(grid, "2025-07-15T18:00")]
        < prices.import_cent_per_kwh[at(grid, "2025-01-15T18:00")]
    )


def test_the_danish_peak_hours_are_wall_clock_hours_on_the_days_of_the_clock_change() -> None:
    grid = year_grid()
    prices = on(grid, spec_of(preset="dk-2025"))
    local = grid.local(ZONE)
    for day, quarters in (("2025-03-30", 92), ("2025-10-26", 100), ("2025-12-01", 96)):
        today = local.astype("datetime64[D]") == np.datetime64(day)
        assert np.count_nonzero(today) == quarters
        dear = today & (prices.import_cent_per_kwh > prices.import_cent_per_kwh[today].max() - 1e-9)
        assert np.count_nonzero(dear) == 16
        assert np.unique((local[dear].astype(np.int64) % 86400) // 3600).tolist() == [17, 18, 19, 20]


def test_vat_is_only_on_what_carries_it() -> None:
    grid = year_grid(step_min=60)
    spec = spec_of(
        vat_share=0.2,
        vat_on=["energy"],
        supplier_eur_per_kwh=0,
        tax_eur_per_kwh=0.1,
        network_eur_per_kwh=0.03,
    )
    prices = on(grid, spec, 0.10)
    assert prices.import_cent_per_kwh[0] == pytest.approx(10 * 1.2 + 10 + 3)
    assert prices.parts_cent_per_kwh["VAT"][0] == pytest.approx(2.0)


def test_the_german_modules_differ_as_the_law_says() -> None:
    grid = year_grid(step_min=60)
    one, two, three = (on(grid, spec_of(preset=f"de-2025{m}")) for m in ("", "-module-2", "-module-3"))
    assert two.parts_cent_per_kwh["network"][0] == pytest.approx(0.4 * one.parts_cent_per_kwh["network"][0])
    assert "network credit" not in two.fixed_cent
    assert one.fixed_cent["network credit"].sum() == pytest.approx(-13188, abs=1)
    night, evening, summer = (at(grid, f"2025-{t}") for t in ("01-10T02:00", "01-10T18:00", "07-10T18:00"))
    network = three.parts_cent_per_kwh["network"]
    assert (network[night], network[evening], network[summer]) == pytest.approx((3.45, 10.84, 8.62))
    assert three.fixed_cent["network credit"].sum() == pytest.approx(-13188, abs=1)


def test_the_british_red_band_holds_on_working_days_only() -> None:
    grid = year_grid(step_min=60)
    prices = on(grid, spec_of(preset="gb-duos-2023"))
    wednesday, saturday = at(grid, "2025-01-15T17:00"), at(grid, "2025-01-18T17:00")
    assert prices.import_cent_per_kwh[wednesday] > prices.import_cent_per_kwh[saturday] + 8


def test_the_agile_price_is_capped_with_vat_and_its_parts_still_add_up() -> None:
    grid = year_grid(step_min=60)
    prices = on(grid, spec_of(preset="gb-agile-2023"), 1.0)
    assert prices.import_cent_per_kwh.max() == pytest.approx(115.0)
    assert sum(prices.parts_cent_per_kwh.values()) == pytest.approx(prices.import_cent_per_kwh)
    by_hand = (0.05 * 2.2 + 0.12 * 1.15) * 1.05
    cheap = on(grid, spec_of(preset="gb-agile-2023"), 0.05)
    assert cheap.import_cent_per_kwh[at(grid, "2025-03-04T16:00")] == pytest.approx(100 * by_hand, abs=1e-3)


def period(from_h: int, to_h: int, **more: Any) -> dict[str, Any]:
    return {"from_h": from_h, "to_h": to_h, "charge_eur_per_kwh": 0.1, **more}


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"network_periods": [period(6, 12), period(11, 14)]}, "11:00"),
        ({"network_periods": [period(22, 6), period(5, 7)]}, "05:00"),
        ({"network_periods": [period(6, 12, months=[0])]}, "1 to 12"),
        ({"tax_eur_per_kwh": 0.01, "tax_reduced_eur_per_kwh": 0.02}, "above"),
        ({"feed_in": "none", "feed_in_eur_per_kwh": 0.08}, "feed_in"),
    ],
)  # fmt: skip
def test_contradictions_are_refused(fields: dict[str, Any], word: str) -> None:
    code, text = code_of(**fields)
    assert code == "P177"
    assert word in text


def test_periods_over_midnight_and_on_other_days_do_not_overlap() -> None:
    night = {"from_h": 22, "to_h": 6, "days": "working", "charge_eur_per_kwh": 0.01}
    spec = spec_of(network_periods=[night, {**night, "days": "weekend", "charge_eur_per_kwh": 0.02}])
    grid = year_grid(step_min=60)
    network = on(grid, spec).parts_cent_per_kwh["network"]
    found = [network[at(grid, f"2025-01-{t}")] for t in ("15T23:00", "15T05:00", "15T12:00", "18T23:00")]
    assert found == pytest.approx([1.0, 1.0, 4.0, 2.0])


@pytest.mark.parametrize(("feed_in", "expected"), [("paid", 4.0), ("none", 0.0), ("net", 12.5)])
def test_feed_in(feed_in: str, expected: float) -> None:
    spec = spec_of(feed_in=feed_in, supplier_eur_per_kwh=0.01, network_eur_per_kwh=0.04)
    assert on(year_grid(step_min=60), spec, 0.05).export_cent_per_kwh[5] == pytest.approx(expected)


def test_negative_prices_reach_the_home_and_its_export() -> None:
    spec = spec_of(supplier_eur_per_kwh=0, network_eur_per_kwh=0.02, vat_share=0.25)
    grid = year_grid(step_min=60)
    prices = on(grid, spec, np.where(np.arange(grid.n) % 24 == 3, -0.10, 0.05))
    assert prices.import_cent_per_kwh.min() == pytest.approx(-10.0)
    assert prices.export_cent_per_kwh.min() == pytest.approx(-11.0)
    codes = [f.code for f in tariff_findings(spec, prices, grid, ZONE)]
    assert codes == ["import_is_paid"]


def test_an_arbitrage_loop_is_a_finding_with_hours_and_spread() -> None:
    spec = spec_of(feed_in_eur_per_kwh=0.15, supplier_eur_per_kwh=0, network_eur_per_kwh=0.02)
    grid = year_grid(step_min=60)
    found = tariff_findings(spec, on(grid, spec, 0.05), grid, ZONE)
    assert [f.code for f in found] == ["export_above_import"]
    assert found[0].evidence == {"hours_h": 8760.0, "spread_cent_per_kwh": 6.25}


def test_assumed_figures_are_told_until_they_are_replaced() -> None:
    grid = year_grid(step_min=60)

    def told(**fields: Any) -> list[str]:
        spec = spec_of(**fields)
        found = [f for f in tariff_findings(spec, on(grid, spec), grid) if f.code == "tariff_assumed"]
        return list(found[0].evidence["fields"]) if found else []

    assert told(preset="dk-2025") == ["feed_in_fee_eur_per_kwh", "supplier_eur_per_kwh"]
    assert told(preset="dk-2025", supplier_eur_per_kwh=0.02) == ["feed_in_fee_eur_per_kwh"]
    assert told() == []


# Peaks.


def test_flanders_pays_the_mean_of_twelve_monthly_peaks_but_at_least_the_minimum() -> None:
    grid = year_grid()
    spec = spec_of(preset="be-2023")
    prices = on(grid, spec)
    rng = np.random.default_rng(5)
    peaks = np.array([1.0, 6.0, 2.5, 2.6, 9.0, 4.0, 0.5, 3.0, 7.5, 5.0, 2.0, 4.4])
    months = grid.months(ZONE) - 1
    load = 0.3 * rng.random(grid.n)
    for month, peak in enumerate(peaks):
        load[int(rng.choice(np.flatnonzero(months == month)))] = peak
    assert peaks_kw(prices.peaks[0], load, 0.25) == pytest.approx(peaks)
    one = bill(prices, load, np.zeros(grid.n), 0.25)
    paid = sum(line.cent for line in one.lines if line.part in {"capaciteitstarief", "peak minimum"})
    assert paid == pytest.approx(100 * 40.4 * np.maximum(peaks, 2.5).mean(), abs=0.01)


def test_germany_pays_one_peak_a_year() -> None:
    grid = year_grid(step_min=60)
    prices = on(grid, spec_of(preset="de-2025-peak"))
    load = np.ones(grid.n)
    load[100], load[5000] = 6.0, 8.0
    line = next(line for line in bill(prices, load, 0 * load, 1.0).lines if line.part == "Leistungspreis")
    assert line.cent == pytest.approx(8 * 3429)


def test_a_peak_that_is_reached_costs_a_plan_nothing() -> None:
    grid = year_grid().slice(96 * 10, 96)
    reached = on(grid, spec_of(peaks=[{"charge_eur_per_kw_year": 48, "so_far_kw": 5.0}])).peaks[0]
    fresh = on(grid, spec_of(peaks=[{"charge_eur_per_kw_year": 48}])).peaks[0]
    load = np.full(96, 4.0)
    assert added_kw(reached, load, 0.25).tolist() == [0.0]
    assert added_kw(fresh, load, 0.25).tolist() == [4.0]
    load[7] = 6.5
    assert added_kw(reached, load, 0.25).tolist() == [1.5]
    assert reached.floors(6.0).tolist() == [6.0], "the planner's own peak so far goes first"


def test_a_plan_that_knows_no_peak_is_warned_of() -> None:
    grid = year_grid().slice(96 * 10, 96)
    for peak, expected in (({}, 1), ({"so_far_kw": 3.0}, 0), ({"expected_kw": 3.0}, 0)):
        spec = spec_of(peaks=[{"charge_eur_per_kw_year": 48, **peak}])
        found = tariff_findings(spec, on(grid, spec), grid)
        assert [f.code for f in found] == ["peak_not_expected"] * expected
    year = year_grid(step_min=60)
    spec = spec_of(peaks=[{"charge_eur_per_kw_year": 48}])
    assert tariff_findings(spec, on(year, spec), year) == []


def test_the_peak_so_far_is_that_of_the_first_month_only() -> None:
    grid = year_grid(step_min=60).slice(20 * 24, 30 * 24)
    peaks = [{"charge_eur_per_kw_year": 48, "so_far_kw": 5.0, "expected_kw": 3.0}]
    charge = on(grid, spec_of(peaks=peaks)).peaks[0]
    assert charge.floors().tolist() == [5.0, 3.0]
    assert charge.floors(planning=False).tolist() == [5.0, 0.0]
    later = charge.take(np.arange(15 * 24, 20 * 24 + 1))
    assert later.floors().tolist() == [3.0]
    assert len(later.period) == 5 * 24


def test_the_peak_so_far_begins_anew_with_the_month() -> None:
    grid = year_grid(step_min=60).slice(30 * 24, 48)
    window = on(grid, spec_of(peaks=[{"charge_eur_per_kw_year": 12}])).peaks[0]
    load = np.where(np.arange(48) == 5, 7.0, 1.0)
    assert window.reached_kw(3.0, load[:10], 0, 10) == 7.0
    assert window.reached_kw(9.0, load[:10], 0, 10) == 9.0
    assert window.reached_kw(9.0, load[:24], 0, 24) == 0.0, "the next step is in February"
    assert window.reached_kw(9.0, load[:30], 0, 30) == 1.0
    assert window.reached_kw(2.0, load[:0], 0, 0) == 2.0


def test_a_simulations_peak_begins_anew_after_the_last_step_of_the_month() -> None:
    grid = year_grid(step_min=60).slice(30 * 24, 48)
    charge = on(grid, spec_of(peaks=[{"charge_eur_per_kw_year": 12, "from_h": 6, "to_h": 22}])).peaks
    peak = np.array([2.0, 4.0])
    peak = peak_after(charge, peak, np.array([3.0, 3.0]), 10)
    assert peak.tolist() == [3.0, 4.0]
    assert peak_after(charge, peak, np.array([9.0, 9.0]), 3).tolist() == [3.0, 4.0], "at night nothing counts"
    assert peak_after(charge, peak, np.array([9.0, 9.0]), 23, ends=False).tolist() == [3.0, 4.0]
    assert peak_after(charge, peak, np.array([9.0, 9.0]), 23).tolist() == [0.0, 0.0]
    assert peak_after((), peak, np.array([9.0, 1.0]), 3).tolist() == [9.0, 4.0]


def test_a_peak_is_the_mean_of_its_metering_interval_and_counts_in_its_window() -> None:
    grid = TimeGrid(datetime(2025, 1, 14, 23, tzinfo=UTC), 5, 288)
    window = {"charge_eur_per_kw_year": 12, "from_h": 17, "to_h": 20, "days": "working"}
    charge = on(grid, spec_of(peaks=[window])).peaks[0]
    load = np.zeros(288)
    load[12 * 10] = 30.0
    assert peaks_kw(charge, load, 1 / 12).tolist() == [0.0], "ten in the morning does not count"
    load[12 * 18 : 12 * 18 + 3] = [9.0, 3.0, 0.0]
    assert peaks_kw(charge, load, 1 / 12).tolist() == [4.0], "a spike of 5 min is a third of a quarter-hour"


# Bills.


def test_a_year_of_danish_heating_pays_full_tax_on_four_thousand_kilowatt_hours_and_no_more() -> None:
    grid = year_grid()
    prices = on(grid, spec_of(preset="dk-2025-heated"))
    load = np.full(grid.n, 9000 / 8760)
    lines = bill(prices, load, 0 * load, 0.25).lines
    tax = sum(line.cent for line in lines if line.part == "tax")
    assert tax == pytest.approx(100 * (4000 * 0.72 + 5000 * 0.008) / DKK_PER_EUR, rel=1e-4)


def test_a_calendar_year_pays_twelve_subscriptions() -> None:
    for year in (2024, 2025):
        prices = on(year_grid(year), spec_of(subscription_eur_per_month=10.0, vat_share=0.25))
        assert prices.fixed_cent["subscription"].sum() == pytest.approx(12000)
        assert prices.fixed_cent["VAT"].sum() == pytest.approx(3000)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(list(PRESETS)),
    st.integers(0, 2**31),
    st.floats(-0.2, 0.6),
    st.integers(1, 200),
)
def test_parts_add_up_to_the_price_and_the_bill_to_the_cent(
    name: str, seed: int, level: float, days: int
) -> None:
    grid = year_grid(step_min=60).slice(500, days * 24)
    rng = np.random.default_rng(seed)
    prices = on(grid, spec_of(preset=name), level + 0.1 * rng.standard_normal(grid.n))
    assert np.allclose(sum(prices.parts_cent_per_kwh.values()), prices.import_cent_per_kwh, atol=1e-9)
    bought, sold = 5 * rng.random(grid.n), 3 * rng.random(grid.n)
    one = bill(prices, bought, sold, 1.0)
    direct = float(bought @ prices.import_cent_per_kwh - sold @ prices.export_cent_per_kwh)
    direct += sum(float(added_kw(p, bought, 1.0).sum()) * p.cent_per_kw for p in prices.peaks)
    assert one.variable_cent == pytest.approx(direct, abs=1e-6)
    rounded = one.rounded_cent()
    assert sum(rounded) == round(one.total_cent)
    assert max(abs(r - line.cent) for r, line in zip(rounded, one.lines, strict=True)) < 1.0
    table = bill_table(one)
    amounts = np.asarray(table.column("amount_eur"), dtype=float)
    assert round(100 * amounts[:-1].sum()) == round(100 * amounts[-1])


@pytest.mark.parametrize(
    "tariff",
    [
        {"preset": "dk-2025"},
        {"preset": "be-2023"},
        {"preset": "be-2023", "peaks": [{"charge_eur_per_kw_year": 20, "so_far_kw": 3.0}]},
        {"preset": "gb-agile-2023"},
    ],
)
def test_a_plans_cost_is_the_variable_part_of_the_bill(tariff: dict[str, Any]) -> None:
    path = ROOT / "examples" / "home-day" / "study.toml"
    data = read_file(path)
    data["tariff"] = {**tariff, "energy_eur_per_kwh": {"synthetic": "spot_eur_per_kwh"}}
    data["vehicles"] = []
    study = parse(HomeStudy, data, source="test")
    case = load_case(study, Context(base=path.parent))
    assert case.prices is not None
    plan = make_plan(case.plant, Slots.even(0, 96, 0.25), state_of(study.state, study, case.plant))
    costs = plan.costs()
    paid = sum(
        costs[k] for k in ("electricity bought", "electricity sold", *(p.name for p in case.prices.peaks))
    )
    one = bill(case.prices, plan.value("grid.import"), plan.value("grid.export"), 0.25, planning=True)
    assert one.variable_cent == pytest.approx(paid, abs=1e-4)
    assert one.total_cent > one.variable_cent


# Prices that end early.


def write_prices(path: Path, values: dict[int, float]) -> FileSeries:
    start = datetime(2025, 1, 14, tzinfo=UTC)
    stamp = {k: np.datetime64(start.replace(tzinfo=None), "h") + k for k in values}
    rows = [
        f"{stamp[k]}:00Z,{v}" if "T" in str(stamp[k]) else f"{stamp[k]}T00:00Z,{v}" for k, v in values.items()
    ]
    path.write_text(
        "time_utc,price_eur_per_kwh\n" + "\n".join(r.replace(":00:00Z", ":00Z") for r in rows) + "\n"
    )
    return FileSeries(file=path.name, column="price_eur_per_kwh")


GRID = TimeGrid(datetime(2025, 1, 14, tzinfo=UTC), 15, 48 * 4)


def test_missing_last_hours_are_told_with_their_times_and_remedies(tmp_path: Path) -> None:
    series = write_prices(tmp_path / "p.csv", {k: k / 100 for k in range(34)})
    with pytest.raises(DataError) as caught:
        load_prices(series, GRID, base=tmp_path, timezone=ZONE)
    problem, text = caught.value.problems[0], str(caught.value)
    assert problem.code == "P248"
    assert "2025-01-15 11:00 +0100 to 2025-01-16 01:00 +0100" in text
    assert "14 h missing" in text
    assert "prices_beyond" in text
    assert "horizon" in text


def test_persistence_repeats_the_last_known_day_and_says_so(tmp_path: Path) -> None:
    series = write_prices(tmp_path / "p.csv", {k: k / 100 for k in range(34)})
    loaded = load_prices(series, GRID, base=tmp_path, beyond="persistence")
    assert loaded.values[: 34 * 4] == pytest.approx(np.repeat(np.arange(34) / 100, 4))
    assert loaded.values[34 * 4 :] == pytest.approx(np.repeat(np.arange(10, 24) / 100, 4))
    found = [f for f in loaded.findings if f.code == "prices_persisted"]
    assert len(found) == 1
    assert found[0].evidence["hours_h"] == 14.0


def test_less_than_a_day_cannot_be_repeated(tmp_path: Path) -> None:
    series = write_prices(tmp_path / "p.csv", dict.fromkeys(range(20), 0.1))
    with pytest.raises(DataError) as caught:
        load_prices(series, GRID, base=tmp_path, beyond="persistence")
    assert caught.value.problems[0].code == "P249"


def test_a_gap_inside_is_a_gap_and_never_persisted(tmp_path: Path) -> None:
    series = write_prices(tmp_path / "p.csv", {k: 0.1 for k in range(48) if not 20 <= k < 26})
    with pytest.raises(DataError) as caught:
        load_prices(series, GRID, base=tmp_path, beyond="persistence")
    assert caught.value.problems[0].code == "P203"


def test_prices_that_reach_the_end_are_left_alone(tmp_path: Path) -> None:
    series = write_prices(tmp_path / "p.csv", {k: k / 100 for k in range(48)})
    loaded = load_prices(series, GRID, base=tmp_path, beyond="persistence")
    assert loaded.values == pytest.approx(np.repeat(np.arange(48) / 100, 4))
    assert "prices_persisted" not in [f.code for f in loaded.findings]


def home_with(tmp_path: Path, hours: int, **tariff: Any) -> HomeStudy:
    """Return the example of a day with prices of its own: so many hours of them."""
    data = read_file(ROOT / "examples" / "home-day" / "study.toml")
    stamps = np.datetime64("2025-01-13T23", "h") + np.arange(hours)
    rows = [f"{t}:00Z,{0.05 + 0.001 * k}" for k, t in enumerate(stamps)]
    (tmp_path / "prices.csv").write_text("time_utc,price_eur_per_kwh\n" + "\n".join(rows) + "\n")
    data["time"]["end"] = "2025-01-16"
    data["tariff"] = {"energy_eur_per_kwh": {"file": "prices.csv"}, **tariff}
    return parse(HomeStudy, data, source="test")


def test_a_study_whose_prices_end_early_is_refused_or_persisted_as_it_asks(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_case(home_with(tmp_path, 34), Context(base=tmp_path))
    assert [p.code for p in caught.value.problems] == ["P248"]
    assert "2025-01-15 10:00 +0100 to 2025-01-16 00:00 +0100" in str(caught.value)
    case = load_case(home_with(tmp_path, 34, prices_beyond="persistence"), Context(base=tmp_path))
    assert "prices_persisted" in [f.code for f in case.findings]
    assert case.prices is not None
    energy = case.prices.parts_cent_per_kwh["energy"]
    assert energy[34 * 4 :] == pytest.approx(energy[10 * 4 : 24 * 4])
    whole = load_case(home_with(tmp_path, 48), Context(base=tmp_path))
    assert "prices_persisted" not in [f.code for f in whole.findings]


def test_the_plan_of_a_capacity_tariff_holds_the_expected_peak() -> None:
    path = ROOT / "examples" / "home-day" / "study.toml"
    data = read_file(path)
    highest = {}
    for preset in ("dk-2025", "be-2023"):
        data["tariff"] = {"preset": preset, "energy_eur_per_kwh": {"synthetic": "spot_eur_per_kwh"}}
        study = parse(HomeStudy, data, source="test")
        case = load_case(study, Context(base=path.parent))
        plan = make_plan(case.plant, Slots.even(0, 96, 0.25), state_of(study.state, study, case.plant))
        highest[preset] = float(plan.value("grid.import").max())
    assert highest["be-2023"] < 5.0 < highest["dk-2025"]


def test_an_arbitrage_loop_is_bounded_by_the_direction_of_the_plan() -> None:
    path = ROOT / "examples" / "home-day" / "study.toml"
    data = read_file(path)
    data["tariff"] = {
        "energy_eur_per_kwh": {"synthetic": "spot_eur_per_kwh"}, "tax_eur_per_kwh": 0.0, "feed_in_eur_per_kwh": 0.30,
    }  # fmt: skip
    study = parse(HomeStudy, data, source="test")
    case = load_case(study, Context(base=path.parent))
    assert "export_above_import" in [f.code for f in case.findings]
    plan = make_plan(case.plant, Slots.even(0, 96, 0.25), state_of(study.state, study, case.plant))
    assert np.minimum(plan.value("grid.import"), plan.value("grid.export")).max() < 1e-6
    assert plan.certificate.max_violation < 1e-6
