"""The page in a real browser: headless Chromium through Playwright, from a file, without a network."""

import csv
import os
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.report.made_up import made_up
from tests.report.tiny import nasty_result, of_every_kind, result_of
from varme.report.page import write_page

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = pytest.mark.web

#: Whether a canvas holds more than one colour; canvases of file pages may be read as nothing foreign is on them.
PAINTED = """() => [...document.querySelectorAll('.chart')].map((element) => {
  const canvas = element.querySelector('canvas');
  if (!canvas) return element.dataset.chart + ': no canvas';
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  return seen.size > 4 ? '' : element.dataset.chart + ': blank';
}).filter((text) => text)"""


@pytest.fixture(scope="module")
def browser():
    path = CHROMIUM if CHROMIUM.exists() else Path(shutil.which("chromium") or "/nowhere")
    required = os.environ.get("VARME_REQUIRE_SERVICES") == "1"
    if not path.exists() and not required:
        pytest.skip("no Chromium here: apt-get install chromium")
    assert path.exists(), "VARME_REQUIRE_SERVICES=1 asks for Chromium: apt-get install chromium"
    playwright = (
        pytest.importorskip("playwright.sync_api")
        if not required
        else __import__("playwright.sync_api").sync_api
    )
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=str(path), args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    return write_page(made_up(days=120), tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture
def opened(browser):
    """Open a file and watch for errors and requests; both must stay empty."""
    pages, troubles = [], []

    def open_(path, **settings):
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | settings))
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on(
            "request",
            lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else troubles.append(r.url),
        )
        page.goto(path.as_uri())
        pages.append(context)
        return page

    yield open_
    for context in pages:
        context.close()
    assert troubles == []


def scroll_through(page):
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, 500):
        page.evaluate(f"window.scrollTo({{top: {top}, behavior: 'instant'}})")
        page.wait_for_timeout(60)
    page.wait_for_function("document.querySelectorAll('.chart:not([data-drawn])').length === 0")


