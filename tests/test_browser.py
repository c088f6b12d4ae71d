"""A reader's path: JupyterLab in a real browser, Run All, no error anywhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbclient
import nbformat
import pytest
from pictures import DOCS, PICTURES, WATCH, cell_shown, store

from llm_helpers import files

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


lab_folder: list[Path] = []  # where the server's notebooks are


@contextmanager
def served(home: Path, *options: str, **variables: str) -> Iterator[str]:
    """Serve ``home/work`` in JupyterLab with settings nobody has touched; give the address."""
    folders = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
    folders = {f"JUPYTER_{name}": str(home / folder) for name, folder in folders.items()}
    environment = os.environ | folders | {"IPYTHONDIR": str(home / "ipython")} | variables
    environment["JUPYTER_CONFIG_PATH"] = str(ROOT / ".jupyter")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0"]
    command += ["--IdentityProvider.token=test", f"--ServerApp.root_dir={home / 'work'}"]
    command += ["--LabApp.expose_app_in_browser=True", *options]
    log = home / "log"  # a file, since a full pipe would make the server wait
    with log.open("w") as sink:
        server = subprocess.Popen(command, env=environment, stdout=sink, stderr=sink)
    try:
        for _ in range(600):
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
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a copy of the notebooks; give the address."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "work" / "notebooks")
    lab_folder[:] = [home / "work"]
    settings = {f"JUPYTERLAB_{of.upper()}_DIR": str(home / of) for of in ("settings", "workspaces")}
    with served(home, **settings) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    """Start Debian's or the user's own Chromium; nothing is downloaded."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def opened(browser: playwright.Browser, lab: str, name: str) -> tuple[playwright.Page, list[str]]:
    """Open a notebook; return its page and a list that grows by whatever goes wrong."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
    page.on(
        "console",
        lambda message: (
            complaints.append(f"console: {message.text}") if message.type == "error" else None
        ),
    )
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
    return page, complaints


def run_cells(page: playwright.Page, wait: bool = True) -> None:
    page.evaluate(
        "async wait => { const done = window.jupyterapp.commands.execute('notebook:run-all-cells');"
        " if (wait) await done; }",
        wait,
    )


def run_all(browser: playwright.Browser, lab: str, name: str) -> tuple[dict, list[str]]:
    """Open a notebook, run every cell, return its content as JSON and what went wrong."""
    page, complaints = opened(browser, lab, name)
    run_cells(page)
    content = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.toJSON()")
    prompts = page.locator(".Toastify__toast").count()
    if prompts:
        complaints.append(f"{prompts} notification(s) shown")
    page.close()
    return content, complaints


# All of them take minutes: BROWSER_NOTEBOOKS=00_start_here,04_text_to_tensors pytest ...
@pytest.mark.parametrize(
    "name", os.environ.get("BROWSER_NOTEBOOKS", "00_start_here,06_training").split(",")
)
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
EXPLORER = ".jp-Cell.jp-mod-active .widget-vbox"
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells"
EXPLORERS = {"02_linear_layer": 2, "03_manual_backprop": 1}  # how many each notebook has


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_key_on_a_slider_redraws_its_explorer_in_half_a_second(
    lab: str, browser: playwright.Browser, name: str
) -> None:
    page, complaints = opened(browser, lab, f"{name}.ipynb")
    run_cells(page)
    cells = page.evaluate(CELLS)
    with_explorer = [i for i, c in enumerate(cells) if "widgets.explore(" in "".join(c["source"])]
    assert len(with_explorer) == EXPLORERS[name]
    for index in with_explorer:
        page.evaluate(SHOW_CELL, index)
        explorer = page.locator(EXPLORER)
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


# ---------------------------------------------------------------- a stored notebook


def keep_screenshot(of: playwright.Page | playwright.Locator, name: str) -> None:
    """Store a picture of the README where ``SCREENSHOTS`` says so (`make pictures`)."""
    if name in PICTURES and os.environ.get("SCREENSHOTS"):
        of.screenshot(path=DOCS / name)
        store(name)


@pytest.mark.parametrize("name", [name for name, shows in PICTURES.items() if shows.notebook])
def test_a_stored_notebook_shows_its_figures_before_it_runs(
    lab: str, browser: playwright.Browser, name: str
) -> None:
    shows = PICTURES[name]
    place, cell = cell_shown(shows)
    page, complaints = opened(browser, lab, f"{shows.notebook}.ipynb")
    page.evaluate(SHOW_CELL, place)
    output = page.locator(".jp-Cell.jp-mod-active .jp-OutputArea").first
    figures = output.locator("img")
    figures.first.wait_for()
    assert figures.count() == sum("image/png" in out.get("data", {}) for out in cell.outputs)
    for figure in figures.all():
        assert figure.evaluate("image => image.complete && image.naturalWidth > 0")
    keep_screenshot(output, name)
    assert not complaints
    page.close()


# ---------------------------------------------------------------- curves that move

OVERFITTING = """
index => {
  const outputs = window.jupyterapp.shell.currentWidget.content.widgets[index].model.outputs;
  return /after step (\\d+)/.exec(outputs.get(0).metadata['image/png'].alt)[1] >= 760;
}
"""

COLLECT = """
index => {
  window.pictures = new Set();
  setInterval(() => {
    const outputs = window.jupyterapp.shell.currentWidget.content.widgets[index].model.outputs;
    for (let i = 0; i < outputs.length; i++) {
      const png = outputs.get(i).data['image/png'];
      if (png) window.pictures.add(png);
    }
  }, 50);
}
"""


@pytest.fixture
def watch(lab: str, browser: playwright.Browser) -> Iterator[tuple[playwright.Page, list[str]]]:
    """Write a notebook that trains for long, open it and start it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in WATCH])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, Path(lab_folder[0]) / "notebooks" / "watch.ipynb")
    page, complaints = opened(browser, lab, "watch.ipynb")
    page.evaluate(COLLECT, 2)
    run_cells(page, wait=False)
    yield page, complaints
    page.close()


