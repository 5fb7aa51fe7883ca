"""The pages themselves: code runs, commands exist, links lead somewhere, nothing comes from outside."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from docs import generate, maths
from varme.kernel.search import EFFORTS

ROOT = Path(__file__).parents[2]
PAGES = sorted(generate.DOCS.rglob("*.md"))
#: A block that runs: all of a page's, in order, in one namespace, in a folder that holds town.toml.
RUNNABLE = re.compile(r"<!-- run -->\n+```python\n(.*?)```", re.DOTALL)
FENCED = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
#: Addresses of projects and papers that a reader may follow; nothing of them is loaded.
LOADED = re.compile(r"""<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=["'](?:https?:)?//[^"']+""")
LOADED_BY_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^)"']+""")


def blocks_of(language):
    """Return (page, code) of all fenced blocks of a language."""
    return [
        (path.relative_to(generate.DOCS).as_posix(), match[3])
        for path in PAGES
        for match in FENCED.finditer(path.read_text(encoding="utf-8"))
        if match[2] == language
    ]


RUNNING = [path for path in PAGES if RUNNABLE.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", RUNNING, ids=lambda p: p.stem)
def test_code_on_the_pages_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "town.toml").write_bytes((generate.DOCS / "samples" / "town.toml").read_bytes())
    names = {"__name__": "page"}
    blocks = RUNNABLE.findall(page.read_text(encoding="utf-8"))
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)
    assert blocks


def test_pages_with_python_do_run():
    assert {"python", "export", "heat-pump", "costs-and-sizes"} <= {path.stem for path in RUNNING}


@pytest.mark.parametrize(("page", "code"), blocks_of("toml"))
def test_toml_on_the_pages_is_toml(page, code):
    text = re.sub(r"^ +", "", code, flags=re.MULTILINE)
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        pytest.fail(f"{page}: {error}\n{text}")
    assert found


def commands_on_pages():
    return [
        (page, line)
        for page, code in blocks_of("console")
        for line in code.replace("\\\n", " ").splitlines()
        if re.match(r"^ *\$ (?:\.venv/bin/)?varme ", line)
    ]


def refused_options(line):
    """Return what is wrong with a command line: an unknown command, or options that the command does not have."""
    words = shlex.split(line.strip().removeprefix("$"), comments=True)[1:]
    command = generate.commands().get(words[0])
    if command is None:
        return [words[0]]
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    return [word for word in words[1:] if word.startswith("-") and word.split("=")[0] not in known]


@pytest.mark.parametrize(("page", "line"), commands_on_pages())
def test_commands_on_the_pages_exist(page, line):
    usage = re.search(r"\[OPTIONS\]|CODE|KIND|STUDY|RUN\b", line)
    assert usage or refused_options(line) == [], f"{page}: {line}"


def test_the_search_for_wrong_commands_finds_them():
    assert refused_options("$ varme frobnicate x") == ["frobnicate"]
    assert refused_options("$ varme run x --fast  # comment") == ["--fast"]


def test_the_page_on_the_search_states_its_targets():
    page = (generate.DOCS / "explanation" / "search-and-certificate.md").read_text(encoding="utf-8")
    stated = [
        f"stops at a gap of {100 * EFFORTS['fast'].target:g} %",
        f"stops at {100 * EFFORTS['precise'].target:g} %",
    ]
    assert [text for text in stated if text not in page] == []


# ------------------------------------------------------------------------------------------------------ the site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site; strict, so a link or an anchor that leads nowhere fails."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_built(site):
    wanted = {path.relative_to(generate.DOCS).with_suffix(".html") for path in PAGES}
    built = {path.relative_to(site) for path in site.rglob("*.html")}
    assert wanted <= built


def test_no_page_loads_anything_from_outside(site):
    found = {}
    for path in site.rglob("*.html"):
        outside = LOADED.findall(path.read_text(encoding="utf-8"))
        outside = [text for text in outside if 'rel="canonical"' not in text]
        if outside:
            found[path.name] = outside
    for path in site.rglob("*.css"):
        outside = LOADED_BY_STYLE.findall(path.read_text(encoding="utf-8"))
        if outside:
            found[path.name] = outside
    assert found == {}


def test_no_equation_is_left_as_tex(site):
    left = [
        path.name for path in site.rglob("*.html") if 'class="arithmatex"' in path.read_text(encoding="utf-8")
    ]
    assert left == []
    assert "<math" in (site / "explanation" / "extraction.html").read_text(encoding="utf-8")


def test_no_fence_is_left_as_text(site):
    """A block in a note, or after a comment, is easily taken for text; then its fence shows on the page."""
    left = [path.name for path in site.rglob("*.html") if "```" in path.read_text(encoding="utf-8")]
    assert left == []


def test_sources_are_not_part_of_the_site(site):
    assert list(site.rglob("*.py")) == []


# ----------------------------------------------------------------------------------------------------- equations


@pytest.mark.parametrize(
    ("tex", "inside"),
    [
        ("x", "<mi>x</mi>"),
        ("x_t^2", "<msubsup><mi>x</mi><mi>t</mi><mn>2</mn></msubsup>"),
        (r"\frac{a}{12}", "<mfrac><mi>a</mi><mn>12</mn></mfrac>"),
        (r"\le", "<mo>≤</mo>"),
        ("a < b", "<mrow><mi>a</mi><mo>&lt;</mo><mi>b</mi></mrow>"),
        (r"\text{no heat}", "<mtext>no\u00a0heat</mtext>"),
        (r"\{0, 1\}", "<mrow><mo>{</mo><mn>0</mn><mo>,</mo><mn>1</mn><mo>}</mo></mrow>"),
        (r"\sum_t x", "<mrow><munder><mo>∑</mo><mi>t</mi></munder><mi>x</mi></mrow>"),
    ],
)
def test_tex_becomes_mathml(tex, inside):
    assert maths.mathml(tex) == f"<math>{inside}</math>"


@pytest.mark.parametrize("tex", [r"\unheard", "{a", "a}", r"\frac{a}", "x_"])
def test_unknown_tex_stops_the_build(tex):
    with pytest.raises(maths.TexError):
        maths.mathml(tex)
