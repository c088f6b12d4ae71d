"""The book: what it takes over from the notebooks, its own pages, and how it behaves offline."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import nbformat
import pytest
from bs4 import BeautifulSoup
from test_charts import history

from llm_helpers import charts

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "docs" / "book" / "build.py"
OWN_PAGES = ("index", "questions", "glossary", "teachers")

PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def with_chart(path: Path) -> None:
    """Add a cell to a notebook, with a chart of two runs as its stored output."""
    notebook = nbformat.read(path, as_version=4)
    alt = "Two runs & their losses."
    shown = charts.Chart(PIXEL, alt, charts.chart({"a": history(200), "b": history(300)}, alt))
    data, about = shown._repr_mimebundle_()
    data["image/png"] = b64encode(PIXEL).decode()
    cell = nbformat.v4.new_code_cell("chart", id="made-up")
    cell.outputs = [nbformat.v4.new_output("display_data", data=data, metadata=about)]
    notebook.cells.insert(-1, cell)
    nbformat.write(notebook, path)


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the stored notebooks; one of them gets a chart."""
    folder = tmp_path_factory.mktemp("book") / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    with_chart(folder / "00_start_here.ipynb")
    return folder


def built(*options: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, str(BUILD), *map(str, options)]
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment, check=False
    )


@pytest.fixture(scope="session")
def book(source: Path) -> Path:
    """Build the book; give the folder of the site."""
    site = source.with_name("site")
    done = built("--notebooks", source, "--to", site)
    assert (done.returncode, done.stderr) == (0, "")  # a warning counts as an error
    return site