def test_the_curve_moves_and_the_interrupt_button_leaves_the_history(watch: tuple) -> None:
    page, complaints = watch
    page.wait_for_function("() => window.pictures.size >= 5", timeout=240_000)
    page.evaluate(SHOW_CELL, 2)
    output = ".jp-Cell.jp-mod-active .jp-OutputArea"
    page.locator(f"{output} img").wait_for()
    if os.environ.get("SCREENSHOTS"):  # the picture is to show how overfitting begins
        page.wait_for_function(OVERFITTING, arg=2, timeout=240_000)
    keep_screenshot(page.locator(output).first, "live-curves.png")
    page.locator("[data-command='notebook:interrupt-kernel']").first.click()
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.widgets[3].model.outputs.length > 0",
        timeout=60_000,
    )
    curve, last = page.evaluate(CELLS)[2:]
    assert "".join(last["outputs"][0]["text"]) == "interrupted True True\n"
    picture, note = curve["outputs"]
    assert "history kept" in "".join(note["text"])
    assert "(interrupted)" in picture["metadata"]["image/png"]["alt"]
    page.evaluate(SHOW_CELL, 2)
    curve = Touched(page)  # the last picture has become a chart
    curve.chart.locator("input[value='mean of 50']").check()
    curve.changed()

    page.evaluate(SHOW_CELL, 1)
    curve = Touched(page)
    curve.chart.locator("input[value='mean of 50']").check()
    curve.point(300, 150)
    curve.changed()
    keep_screenshot(page.locator(".jp-Cell.jp-mod-active .jp-OutputArea").first, "compare-runs.png")
    table, buttons = page.locator(f"{EXPLORER} pre"), page.locator(f"{EXPLORER} button")
    before = table.inner_text()
    assert before.split()[:2] == ["run", "lr"] and "best validation loss" in before
    buttons.nth(0).focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")  # best validation loss
    page.wait_for_function(
        "([where, text]) => document.querySelector(where).innerText !== text",
        arg=[f"{EXPLORER} pre", before],
    )
    assert not complaints


# ---------------------------------------------------------------- curves that can be touched

