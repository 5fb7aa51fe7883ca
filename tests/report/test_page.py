"""The page as text: complete, escaped, without addresses, and packed without loss."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.report.made_up import made_up, table
from tests.report.tiny import NASTY, nasty_result, result_of, wide_table
from varme.ground.charts import Chart
from varme.ground.result import Figure
from varme.report.browser import chart_option
from varme.report.page import Section, page_text, write_page
from varme.report.parts import figure_row, provenance_rows, study_text, table_view
from varme.report.payload import Columns, script_json


class Reader(HTMLParser):
    """Collects tags, texts and scripts of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.scripts, self.text, self._inside = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag):
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data):
        if "script" in self._inside:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif "style" not in self._inside:
            self.text.append(data)


def payload(text):
    """Return the options of a page with their columns put back."""
    scripts = {a["id"]: json.loads(body) for a, body in Reader(text).scripts if "id" in a}
    columns = scripts["varme-columns"]

    def back(value):
        if isinstance(value, dict) and set(value) == {"$"}:
            column = columns[value["$"]]
            if isinstance(column, list):
                return column
            steps = np.concatenate([[s] * c for s, c in column["runs"]])
            return [column["first"], *(column["first"] + np.cumsum(steps)).tolist()]
        if isinstance(value, dict):
            return {k: back(v) for k, v in value.items()}
        return [back(v) for v in value] if isinstance(value, list) else value

    return back(scripts["varme-charts"])


def test_packing_loses_nothing():
    result = made_up(days=9)
    packed = payload(page_text(result))
    for chart in result.charts:
        assert packed[chart.name] == json.loads(json.dumps(chart_option(chart, result))), chart.name


def test_equal_columns_are_kept_once():
    columns = Columns()
    first = columns.pack([1.5] * 100)
    assert columns.pack([1.5] * 100) == first
    assert columns.pack([1, 2]) == [1, 2]
    assert columns.pack(list(range(0, 1000, 5))) == {"$": 1}
    assert columns.packed[1] == {"first": 0, "runs": [[5, 199]]}


def test_the_page_names_no_address_outside_the_library():
    text = page_text(made_up(days=3))
    library = max((body for _, body in Reader(text).scripts), key=len)
    assert len(library) > 1_000_000
    rest = text.replace(library, "")
    assert re.findall(r"https?:|//[a-z0-9.-]+\.[a-z]{2,}", rest) == []
    assert not re.search(r"@import|url\(", rest)
    assert [a for tag, a in Reader(text).tags if a.get("src") or (a.get("href") or "#")[0] != "#"] == []
    assert "default-src 'none'" in text


def test_nothing_in_a_result_breaks_out_of_the_page():
    text = page_text(nasty_result())
    reader = Reader(text)
    assert [tag for tag, _ in reader.tags].count("script") == 5
    assert not any("alert" in body for attrs, body in reader.scripts if "type" not in attrs)
    assert "alert('x')" in "".join(reader.text)
    assert not any(tag == "b" for tag, _ in reader.tags)
    assert payload(text)["line"]["varme"]["title"] == f"Chart of {NASTY}"