@pytest.fixture(scope="session")
def notebooks(source: Path) -> dict[str, dict[str, Any]]:
    paths = sorted(source.glob("*.ipynb"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


@pytest.fixture(scope="session")
def pages(book: Path) -> dict[str, BeautifulSoup]:
    """Parse every page of the site, by its path."""
    files = [*sorted(book.glob("*.html")), *sorted((book / "notebooks").glob("*.html"))]
    return {
        file.relative_to(book).as_posix(): BeautifulSoup(file.read_text(encoding="utf-8"), "lxml")
        for file in files
    }


@pytest.fixture(scope="session")
def module() -> Any:
    """Import ``docs/book/build.py``, which is in no package."""
    spec = importlib.util.spec_from_file_location("book_build", BUILD)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


# ---------------------------------------------------------------- the book's own pages


def test_the_glossary_holds_every_new_word_and_no_other(module: Any) -> None:
    listed = set(module.Book(ROOT / "notebooks").new_words())
    explained = set(module.glossary())
    assert sorted(listed - explained) == [], "new words that docs/book/glossary.txt lacks"
    assert sorted(explained - listed) == [], "words that no notebook lists as new"


def test_each_word_has_one_sentence(module: Any) -> None:
    lines = (BUILD.parent / "glossary.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(module.glossary()), "a word stands twice"
    wrong = [
        word
        for word, text in module.glossary().items()
        if not text.endswith(".") or len(text) < 15 or re.search(r"[.!?] [A-Z]", text)
    ]
    assert wrong == []


def test_a_word_without_a_sentence_stops_the_build(module: Any, monkeypatch: Any) -> None:
    words = module.glossary()
    del words["perplexity"]
    monkeypatch.setattr(module, "glossary", lambda: words)
    with pytest.raises(module.BookError, match="lacks perplexity"):
        module.Book(ROOT / "notebooks").glossary()


def test_a_figure_that_no_cell_prints_any_more_stops_the_build(
    source: Path, tmp_path: Path
) -> None:
    shutil.copytree(source, tmp_path / "notebooks")
    changed = tmp_path / "notebooks" / "08_language_model.ipynb"
    text = changed.read_text(encoding="utf-8")
    assert "Kneser–Ney trigram test perplexity" in text
    changed.write_text(text.replace("trigram test", "trigrams, test"), encoding="utf-8")
    done = built("--notebooks", tmp_path / "notebooks", "--to", tmp_path / "site")
    assert done.returncode == 1 and not (tmp_path / "site").exists()
    assert "08_language_model: 0 cells print 'Kneser–Ney trigram test" in done.stderr


def test_the_readme_and_the_plan_know_how_long_a_lesson_is(module: Any) -> None:
    ours = module.Book(ROOT / "notebooks")
    first, *others = map(ours.minutes, ours.notebooks)
    said = f"a lesson of {min(others)} to {max(others)} minutes; 00 takes {first}"
    assert said in (ROOT / "README.md").read_text(encoding="utf-8")
    assert max(sum(map(ours.minutes, names)) for _, names in ours.weeks()) <= 100


def test_a_figure_comes_from_one_cell(module: Any) -> None:
    book = module.Book(ROOT / "notebooks")
    assert re.search(r'cell-\w+">100%</a>', book.figure("00", r"and (\d+%) where it trained"))
    with pytest.raises(module.BookError, match="cells print"):
        book.figure("00", r"(right)")
    with pytest.raises(module.BookError, match="no notebook 99"):
        book.figure("99", "x")


def test_every_question_is_answered_by_a_measured_figure(pages: dict) -> None:
    sections = pages["questions.html"].select("section section")
    assert len(sections) >= 10
    for section in sections:
        figures = section.select("a.measured")
        assert figures and all(figure.get_text().strip() for figure in figures)
        assert section.select("h2")[0].get_text().rstrip("#").endswith("?")


def test_teachers_find_every_prompt_and_exercise(pages: dict, notebooks: dict) -> None:
    text = pages["teachers.html"].get_text()
    prompts = len(pages["teachers.html"].select("section section ol > li"))
    stored = [s for n in notebooks.values() for c in n["cells"] for s in c["source"]]
    assert prompts == sum(line.count("**Predict") for line in stored) - 1  # 00 says what it is
    titles = [
        m[1] for line in stored if (m := re.match(r"### Exercise \d+ · (.+) \(\d+ min", line))
    ]
    assert len(titles) >= 70
    plain = re.sub(r"\W", "", text)
    missing = [t for t in titles if re.sub(r"\W", "", t) not in plain]
    assert missing == []


# ---------------------------------------------------------------- what it takes over


def test_every_stored_alt_text_is_in_the_book(pages: dict, notebooks: dict) -> None:
    for name, notebook in notebooks.items():
        outputs = [o for cell in notebook["cells"] for o in cell.get("outputs", [])]
        about = [o.get("metadata", {}).get("image/png", {}) for o in outputs]
        stored = Counter(entry["alt"] for entry in about if "alt" in entry)
        page = pages[f"notebooks/{name}.html"]
        assert Counter(image.get("alt") for image in page.select(".cell_output img")) == stored
        assert all(image.get("alt") for image in page.select("article img"))


def test_what_jupyterlab_folds_is_folded(pages: dict, notebooks: dict) -> None:
    for name, notebook in notebooks.items():
        by_id = {e["id"]: e for e in pages[f"notebooks/{name}.html"].find_all("div", id=True)}
        for cell in notebook["cells"]:
            if cell["cell_type"] != "code":
                continue
            shown = by_id[f"cell-{cell['id']}"]
            folded = cell["metadata"].get("jupyter", {})
            for part, key in (("cell_input", "source_hidden"), ("cell_output", "outputs_hidden")):
                for box in shown.find_all("div", class_=part):
                    details = box.find_parents("details")
                    assert bool(details) == bool(folded.get(key)), (name, cell["id"], part)
                    assert not any(d.has_attr("open") for d in details)
            if "solution" in cell["metadata"].get("tags", []):
                assert "Show the solution" in shown.get_text()
                assert shown.find("details")


def test_an_explorer_says_how_to_run_it(pages: dict, notebooks: dict) -> None:
    for name, notebook in notebooks.items():
        outputs = json.dumps([cell.get("outputs", []) for cell in notebook["cells"]])
        page = pages[f"notebooks/{name}.html"]
        shown = [e.get_text() for e in page.select("p.explorer")]
        assert len(shown) == outputs.count("(Run this cell and controls appear here")
        assert all("make lab" in text for text in shown)
        assert "(Run this cell" not in page.get_text()


def test_each_notebook_can_be_downloaded_as_it_is(book: Path, source: Path, pages: dict) -> None:
    for path in source.glob("*.ipynb"):
        (link,) = pages[f"notebooks/{path.stem}.html"].select("p.download a")
        target = (book / "notebooks" / link.get("href")).resolve()
        assert target.read_bytes() == path.read_bytes()


def test_the_four_parts_are_in_the_navigation_of_every_page(pages: dict, notebooks: dict) -> None:
    for name in (f"notebooks/{stem}.html" for stem in list(notebooks)[::6]):
        captions = [p.get_text() for p in pages[name].select(".bd-sidebar-primary .caption")]
        assert [c.split(" ·")[0] for c in captions] == [
            "I",
            "II",
            "III",
            "IV",
            "Beside the notebooks",
        ]
        links = pages[name].select(".bd-sidebar-primary nav a.reference")
        assert len(links) == len(notebooks) + len(OWN_PAGES)
        assert pages[name].select(".prev-next-footer a.right-next")
        assert pages[name].select(".page-toc a")


# ---------------------------------------------------------------- links


def links(page: BeautifulSoup) -> Iterator[tuple[str, str]]:
    """Give every address in a page, each with the name of its element."""
    for element in page.find_all(lambda e: e.has_attr("href") or e.has_attr("src")):
        yield element.name, element.get("href") or element.get("src") or ""


def test_all_internal_links_resolve(pages: dict, book: Path) -> None:
    names = {page: {e["id"] for e in root.find_all(id=True)} for page, root in pages.items()}
    broken = []
    for page, root in pages.items():
        for element, link in links(root):
            if re.match("[a-z]+:", link):
                continue
            path, fragment = map(unquote, urldefrag(link))
            path = path.partition("?")[0]
            target = ((book / page).parent / path if path else book / page).resolve()
            where = target.relative_to(book.resolve()).as_posix()
            known = not fragment or where not in names or fragment in names[where]
            if not (target.is_file() and known):
                broken.append(f"{page}: <{element}> {link}")
    assert broken == []


def test_no_page_asks_another_host_for_anything(pages: dict, book: Path) -> None:
    outside = [
        f"{page}: {link}"
        for page, root in pages.items()
        for element, link in links(root)
        if element != "a" and re.match(r"(https?:)?//", link)
    ]
    remote = re.compile(r"url\([\"']?(https?:)?//")
    styles = [p for p in book.rglob("*.css") if remote.search(p.read_text(encoding="utf-8"))]
    assert outside == [] and styles == []


# ---------------------------------------------------------------- in a browser, without a server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Debian's or the user's own Chromium; nothing is downloaded."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    from test_browser import CHROMIUM, FLAGS

    if CHROMIUM is None and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def watched(browser: Any) -> Iterator[Any]:
    """Open a page whose every error and request to the outside ends up in ``complaints``."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.complaints = []
    complain = page.complaints.append
    page.on("pageerror", lambda error: complain(f"page error: {error}"))
    page.on("console", lambda m: complain(f"console: {m.text}") if m.type == "error" else None)
    page.on("requestfailed", lambda request: complain(f"failed: {request.url}"))
    page.route(re.compile("^(?!file:|data:|blob:)"), lambda route: route.abort())
    yield page
    page.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    with watched(browser) as page:
        yield page


SETTLED = """
async () => {
  if (window.MathJax?.startup) await window.MathJax.startup.promise;
  for (const chart of document.querySelectorAll('.chart')) {
    while (!chart.matches('.drawn')) await new Promise(done => setTimeout(done, 20));
  }
}
"""


def visit(page: Any, book: Path, name: str) -> None:
    """Go to a page of the book and wait until its formulas and its charts are drawn."""
    page.goto((book / name).as_uri())
    page.evaluate(SETTLED)


LOOK = """
() => ({
  formulas: document.querySelectorAll('span.math, div.math').length,
  drawn: document.querySelectorAll('.math mjx-container').length,
  wrong: document.querySelectorAll('mjx-merror').length,
  width: document.documentElement.scrollWidth,
})
"""


@pytest.fixture(scope="module")
def tour(browser: Any, book: Path) -> dict[str, Any]:
    """Visit every page once, in three widths; note what was seen and what went wrong."""
    with watched(browser) as page:
        seen = {}
        for file in [*book.glob("*.html"), *(book / "notebooks").glob("*.html")]:
            name = file.relative_to(book).as_posix()
            page.set_viewport_size({"width": 1280, "height": 900})
            visit(page, book, name)
            for width in (1280, 640, 380):
                page.set_viewport_size({"width": width, "height": 900})
                seen[name, width] = page.evaluate(LOOK)
        return {"seen": seen, "complaints": page.complaints}


@pytest.mark.browser
def test_every_page_loads_without_an_error_or_an_outside_request(tour: dict, pages: dict) -> None:
    assert tour["complaints"] == []
    assert {name for name, _ in tour["seen"]} == set(pages)


@pytest.mark.browser
def test_every_formula_is_drawn(tour: dict) -> None:
    assert sum(look["formulas"] for look in tour["seen"].values()) > 1000
    missing = {
        name: look
        for (name, _), look in tour["seen"].items()
        if look["wrong"] or look["formulas"] != look["drawn"]
    }
    assert missing == {}


# 380 is a phone. A window of 1,280 pixels at 200 % leaves a page 640 to draw on.
@pytest.mark.browser
def test_no_page_is_wider_than_its_window(tour: dict) -> None:
    seen = tour["seen"].items()
    wide = {key: look["width"] for key, look in seen if look["width"] > key[1]}
    assert wide == {}


@pytest.mark.browser
def test_search_finds_the_vanishing_gradient(page: Any, book: Path) -> None:
    visit(page, book, "index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("vanishing gradient")
    page.keyboard.press("Enter")
    result = page.locator("#search-results a[href*='05_rnn_model.html']").first
    result.wait_for(timeout=30_000)
    result.click()
    page.wait_for_url("**/05_rnn_model.html*")
    assert page.complaints == []


@pytest.mark.browser
def test_a_chart_reacts_without_a_kernel(page: Any, book: Path) -> None:
    visit(page, book, "notebooks/00_start_here.html")
    chart = page.locator("#cell-made-up .chart")
    canvas = chart.locator("canvas")
    canvas.scroll_into_view_if_needed()
    pictures = [canvas.evaluate("canvas => canvas.toDataURL()")]
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2, steps=5)
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for(timeout=10_000)
    assert re.search(r"\d", tooltip.inner_text())
    pictures.append(canvas.evaluate("canvas => canvas.toDataURL()"))
    page.mouse.move(0, 0)
    chart.locator("input[type=radio][value=log]").check()
    page.wait_for_timeout(200)
    pictures.append(canvas.evaluate("canvas => canvas.toDataURL()"))
    assert len(set(pictures)) == 3
    assert not chart.locator("> img").is_visible()  # it's for paper, and where no script runs
    assert page.complaints == []


@pytest.mark.browser
def test_a_chart_follows_the_theme(page: Any, book: Path) -> None:
    visit(page, book, "notebooks/00_start_here.html")
    canvas = page.locator("#cell-made-up canvas")
    light = canvas.evaluate("canvas => canvas.toDataURL()")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "light => document.querySelector('#cell-made-up canvas')?.toDataURL() !== light", arg=light
    )
    assert page.complaints == []


@pytest.mark.browser
def test_code_can_be_copied_and_a_solution_opens(page: Any, book: Path) -> None:
    visit(page, book, "notebooks/02_linear_layer.html")
    cells = page.locator("div.cell_input")
    assert page.locator("div.cell_input button.copybtn").count() == cells.count() > 40
    solution = page.locator(".tag_solution").first
    assert not solution.locator("pre").first.is_visible()
    solution.locator("summary").focus()
    page.keyboard.press("Enter")
    assert solution.locator("pre").first.is_visible()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "notebooks/00_start_here", "glossary"])
def test_axe_finds_no_serious_fault(page: Any, book: Path, name: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no color halfway
    visit(page, book, f"{name}.html")
    faults = [
        f"{fault['id']}: {fault['nodes'][0]['html'][:200]}"
        for fault in axe.run(page).response["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert faults == []
