"""Charts and figures of the five kinds of home studies: what they name exists, and a customer can read it."""

import json
import re
import tomllib
from datetime import date
from functools import cache

import pytest

import varme
from tests.home.tiny import run as run_tiny
from varme.components.heat_pump_tables import heat_pump_charts
from varme.ground.charts import Chart
from varme.home.chart_words import SIZE_WORDS, WORDS, size_label
from varme.home.fleet.templates import fleet_files
from varme.home.learn.template import learn_files, record_csv
from varme.home.replay.template import replay_files
from varme.report.drawing import draw
from varme.report.palette import colours_of, series_names
from varme.study.run import run

#: Axes that need no unit: of categories, of counts, of the clock.
PLAIN_AXES = {"Time", "Device", "Control", "Controller", "Choice", "Month", "Round", "Start of the window"}
PLAIN_AXES |= {"Age of the building"}
KINDS = ["home", "home-sizing", "home-replay", "home-learn", "fleet"]


def _sizing():
    return {
        "kind": "home-sizing",
        "time": {"start": date(2025, 3, 1), "end": date(2025, 3, 7), "step_min": 60},
        "synthetic": {"year": 2025, "seed": 3},
        "weather": {"outdoor_c": {"synthetic": "outdoor_c"}, "ghi_w_per_m2": {"synthetic": "ghi_w_per_m2"}},
        "house": {}, "heat_pump": {}, "hot_water": {"draw_kw": {"synthetic": "draw_kw"}}, "battery": {},
        "photovoltaics": [{}], "household": {"load_kw": {"synthetic": "load_kw"}},
        "tariff": {
            "energy_eur_per_kwh": {"synthetic": "spot_eur_per_kwh"}, "tax_eur_per_kwh": 0.10,
            "co2_g_per_kwh": {"synthetic": "co2_g_per_kwh"},
        },
        "sizing": {
            "heat_pump_kw": {"min": 2.0, "max": 12.0, "eur_per_kw": 500.0, "eur_fixed": 7000.0, "life_years": 18.0},
            "pv_kwp": {"max": 10.0, "eur_per_kwp": 700.0, "eur_fixed": 800.0},
            "battery_kwh": {"max": 12.0, "eur_per_kwh": 350.0, "eur_fixed": 300.0, "life_years": 15.0},
            "tank_l": {"min": 100.0, "max": 400.0, "eur_per_l": 5.0, "eur_fixed": 1000.0},
            "check_days_count": 0, "period_days": 3, "missed_max_k_h": 1e4, "pareto_count": 2, "gap_share": 5e-3,
        },
    }  # fmt: skip


def _replay():
    data = tomllib.loads(replay_files()["study.toml"])
    data["time"]["end"] = data["time"]["start"].replace(day=5)
    data["replay"] |= {"replan_min": 240, "horizon_h": 24, "baselines": ["thermostat", "timer"]}
    return data


def _fleet():
    data = tomllib.loads(fleet_files()["study.toml"])
    data["population"] = {"homes_count": 5, "seed": 4}
    data["feeder"] = {"import_max_kw": 60.0, "rounds_count": 2}
    return data


@cache
def _home():
    return run_tiny(
        vehicles=[{"name": "car"}], photovoltaics=[{"peak_kwp": 5.0}], weather={"ghi_w_per_m2": 150.0},
        scenarios={"scenarios_count": 3},
    )  # fmt: skip


def _result(kind, folder):
    if kind == "home":
        return _home()
    if kind == "home-learn":
        study = learn_files()["study.toml"].replace("end = 2025-01-27", "end = 2025-01-14")
        (folder / "study.toml").write_text(study, encoding="utf-8")
        (folder / "record.csv").write_text(record_csv(days=8), encoding="utf-8")
        return varme.run(folder / "study.toml")
    return run({"home-sizing": _sizing, "home-replay": _replay, "fleet": _fleet}[kind]())


@pytest.fixture(scope="module", params=KINDS)
def result(request, tmp_path_factory):
    return _result(request.param, tmp_path_factory.mktemp("study"))


def test_every_chart_draws_columns_that_exist_and_shows_something(result):
    names = [chart.name for chart in result.charts]
    assert len(set(names)) == len(names) >= 2
    for chart in result.charts:
        assert not draw(chart, result).empty, chart.name


def test_titles_and_axes_are_words_with_units(result):
    for chart in result.charts:
        for text in (chart.title, chart.x_label, chart.y_label, chart.y2_label, chart.note, chart.section):
            assert "_" not in text, (chart.name, text)
            assert not text or text[0] == text[0].upper(), (chart.name, text)
        axes = [chart.y_label] if chart.kind == "sankey" else [chart.x_label, chart.y_label]
        axes += [chart.y2_label] if chart.y2 else []
        for text in axes:
            assert text in PLAIN_AXES or re.search(r"\[[^\]]+\]$", text), (chart.name, text)
        assert bool(chart.y2_label) == bool(chart.y2), chart.name


def test_legends_are_no_column_names(result):
    for chart in result.charts:
        for name in series_names(chart, result):
            assert "_" not in name, (chart.name, name)
            assert name[:1] == name[:1].upper(), (chart.name, name)
            assert len(name) <= 24, (chart.name, name)  # longer names are cut in a legend


def test_the_same_thing_has_the_same_colour_and_no_two_things_of_a_chart_share_one(result):
    colours = colours_of(result)
    known = {
        "Heat pump": "#D55E00",
        "PV": "#D6C11A",
        "Battery": "#00674B",
        "Price": "#1D2733",
        "Car": "#0072B2",
    }
    for name in known.keys() & colours.keys():
        assert colours[name] == known[name]
    for chart in result.charts:
        names = series_names(chart, result)
        assert len({colours[n] for n in names}) == len(names), chart.name


def test_figures_and_findings_read_as_sentences(result):
    assert result.summary
    for figure in result.summary.values():
        assert figure.meaning[0] == figure.meaning[0].upper(), figure.name
        assert "_" not in figure.meaning, figure.name
    messages = [finding.message for finding in result.findings]
    assert len(set(messages)) == len(messages)


def test_a_plan_comes_before_its_reasons_and_its_uncertainty_last():
    result = _home()
    sections = list(dict.fromkeys(chart.section for chart in result.charts))
    assert sections == ["The plan", "Why", "Against what", "Executed", "Heat pump", "Uncertainty"]
    assert next(c for c in result.charts if c.name == "compressor").low


def test_words_survive_a_trip_through_json():
    chart = next(c for c in heat_pump_charts() if c.words)
    assert Chart.from_dict(json.loads(json.dumps(chart.as_dict()))).words == chart.words


def test_sizes_are_named_with_their_unit():
    assert [size_label(n) for n in ("heat_pump_kw", "pv_kwp")] == ["Heat pump [kW]", "PV [kWp]"]
    assert all(word[0].isupper() and "_" not in word for word in WORDS.values())
    assert all("_" not in words for words, _ in SIZE_WORDS.values())