MANY = """
import math
import random
from llm_helpers.runs import EpochRecord, History, StepRecord
from llm_helpers.widgets import compare_runs

def long_run(seed, steps=10_000):
    chance, run = random.Random(seed), History({"epochs": 2, "steps_per_epoch": steps // 2})
    for step in range(1, steps + 1):
        loss = 1 + math.exp(-3 * step / steps) + seed / 50 + chance.random() / 5
        run.steps.append(StepRecord(step, loss, (1 + seed / 50) * step / 100, 40 * step))
    for epoch in (1, 2):
        step = epoch * steps // 2
        run.epochs.append(EpochRecord(epoch, step, step / 100, 2.0, 2.0, 0.5 + seed / 1000))
    return run
"""
FEW = """
import numpy as np
from llm_helpers.charts import Chart, chart

runs = {'lr 0.1 [a] "b"': long_run(1, 120), "lr 0.2": long_run(30, 90)}
display(Chart(bytes(100), "Two runs.", chart(runs, "Two runs.")))
"""
CHART = ".jp-Cell.jp-mod-active .jp-OutputArea .vega-embed"
PIXELS = """
chart => {
  const canvas = chart.querySelector('canvas');
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let colored = 0, sum = 0;
  for (let i = 0; i < data.length; i += 4) {
    const gray = Math.abs(data[i] - data[i + 1]) < 9 && Math.abs(data[i] - data[i + 2]) < 9;
    if (data[i + 3] > 99 && !gray) colored++;
    sum = (31 * sum + data[i] + 3 * data[i + 1] + 7 * data[i + 2]) % 1000003;
  }
  return [colored, sum];
}
"""


class Touched:
    """A chart in the page: what its canvas shows, and a pointer on it."""

    def __init__(self, page: playwright.Page) -> None:
        self.page, self.chart = page, page.locator(CHART)
        self.canvas = self.chart.locator("canvas")
        self.canvas.wait_for()
        self.canvas.scroll_into_view_if_needed()
        self.seen: list[int] = []
        self.changed()
        assert self.seen[0] > 300, "an empty frame"

    def changed(self) -> list[int]:
        """Wait until the canvas shows something else and has come to rest; give its pixels."""
        last: list[int] = []
        for _ in range(100):
            now = self.chart.evaluate(PIXELS)
            if now == last and now != self.seen:
                self.seen = now
                return now
            last = now
            self.page.wait_for_timeout(100)
        raise AssertionError("the canvas shows the same")

    def point(self, x: float, y: float) -> None:
        """Move the pointer to a place in the canvas, in pixels from its upper left corner."""
        across, down = self.place(x, y)
        self.page.mouse.move(across - 5, down)
        self.page.mouse.move(across, down)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Give a place of the canvas as one of the window."""
        box = self.canvas.bounding_box()
        return box["x"] + x, box["y"] + y

    def leave(self) -> None:
        self.page.mouse.move(5, 5)


def stored(browser: playwright.Browser, lab: str, name: str, *sources: str) -> tuple:
    """Run a notebook, store it, end its kernel, and open it as a reader does who doesn't run it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    path = Path(lab_folder[0]) / "notebooks" / name
    nbclient.execute(notebook)
    nbformat.write(notebook, path)
    page, complaints = opened(browser, lab, name)
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    page.locator("text=No Kernel").first.wait_for()
    complaints.clear()  # the debugger misses its kernel
    page.evaluate(SHOW_CELL, len(sources) - 1)
    return page, complaints


def test_a_stored_curve_can_be_touched_without_a_kernel(
    lab: str, browser: playwright.Browser
) -> None:
    page, complaints = stored(browser, lab, "stored.ipynb", MANY, FEW)
    curve = Touched(page)
    first = curve.seen
    curve.point(300, 150)
    said = page.locator("#vg-tooltip-element.visible")
    said.wait_for()
    wanted = r'at:\s+\d+\s+lr 0.1 \[a\] "b":\s+1\.\d+\s+lr 0.2:\s+\d\.\d+'
    assert re.fullmatch(wanted, said.inner_text().strip())
    with_rule = curve.changed()
    page.mouse.wheel(0, -300)
    zoomed = curve.changed()
    page.mouse.down()
    curve.point(200, 150)
    page.mouse.up()
    assert curve.changed() not in (with_rule, zoomed)
    page.mouse.dblclick(*curve.place(200, 150))
    curve.leave()
    assert curve.changed() == first
    page.mouse.click(*curve.place(80, 346))  # the first name below the axis
    curve.leave()
    without = curve.changed()
    assert without[0] < 0.75 * first[0]  # the line is gone, not only its name's color
    page.mouse.click(*curve.place(80, 346))
    curve.leave()
    assert curve.changed() == first != without
    for name, key in (("scale", "ArrowRight"), ("metric", "ArrowLeft"), ("axis", "ArrowDown")):
        chosen = curve.chart.locator(f"input[name={name}]:checked")
        before = chosen.get_attribute("value")
        chosen.focus()
        page.keyboard.press(key)  # JupyterLab keeps it not for itself: .jupyter/labconfig
        curve.changed()
        assert chosen.get_attribute("value") != before
    for _ in range(3):  # axis, scale, smoothing, names
        page.keyboard.press("Tab")
    page.keyboard.type("0.2")
    curve.changed()
    assert not complaints
    page.close()


