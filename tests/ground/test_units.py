"""Units: every suffix converts there and back, and every name of varme ends in one."""

import itertools
from typing import get_args

import pytest
from pydantic import BaseModel

from varme.district.spec import DeviceRow, DistrictStudy
from varme.district.tables import SCHEMAS
from varme.ground.series import FileSeries, SyntheticSeries
from varme.ground.spec import Spec, models_in, unit_suffix_problems
from varme.ground.units import LABELS, UNITS, conversion_factor, dimension_of, label_of, stem_of, unit_of

PAIRS = [(a, b) for a, b in itertools.product(UNITS, UNITS) if UNITS[a][0] == UNITS[b][0]]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_conversion_comes_back(source, target):
    assert conversion_factor(source, target) * conversion_factor(target, source) == pytest.approx(
        1, rel=1e-15
    )


@pytest.mark.parametrize("unit", UNITS)
def test_every_suffix_is_found_at_the_end_of_a_name_and_has_a_label(unit):
    """A wrong order of the search would read the last token only: price_eur_per_mwh as an energy."""
    name = f"heat_source_{unit}"
    assert (unit_of(name), stem_of(name)) == (unit, "heat_source")
    assert unit_of(unit) == unit
    assert label_of(unit) == LABELS[unit] != ""


def test_labels_and_units_are_the_same_set():
    assert set(LABELS) == set(UNITS)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (3.6, "gj", "mwh", 1.0),
        (3.5, "eur_per_gj", "eur_per_mwh", 12.6),  # coal of the paper
        (1.0, "eur_per_kwh", "eur_per_mwh", 1000.0),
        (95.0, "kg_per_gj", "t_per_mwh", 0.342),  # coal
        (35.0, "percent", "share", 0.35),
        (90.0, "min", "h", 1.5),
        (250.0, "gwh", "twh", 0.25),
        (7.0, "eur_per_kw", "eur_per_mw", 7000.0),
        (50.0, "kw", "mw", 0.05),
    ],
)
def test_conversions_by_hand(value, source, target, expected):
    """A factor upside down gives prices that are wrong by 13 and still look like prices."""
    assert value * conversion_factor(source, target) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("source", "target"), [("kwh", "kw"), ("c", "k"), ("eur_per_mw", "eur_per_mwh"), ("h", "years")]
)
def test_dimensions_never_mix(source, target):
    with pytest.raises(ValueError, match=dimension_of(source)):
        conversion_factor(source, target)


@pytest.mark.parametrize("name", ["title", "seed", "mwx", "max_mw_total", ""])
def test_names_without_a_unit_have_none(name):
    assert unit_of(name) is None
    assert stem_of(name) == name


# ------------------------------------------------------------------- names of all specs and tables

#: Numbers without one unit: sizes in the unit of the field that they stand in, corners of three units.
EXEMPT = {"Decision.min", "Decision.max", "Decision.eur_fixed", "Extraction.corners", "Extraction.pieces"}
EXEMPT |= {"ParameterSpec.factors", "ParameterSpec.values", "VarySpec.factors", "VarySpec.values"}
COLUMNS_EXEMPT = {
    "sizes.size",
    "sizes.limit",
    "heat_pump_months.month",
    "comparison_lp_milp.lp",
    "comparison_lp_milp.milp",
}
#: Tables that put figures of any unit beside each other; the figure's name ends in the unit.
FIGURES = ("published", "comparison_")


def every_spec(*roots: type[BaseModel]) -> list[type[BaseModel]]:
    """Return all specs that are reachable from the roots."""
    found: list[type[BaseModel]] = []
    queue = list(roots)
    while queue:
        model = queue.pop()
        if model not in found:
            found.append(model)
            queue += [m for info in model.model_fields.values() for m in models_in(info.annotation)]
    return found


def test_the_walk_reaches_every_device_and_series():
    names = {model.__name__ for model in every_spec(DistrictStudy)}
    assert {"BackPressure", "HeatPump", "Decision", "FileSeries", "SyntheticSeries", "Fuel", "Line"} <= names
    assert len(models_in(DeviceRow.model_fields["device"].annotation)) == 10
    assert {FileSeries, SyntheticSeries} <= set(every_spec(DistrictStudy))


def test_numeric_fields_of_all_specs_end_in_their_unit():
    bad = {name for model in every_spec(DistrictStudy) for name in unit_suffix_problems(model)}
    assert {b for b in bad if b not in EXEMPT} == set()


def test_the_unit_walk_finds_a_field_without_a_unit():
    class Bad(Spec):
        heat_max: float | list[float] = 1.0
        heat_max_mw: float = 1.0
        name: str = ""

    assert unit_suffix_problems(Bad) == ["Bad.heat_max"]


def test_every_field_of_every_spec_is_described():
    """The description feeds the reference and the error texts."""
    missing = [
        f"{model.__name__}.{name}"
        for model in every_spec(DistrictStudy)
        for name, info in model.model_fields.items()
        if not (info.description or "").strip()
    ]
    assert missing == []


def test_numeric_columns_of_all_tables_end_in_their_unit():
    bad = {
        f"{schema.name}.{column.name}"
        for schema in SCHEMAS
        for column in schema.columns
        if column.dtype in {"number", "integer"}
        and column.unit is None
        and not schema.name.startswith(FIGURES)
    }
    assert bad - COLUMNS_EXEMPT == set()


def test_time_columns_name_their_clock_and_all_columns_have_a_meaning():
    columns = [(schema.name, c) for schema in SCHEMAS for c in schema.columns]
    assert {c.name for _, c in columns if c.dtype == "time" and not c.name.endswith("_utc")} == set()
    assert {f"{table}.{c.name}" for table, c in columns if not c.meaning} == set()
    assert len({schema.name for schema in SCHEMAS}) == len(SCHEMAS)


def test_annotations_are_searched_through_optional_lists():
    assert models_in(list[FileSeries] | None) == [FileSeries]
    assert get_args(float | None) == (float, type(None))
