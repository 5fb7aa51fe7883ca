"""PNG files: one per chart, of the asked size, with something on them."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

from tests.report.made_up import made_up
from tests.report.tiny import NASTY, nasty_result, of_every_kind, result_of, wide_table
from varme.ground.charts import Chart
from varme.report.drawing import Axis
from varme.report.inks import block_rows
from varme.report.palette import colours_of
from varme.report.png import draw_png, write_pngs


def painted_share(path):
    """Return the share of pixels that are not white."""
    return float((imread(path)[:, :, :3].min(axis=2) < 0.97).mean())


def test_every_chart_of_a_result_becomes_a_file_that_is_not_blank(tmp_path):
    result = made_up(days=30)
    paths = write_pngs(result, tmp_path / "charts")
    assert [p.name for p in paths] == [f"{c.name}.png" for c in result.charts]
    for path in paths:
        assert imread(path).shape[:2] == (700, 1200)
        assert painted_share(path) > 0.02, path.name
        assert imread(path)[:, :, :3].std() > 0.05, path.name


def test_colours_are_those_of_the_browser(tmp_path):
    result = made_up(days=4)
    colour = colours_of(result)["AMV3"]
    pixels = imread(draw_png(result.chart("heat_year"), result, tmp_path / "x.png"))[:, :, :3]
    rgb = np.asarray([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    assert (np.abs(pixels - rgb).max(axis=2) < 0.01).mean() > 0.02


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_every_kind_is_drawn_from_few_rows(rows, tmp_path):
    tables, charts = of_every_kind(rows, ["a", "b", NASTY])
    for path in write_pngs(result_of(tables, charts), tmp_path, width_px=600, height_px=400):
        assert imread(path).shape[:2] == (400, 600)
        assert painted_share(path) > 0.001


def test_sixty_series_and_nasty_names_are_drawn(tmp_path):
    assert len(write_pngs(nasty_result(names=[f"{NASTY} {i}" for i in range(60)]), tmp_path)) == 10


def test_constant_zero_and_missing_values_are_drawn(tmp_path):
    result = result_of([wide_table(values=(0.0, 0.0, 0.0), second=(float("nan"),) * 3)], [])
    chart = Chart(
        "c", "line", "T", "wide", "time_utc", ("heat_mw",), y2=("price_eur_per_mwh",), threshold={"x": 5.0}
    )
    assert painted_share(draw_png(chart, result, tmp_path / "c.png")) > 0.001


def test_blocks_of_stacked_areas_are_whole_hours():
    quarter_hours = np.datetime64("2019-01-01", "s") + np.arange(35040) * np.timedelta64(900, "s")
    assert block_rows(Axis("time", "", quarter_hours)) == 96
    assert block_rows(Axis("time", "", quarter_hours[:400])) == 1


def test_pages_do_not_load_matplotlib():
    code = "import sys, varme.report.page, varme.report.browser; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