MOVE_AND_ZOOM = """
async () => {
  const canvas = document.querySelector('.jp-Cell.jp-mod-active .vega-embed canvas');
  const box = canvas.getBoundingClientRect();
  const at = x => ({bubbles: true, cancelable: true, clientX: box.x + x, clientY: box.y + 150});
  const drawn = () => new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)));
  const start = performance.now();
  for (let i = 0; i < 10; i++) {
    for (const name of ['pointermove', 'mousemove']) {
      canvas.dispatchEvent(new MouseEvent(name, at(200 + 10 * i)));
    }
    await drawn();
    canvas.dispatchEvent(new WheelEvent('wheel', {...at(250), deltaY: -100}));
    await drawn();
  }
  return performance.now() - start;
}
"""


def test_a_hundred_runs_of_ten_thousand_steps_stay_fluid(
    lab: str, browser: playwright.Browser
) -> None:
    show = "compare_runs({f'run {seed}': long_run(seed) for seed in range(100)})"
    page, complaints = stored(browser, lab, "hundred.ipynb", MANY, show)
    curve = Touched(page)
    curve.point(250, 150)
    curve.changed()
    page.mouse.wheel(0, -300)
    curve.changed()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # processor time

    def busy() -> float:
        found = session.send("Performance.getMetrics")["metrics"]
        return next(1000 * each["value"] for each in found if each["name"] == "TaskDuration")

    before = busy()
    passed = page.evaluate(MOVE_AND_ZOOM)  # 20 redraws
    took = (busy() - before) / 20
    print(f"a redraw: {took:.0f} ms of the page's processor time, {passed / 20:.0f} ms passed")
    assert took <= 100
    curve.changed()
    assert not complaints
    page.close()


# ---------------------------------------------------------------- a model whose next word is shown


def cells_with(name: str, *words: str) -> str:
    """Join those code cells of a stored notebook in which one of the words stands."""
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    found = [source for source in sources if any(word in source for word in words)]
    assert len(found) == len(words), words
    return "\n".join(found)


def written(browser: playwright.Browser, lab: str, name: str, *sources: str) -> tuple:
    """Write a notebook of these cells, open it, run it, and go to its last cell."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, Path(lab_folder[0]) / "notebooks" / name)
    page, complaints = opened(browser, lab, name)
    run_cells(page)
    page.evaluate(SHOW_CELL, len(sources) - 1)
    explorer = page.locator(EXPLORER)
    explorer.locator("img").wait_for()
    return page, explorer, complaints


def test_the_sliders_change_the_distribution_of_the_next_token(
    lab: str, browser: playwright.Browser
) -> None:
    # the explorer's own cells of notebook 08; the model isn't trained, but has strong opinions
    parts = ("import matplotlib", "vocab.append_token", "def next_logits(", "def with_temperature(")
    ready = cells_with("08_language_model", *parts)
    ready += "\nmodel = RNNLanguageModel(V)\nnn.init.normal_(model.embedding.weight)"
    shown = cells_with("08_language_model", "def next_tokens(")
    page, explorer, complaints = written(browser, lab, "next.ipynb", ready, shown)
    temperature, share = map(explorer.locator(".noUi-handle").nth, range(2))
    for control, key, told in (
        (temperature, "ArrowLeft", "temperature = 0.9"),
        (share, "ArrowLeft", "nucleus share = 0.95"),
        (explorer.get_by_role("button", name="a", exact=True), "Space", "after = a,"),
    ):
        before = explorer.locator("img").get_attribute("src")
        control.focus()
        page.keyboard.press(key)
        explorer.locator(f"img[alt*='{told}']").wait_for(timeout=10_000)
        assert explorer.locator("img").get_attribute("src") != before
    assert not complaints
    page.close()


REAL = """
import matplotlib.pyplot as plt
import torch
from torch import Tensor
from llm_helpers import pretrained, widgets
from llm_helpers.figures import BLUE