def test_script_json_cannot_end_the_script():
    text = script_json({"a": "</script><!--\u2028&"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--\u2028&"}


def test_headings_landmarks_and_names_for_those_who_cannot_see():
    text = page_text(made_up(days=3))
    tags = Reader(text).tags
    names = [tag for tag, _ in tags]
    assert names.count("h1") == names.count("main") == names.count("noscript") == 1
    assert ("nav", {"class": "side", "aria-label": "Contents"}) in tags
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for tag, a in tags if tag == "a"} <= set(ids)
    charts = [a for _, a in tags if a.get("role") == "img"]
    assert len(charts) == 13
    assert all(a["aria-label"].strip(". ") for a in charts)


def test_small_tables_are_whole_and_large_ones_say_what_is_left_out():
    rows = 61
    large = table(
        "large",
        "L",
        [("n_count", "integer", "n"), ("q_mw", "number", "q")],
        {"n_count": range(rows), "q_mw": np.arange(rows) / 3},
    )
    view = table_view(large)
    assert (len(view.rows), view.total, view.shortened) == (10, 61, True)
    assert len(table_view(large, whole=True).rows) == 61
    text = page_text(result_of([large, wide_table()], []))
    assert "The first 10 of 61 rows" in text
    assert "tables/large.parquet" in text
    assert 'Heat <span class="unit">[MW]</span>' in text
    assert 'Price <span class="unit">[EUR/MWh]</span>' in text


def test_missing_values_and_empty_tables_show_as_such():
    empty = table(
        "empty",
        "E",
        [("time_utc", "time", "t"), ("what", "text", "w"), ("q_mw", "number", "q")],
        {"time_utc": [], "what": [], "q_mw": []},
    )
    chart = Chart("none", "line", "Nothing", "empty", "time_utc", ("q_mw",))
    text = page_text(result_of([empty, wide_table()], [chart]))
    assert "This table is empty." in text
    assert "There is nothing to draw" in text
    assert '<td class="number">\u2013</td>' in text


def test_a_chart_that_cannot_be_drawn_says_so_and_the_page_stands():
    chart = Chart("bad", "line", "Bad", "wide", "time_utc", ("nothing_mw",))
    assert "could not be drawn: table wide has no column nothing_mw" in page_text(
        result_of([wide_table()], [chart])
    )


def test_comparisons_are_shown_whole_and_extra_sections_as_they_are():
    text = page_text(made_up(days=2), extra_sections=[Section("Notes & more", "<p id='mine'>Text</p>")])
    assert "Numbers of Ommen, Markussen &amp; Elmegaard" in text
    assert "<p id='mine'>Text</p>" in text
    assert 'href="#more-notes-more"' in text


@pytest.mark.parametrize(
    ("value", "band", "inside"),
    [
        (1.0, (1.0, 2.0), True),
        (0.5, (1.0, 2.0), False),
        (3.0, (1.0, 2.0), False),
        (None, (1.0, 2.0), None),
        (1.0, (1.0, 1.0), True),
    ],
)
def test_figures_say_whether_they_lie_in_their_band(value, band, inside):
    row = figure_row(Figure("heat_mw", value, "Heat", band))
    assert row.inside is inside
    assert row.band.endswith("MW")
    if row.gauge:
        assert 0 <= row.gauge.low < row.gauge.high <= 100
        assert 0 <= row.gauge.value <= 100


def test_bands_are_written_in_the_unit_of_the_value():
    row = figure_row(Figure("cost_eur", 611e6, "Cost", (6e8, 6.5e8)))
    assert (row.text, row.unit, row.band) == ("611", "MEUR", "600 to 650\u00a0MEUR")


def test_provenance_is_flattened_and_the_study_shortened():
    rows = provenance_rows({"seed": 7, "solver": {"gap_share": 0.0012, "bound_eur": 5.0}, "seconds": 3.5})
    assert rows == [
        (0, "Seed", "7"),
        (0, "Solver", ""),
        (1, "gap", "0.12\u00a0%"),
        (1, "bound", "5\u00a0EUR"),
        (0, "Duration", "3.5\u00a0s"),
    ]
    assert "(8,760 values)" in study_text({"series": list(range(8760))})


def test_writing_replaces_the_old_page_only_when_the_new_one_is_whole(tmp_path):
    path = tmp_path / "report.html"
    assert write_page(made_up(days=2), path) == path
    assert path.read_text(encoding="utf-8").endswith("</html>")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(FileNotFoundError):
        write_page(made_up(days=2), tmp_path / "missing" / "report.html")


def test_two_runs_give_the_same_bytes():
    assert page_text(made_up(days=3)) == page_text(made_up(days=3))


def test_a_year_of_twenty_units_stays_small():
    assert len(page_text(made_up())) < 3_000_000


def test_a_result_without_anything_is_a_page():
    text = page_text(result_of([], []))
    assert "Nothing stood out" in text
    assert "Main figures" not in text


def test_sections_of_like_names_have_their_own_anchors():
    charts = [
        Chart(f"c{i}", "line", "T", "wide", "time_utc", ("heat_mw",), section=name)
        for i, name in enumerate(["Costs", "Costs!", "Costs?"])
    ]
    ids = [a["id"] for _, a in Reader(page_text(result_of([wide_table()], charts))).tags if "id" in a]
    assert [i for i in ids if i.startswith("charts-")] == ["charts-costs", "charts-costs-2", "charts-costs-3"]
