"""What `make projector` shows on a projector of 1280 × 720: large type, and whole figures."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_browser import CELLS, CHROMIUM, FLAGS, SHOW_CELL, playwright, served

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT = 1280, 720
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"), reason="no Chromium on this machine"
    ),
]


def options() -> list[str]:
    """Give JupyterLab's options as the Makefile has them."""
    recipe = (ROOT / "Makefile").read_text().split("\nprojector: data\n")[1].split("\n\n")[0]
    words = shlex.split(recipe.replace("\\\n", " "))
    return [word for word in words if word.startswith("--LabApp.custom_css")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[playwright.Page]:
    """Start JupyterLab as `make projector` does and open a notebook in it."""
    home = tmp_path_factory.mktemp("projector")
    shutil.copytree(ROOT / ".jupyter-projector", home / "config")
    (home / "work").mkdir()
    shutil.copy(ROOT / "notebooks" / "02_linear_layer.ipynb", home / "work")
    with served(home, *options()) as address, playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(f"{address}doc/tree/02_linear_layer.ipynb?token=test&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
        page.wait_for_timeout(1000)
        yield page
        browser.close()


def test_type_is_large(page: playwright.Page) -> None:
    page.evaluate(SHOW_CELL, 5)  # a paragraph, code and what it prints
    for part in (".cm-content", ".jp-RenderedMarkdown p", ".jp-OutputArea-output pre"):
        shown = page.locator(part).filter(visible=True).first  # a paragraph's editor is hidden
        shown.wait_for()
        size = shown.evaluate("node => getComputedStyle(node).fontSize")
        assert float(size.removesuffix("px")) >= 20, (part, size)


def test_the_notebook_has_the_window_to_itself(page: playwright.Page) -> None:
    box = page.locator(".jp-Notebook").bounding_box()
    assert box["width"] > 0.94 * WIDTH and box["height"] > 0.85 * HEIGHT
    for clutter in (".jp-SideBar", "#jp-main-statusbar", ".jp-DirListing"):
        assert not page.locator(clutter).filter(visible=True).count(), clutter


def test_every_figure_is_in_sight_as_a_whole(page: playwright.Page) -> None:
    cells = page.evaluate(CELLS)
    shown = [
        index
        for index, cell in enumerate(cells)
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
    ]
    assert len(shown) >= 5
    for index in shown:
        page.evaluate(SHOW_CELL, index)
        figure = page.locator(".jp-Cell.jp-mod-active .jp-RenderedImage img").first
        figure.wait_for()
        box = figure.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= WIDTH, index
        assert box["width"] > 0.5 * WIDTH and box["height"] <= HEIGHT - 90, index