model, tokenizer = pretrained.load()
"""


@pytest.mark.skipif(not (files.data_dir() / files.MODEL).is_file(), reason="the LLM isn't there")
def test_a_typed_text_and_two_sliders_look_into_a_real_llm(
    lab: str, browser: playwright.Browser
) -> None:
    ready = REAL + cells_with("15_open_a_real_llm", "def next_shares(", "def look(")
    shown = cells_with("15_open_a_real_llm", "def inside(")
    page, explorer, complaints = written(browser, lab, "inside.ipynb", ready, shown)
    box = explorer.locator("input[type=text]").first
    block, head = map(explorer.locator(".noUi-handle").nth, range(2))

    def say(words: str) -> None:
        box.fill(words)
        box.press("Enter")

    def changed(told: str, before: str | None) -> None:
        explorer.locator(f"img[alt*='{told}']").wait_for(timeout=20_000)
        assert explorer.locator("img").get_attribute("src") != before

    picture = explorer.locator("img").get_attribute("src")
    say("The capital of France is")
    changed("text = The capital of France is, block = 18, head = 6", picture)
    for control, told in ((block, "block = 17, head = 6"), (head, "block = 17, head = 5")):
        picture = explorer.locator("img").get_attribute("src")
        control.focus()
        page.keyboard.press("ArrowLeft")
        changed(told, picture)
    keep_screenshot(explorer, "inside.png")
    say("")
    explorer.locator("p", has_text="between 1 and 60 tokens").wait_for(timeout=20_000)
    assert not complaints
    page.close()


# ---------------------------------------------------------------- an agent that listens

READY = """
import matplotlib.pyplot as plt
import numpy as np
import torch
from llm_helpers import agent_policy, agent_world, widgets
from llm_helpers.agent_world import ACTIONS, SEEDS, World
from llm_helpers.figures import film_strip

LEVEL = "BabyAI-GoToLocal-v0"
policy = agent_policy.clone([({"BabyAI-GoToLocalS8N2-v0": 100}, 1)])[0]
"""


def test_an_instruction_can_be_typed_and_nonsense_gets_a_kind_word(
    lab: str, browser: playwright.Browser
) -> None:
    # the explorer's own cells of notebook 09, with an agent that has hardly been trained
    shown = cells_with("09_language_agent", "def obey(", "widgets.explore(")
    page, explorer, complaints = written(browser, lab, "listen.ipynb", READY, shown)
    box = explorer.locator("input[type=text]").first

    def say(words: str) -> None:
        box.fill(words)
        box.press("Enter")

    first = explorer.locator("img").get_attribute("alt")
    assert "go to the grey ball" in first
    say("go to the yellow key")
    explorer.locator("img[alt*='go to the yellow key']").wait_for(timeout=10_000)
    say("go to the blue dragon")
    explorer.locator("p", has_text="don't know the word 'dragon'").wait_for(timeout=10_000)
    assert "red" in explorer.inner_text() and "ball" in explorer.inner_text()
    say("go to the green box")
    explorer.locator("p", has_text="There is no green box here").wait_for(timeout=10_000)
    say("go to the blue box")
    explorer.locator("img[alt*='go to the blue box']").wait_for(timeout=10_000)
    keep_screenshot(explorer, "agent.png")
    assert not complaints
    page.close()


# ---------------------------------------------------------------- a conversation that goes on

TALK = "import re\nfrom collections.abc import Callable\n" + READY


def test_three_instructions_in_a_row_and_a_nonsense_word_make_one_conversation(
    lab: str, browser: playwright.Browser
) -> None:
    # the conversation's own cells of notebook 13, with an agent that has hardly been trained
    parts = (
        "def obey(",
        "def without_politeness(",
        "def reply_to(",
        "class Conversation",
        "def meeting(",
    )
    shown = cells_with("13_dialogue", *parts, "widgets.explore(")
    page, explorer, complaints = written(browser, lab, "talk.ipynb", TALK, shown)
    box, transcript = explorer.locator("input[type=text]").first, explorer.locator("pre")
    said = ["go to the grey ball"]  # stands in the box at first

    def say(line: str) -> str:
        """Type a line, wait until the conversation holds it; give the picture's source."""
        said.append(line)
        box.fill(line)
        box.press("Enter")
        transcript.filter(has_text=f"you:   {line}").wait_for(timeout=10_000)
        lines = transcript.inner_text().splitlines()
        assert lines[::2] == [f"you:   {words}" for words in said]  # it has grown by one
        assert all(reply.startswith("agent: ") for reply in lines[1::2])
        return explorer.locator("img").get_attribute("src")

    pictures = [explorer.locator("img").get_attribute("src")]
    for thing in ("yellow key", "blue box", "red key"):
        pictures.append(say(f"go to the {thing}"))
        reply = transcript.inner_text().splitlines()[-1]
        assert re.match(rf"agent: (Done|I couldn't|I'm already in front).* {thing}", reply)
        assert f"say = go to the {thing}" in explorer.locator("img").get_attribute("alt")
    assert len(set(pictures)) == 4
    keep_screenshot(explorer, "conversation.png")
    say("go to the blue dragon")
    assert "don't know the word 'dragon'. I know: go to the" in transcript.inner_text()
    say("What do you see?")
    assert "I see or remember: " in transcript.inner_text().splitlines()[-1]

    explorer.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")  # another room: the conversation begins anew
    explorer.locator("img[alt*='room = 4']").wait_for(timeout=10_000)
    assert transcript.inner_text().count("you: ") == 1
    assert not complaints
    page.close()