def test_every_chart_is_drawn(opened, page_file):
    page = opened(page_file)
    scroll_through(page)
    assert page.locator(".chart").count() == 13
    assert page.evaluate(PAINTED) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_one_column_without_scrolling_sideways(opened, page_file, scheme):
    page = opened(
        page_file, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, color_scheme=scheme
    )
    scroll_through(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(PAINTED) == []
    assert page.locator("nav.side").is_hidden()
    page.locator("details.contents summary").tap()
    assert page.locator("details.contents a").first.is_visible()


def test_charts_follow_the_width_of_the_window(opened, page_file):
    page = opened(page_file)
    scroll_through(page)
    page.set_viewport_size({"width": 500, "height": 900})
    page.wait_for_timeout(400)
    widths = page.evaluate(
        "[...document.querySelectorAll('.chart canvas')].map((c) => c.getBoundingClientRect().width)"
    )
    assert max(widths) <= 500
    assert page.evaluate("document.documentElement.scrollWidth") <= 500


def test_the_data_button_shows_and_saves_what_is_drawn(opened, page_file, tmp_path):
    page = opened(page_file)
    page.locator("#chart-heat_week .show-data").click()
    dialog = page.locator("dialog")
    assert dialog.is_visible()
    assert "168 rows; the first 100 are shown" in dialog.inner_text()
    with page.expect_download() as download:
        dialog.locator(".save").click()
    assert download.value.suggested_filename == "heat_week.csv"
    download.value.save_as(tmp_path / "x.csv")
    rows = list(csv.reader((tmp_path / "x.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0][:3] == ["time_utc", "local time (Europe/Copenhagen)", "AMV1 [MW]"]
    assert len(rows) == 169
    frame = made_up(days=120).chart("heat_week").data(made_up(days=120).data)
    first = frame[frame["unit"] == "AMV1"]["heat_mw"]
    assert [float(r[2]) for r in rows[1:]] == pytest.approx(first.tolist(), rel=1e-4)
    assert rows[1][0] == frame["time_utc"].iloc[0].strftime("%Y-%m-%dT%H:%M:%SZ")
    dialog.locator(".close").click()
    assert dialog.is_hidden()


def test_the_image_button_saves_a_png(opened, page_file, tmp_path):
    page = opened(page_file)
    with page.expect_download() as download:
        page.locator("#chart-surface .save-image").click()
    assert download.value.suggested_filename == "surface.png"
    download.value.save_as(tmp_path / "x.png")
    data = (tmp_path / "x.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert int.from_bytes(data[16:20], "big") == 2400


@pytest.mark.parametrize("name", ["demand_year", "heat_year", "heat_week"])
def test_tooltips_tell_the_values_of_their_hour(opened, page_file, name):
    """Also where a long series is drawn from a sample of its points, or as means over blocks."""
    page = opened(page_file)
    scroll_through(page)
    text = page.evaluate(
        """async (name) => {
          const chart = varmePage.drawn.get(name).chart, box = chart.getDom();
          chart.dispatchAction({type: 'showTip', x: box.clientWidth * 0.4, y: box.clientHeight * 0.5});
          await new Promise((done) => setTimeout(done, 300));
          return [...box.children].map((child) => child.innerText).join('\\n');
        }""",
        name,
    )
    found = re.search(
        r"(\w{3}, \d+ \w{3} 2011|\w{3} \d+ \w{3} 2011),? (?:at )?(\d\d:\d\d) (CES?T|GMT\+[12])(, mean of (\d+) h)?",
        text,
    )
    assert found, text
    result = made_up(days=120)
    frame = result.chart(name).data(result.data)
    clock = frame["time_utc"].dt.tz_convert("Europe/Copenhagen")
    day, month = re.findall(r"(\d+) (\w{3}) 2011", found[1])[0]
    at = (clock.dt.day == int(day)) & (clock.dt.strftime("%b %H:%M") == f"{month} {found[2]}")
    assert at.any(), text
    start = frame["time_utc"][at].iloc[0]
    hours = int(found[5] or 1)
    span = frame[(frame["time_utc"] >= start) & (frame["time_utc"] < start + pd.Timedelta(hours=hours))]
    if name == "demand_year":
        expected = {"Heat demand": span["heat_demand_mw"].mean(), "Wind": span["wind_mw"].mean()}
    else:
        expected = {
            "AMV3": span[span["unit"] == "AMV3"]["heat_mw"].mean(),
            "Total": span["heat_mw"].sum() / hours,
        }
    for label, value in expected.items():
        shown = re.search(rf"^{label}\s*([\d,.]+)\s*MW", text, re.MULTILINE)
        if value == 0 and label != "Total":
            continue
        assert shown, f"{label} in {text}"
        assert float(shown[1].replace(",", "")) == pytest.approx(value, rel=2e-3)


def test_zooming_a_year_of_stacked_areas_brings_back_the_hours(opened, page_file):
    page = opened(page_file)
    scroll_through(page)
    fine = page.evaluate(
        """async () => {
          const entry = varmePage.drawn.get('heat_year'), before = entry.state.fine;
          entry.chart.dispatchAction({type: 'dataZoom', start: 30, end: 35});
          await new Promise((done) => setTimeout(done, 400));
          return [before, entry.state.fine, entry.state.source.x.length];
        }"""
    )
    assert fine[0] > 1
    assert fine[1] == 1
    assert fine[2] < 1200


def test_hiding_a_series_lowers_the_stack(opened, page_file):
    page = opened(page_file)
    scroll_through(page)
    heights = page.evaluate(
        """async () => {
          const chart = varmePage.drawn.get('heat_week').chart;
          const top = () => Math.max(...chart.getOption().dataset[0].source.s19);
          const before = top();
          chart.dispatchAction({type: 'legendToggleSelect', name: 'AVV1'});
          await new Promise((done) => setTimeout(done, 100));
          return [before, top()];
        }"""
    )
    assert heights[1] < heights[0]


def test_print_shows_charts_as_images_and_opens_what_is_folded(opened, page_file):
    page = opened(page_file)
    data = page.pdf(prefer_css_page_size=True, print_background=True)
    streams = re.findall(rb"/Subtype\s*/Image", data)
    assert len(streams) >= 13
    assert (
        data.count(b"/Type /Page\n")
        + data.count(b"/Type /Page ")
        + len(re.findall(rb"/Type\s*/Page\b(?!s)", data))
        > 5
    )
    page.evaluate("varmePage.prepare()")
    assert page.locator("img.printed").count() == 13
    assert page.evaluate("[...document.querySelectorAll('#tables details')].every((d) => d.open)")
    page.evaluate("varmePage.restore()")
    assert page.locator("img.printed").count() == 0


def test_nasty_texts_stay_texts(opened, tmp_path):
    page = opened(write_page(nasty_result(), tmp_path / "nasty.html"))
    scroll_through(page)
    assert page.evaluate(PAINTED) == []
    assert page.title().startswith("</script><script>alert('x')")
    for kind in ("line", "stack", "box", "scatter", "sankey"):
        page.evaluate(
            """(name) => { const c = varmePage.drawn.get(name).chart, b = c.getDom();
              c.dispatchAction({type: 'showTip', x: b.clientWidth / 2, y: b.clientHeight / 2});
              c.dispatchAction({type: 'showTip', seriesIndex: 0, dataIndex: 0}); }""",
            kind,
        )
    page.wait_for_timeout(200)
    assert page.locator(".chart script, .chart b b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.locator("#chart-line .show-data").click()
    assert "alert('x')" in page.locator("dialog").inner_text()


@pytest.mark.parametrize(("rows", "count"), [(1, 2), (2, 60), (300, 60)])
def test_few_rows_and_sixty_series_are_drawn(opened, tmp_path, rows, count):
    tables, charts = of_every_kind(rows, [f"series {i}" for i in range(count)])
    page = opened(write_page(result_of(tables, charts), tmp_path / "x.html"))
    scroll_through(page)
    assert page.evaluate(PAINTED) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_the_page_can_be_read_without_scripts(browser, page_file):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert (
        "scripts are switched off" in page.locator("noscript").inner_text()
        or page.locator(".noscript").is_visible()
    )
    assert page.locator("#figures").is_visible()
    context.close()
