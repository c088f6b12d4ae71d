"""A reader's path: JupyterLab in a real browser, Run All, no error anywhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
FLAGS += ["--disable-component-update", "--no-first-run"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"), reason="no Chromium on this machine"
    ),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a copy of the notebooks with settings nobody has touched; give the address."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "work" / "notebooks")
    environment = os.environ | {
        "JUPYTER_CONFIG_PATH": str(ROOT / ".jupyter"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0"]
    command += ["--IdentityProvider.token=test", f"--ServerApp.root_dir={home / 'work'}"]
    command += ["--LabApp.expose_app_in_browser=True"]
    log = home / "log"  # a file, since a full pipe would make the server wait
    with log.open("w") as sink:
        server = subprocess.Popen(command, env=environment, stdout=sink, stderr=sink)
    try:
        for _ in range(300):
            address = re.search(r"http://(?:127\.0\.0\.1|localhost):\d+/", log.read_text())
            if address:
                break
            time.sleep(0.2)
        assert address, f"JupyterLab did not start: {log.read_text()}"
        yield address.group(0)
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    """Start Debian's or the user's own Chromium; nothing is downloaded."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def opened(browser: playwright.Browser, lab: str, name: str) -> tuple[playwright.Page, list[str]]:
    """Open a notebook and run every cell; return its page and what went wrong."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((lab, "data:", "blob:", lab.replace("http", "ws", 1)))
            else complaints.append(f"request to {request.url}")
        ),
    )
    page.goto(f"{lab}lab/tree/notebooks/{name}?token=test&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_function(
        "(path) => { const p = window.jupyterapp?.shell.currentWidget;"
        " return p?.context?.path === path &&"
        " p.sessionContext?.session?.kernel?.status === 'idle'; }",
        arg=f"notebooks/{name}",
        timeout=60_000,
    )
    page.evaluate(
        "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
    )
    return page, complaints


def run_all(browser: playwright.Browser, lab: str, name: str) -> tuple[dict, list[str]]:
    """Open a notebook, run every cell, return its content as JSON and what went wrong."""
    page, complaints = opened(browser, lab, name)
    content = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.toJSON()")
    prompts = page.locator(".Toastify__toast").count()
    if prompts:
        complaints.append(f"{prompts} notification(s) shown")
    page.close()
    return content, complaints


# All of them take minutes: BROWSER_NOTEBOOKS=00_start_here,04_text_to_tensors pytest ...
@pytest.mark.parametrize("name", os.environ.get("BROWSER_NOTEBOOKS", "00_start_here").split(","))
def test_run_all_gives_no_error(lab: str, browser: playwright.Browser, name: str) -> None:
    content, complaints = run_all(browser, lab, f"{name}.ipynb")
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [out for c in cells for out in c["outputs"] if out["output_type"] == "error"]
    assert not complaints


# The page itself takes the time, from the key to another picture, loaded: asking from outside
# would cost some of what is measured.
STOPWATCH = """
explorer => {
  const before = explorer.querySelector('img').src;
  const loaded = image => image && image.complete && image.naturalWidth > 0;
  window.redrawn = new Promise(done => {
    setTimeout(() => done('no other picture within 5 s'), 5000);
    explorer.addEventListener('keydown', async () => {
      const start = performance.now();
      const image = () => explorer.querySelector('img');
      while (!loaded(image()) || image().src === before) {
        await new Promise(resolve => setTimeout(resolve, 5));
      }
      done(performance.now() - start);
    }, {capture: true, once: true});
  });
}
"""
# JupyterLab keeps cells that are out of sight out of the page: go to the explorer's first.
SHOW_CELL = """
async index => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = index;
  await notebook.scrollToItem(index, 'center');
}
"""
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells"
EXPLORERS = {"02_linear_layer": 2, "03_manual_backprop": 1}  # how many each notebook has


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_key_on_a_slider_redraws_its_explorer_in_half_a_second(
    lab: str, browser: playwright.Browser, name: str
) -> None:
    page, complaints = opened(browser, lab, f"{name}.ipynb")
    cells = page.evaluate(CELLS)
    with_explorer = [i for i, c in enumerate(cells) if "widgets.explore(" in "".join(c["source"])]
    assert len(with_explorer) == EXPLORERS[name]
    for index in with_explorer:
        page.evaluate(SHOW_CELL, index)
        explorer = page.locator(".jp-Cell.jp-mod-active .widget-vbox")
        explorer.locator("img").wait_for()
        sliders = explorer.locator(".noUi-handle")
        assert sliders.count() >= 2
        for number in range(sliders.count()):
            for key in ("ArrowRight", "ArrowLeft"):
                before = explorer.locator("img").get_attribute("alt")
                explorer.evaluate(STOPWATCH)
                sliders.nth(number).focus()
                page.keyboard.press(key)
                took = page.evaluate("() => window.redrawn")  # in milliseconds
                assert isinstance(took, int | float) and took < 500, (index, number, key, took)
                print(f"{name}, cell {index}, slider {number}: {took:.0f} ms")
                after = explorer.locator("img").get_attribute("alt")  # tells the values, too
                assert before != after and len(after) >= 20
    assert not complaints
    page.close()