# ---------------------------------------------------------------- an agent with tools

VISIT = "import re\nfrom functools import partial\nfrom llm_helpers import llm_agent\n" + READY
STAND_IN = """
def stand_in(talks):  # plays the LLM: it looks for a thing or a sum in the line
    lines = []
    for talk in talks:
        (_, said), *turns = talk.turns
        things = [t for t in sorted(talk.world.things()) if t in said][len(turns) // 2 :]
        sums = re.findall(r"\\d[\\d +*-]*\\d", said)[len(turns) // 2 :]
        calls = [f"goto {thing}" for thing in things] + [f"calculate {sum_}" for sum_ in sums]
        lines.append([*calls, f"say {turns[-1][1] if turns else 'I do not know.'}"][0])
    return lines
"""


def test_a_line_typed_to_the_agent_with_tools_becomes_calls_and_a_film(
    lab: str, browser: playwright.Browser
) -> None:
    # the widget's own cells of notebook 17; a stand-in of ten lines plays the LLM
    shown = cells_with("17_llm_agent", "class Visit:", "def visits(")
    shown += STAND_IN + cells_with("17_llm_agent", "draw, words = visits(agent)").replace(
        "visits(agent)", "visits(stand_in)"
    )
    page, explorer, complaints = written(browser, lab, "visit.ipynb", VISIT, shown)
    box, transcript = explorer.locator("input[type=text]").first, explorer.locator("pre")

    def say(line: str, ends: str) -> str:
        box.fill(line)
        box.press("Enter")
        transcript.filter(has_text=f"user: {line}").wait_for(timeout=20_000)
        assert transcript.inner_text().splitlines()[-1].startswith(ends)
        return explorer.locator("img").get_attribute("src")

    pictures = [explorer.locator("img").get_attribute("src")]
    pictures.append(say("go to the yellow key", "assistant: say "))
    pictures.append(say("go to the blue box", "assistant: say "))
    assert len(set(pictures)) == 3
    say("how much is 47 * 23", "assistant: say 1081")
    assert "tool: 1081" in transcript.inner_text()
    say("hello", "assistant: say I do not know.")
    box.fill("x" * 201)
    box.press("Enter")
    explorer.locator("p", has_text="at most 200 characters").wait_for(timeout=20_000)
    explorer.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    box.fill("go to the red ball")
    box.press("Enter")
    explorer.locator("img[alt*='room = 4']").wait_for(timeout=20_000)
    assert transcript.inner_text().count("user: ") == 1
    assert not complaints
    page.close()
