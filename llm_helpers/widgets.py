"""Explorers: controls above a figure that follows them, and a still twin below.

Used from notebook 02 on; those of several runs in notebook 06.
"""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Callable, Mapping

import ipywidgets
from IPython import get_ipython
from IPython.display import display
from matplotlib.figure import Figure

from .charts import Chart, chart
from .curves import describe_runs, plot_runs, table_of
from .figures import to_png
from .runs import History

FREE = {"layout": {"width": "auto"}}  # as wide as the words need
Slider = tuple[float, float, float, float]  # lowest, highest, step, value at first
# a list of words: choose one, at first the first; a string: a box to type in, at first with it
Control = Slider | list[str] | str


def explore(
    draw: Callable[..., Figure],
    alt: str,
    words: Callable[..., str] | None = None,
    **controls: Control,
) -> None:
    """Show controls and a figure; whenever one is moved, ``draw(**values)`` draws it again.

    Where nobody is there to move them (nbconvert, nbval), the figure is drawn once as a trial
    and a line of text stands in its place, so that a stored notebook has no dead widget.

    Args:
        draw: takes one keyword argument for each control and gives a new figure.
        alt: says in words what the figure shows; the values are added.
        words: takes the same and gives plain text, shown below the figure.
        controls: (lowest, highest, step, first value) for a slider, of integers if all four
            are; a list of words for buttons, one of which is pressed; a text to begin with for
            a box to type in (drawn again at Enter).
            All react to the keyboard: arrow keys move a slider, Tab and Space press a button.

    Where ``draw`` raises a ValueError, its message is shown in place of the figure.

    Raises:
        ValueError: an alt text too short to tell anything.
    """
    if len(alt) < 20:
        raise ValueError("tell in a sentence what the figure shows (alt)")
    if not _somebody_watches():
        first = {name: _first(control) for name, control in controls.items()}
        to_png(draw(**first))
        print(f"(Run this cell and controls appear here: {', '.join(map(_label, controls))}.)")
        return
    knobs = {name: _knob(name, control) for name, control in controls.items()}
    picture = ipywidgets.HTML()  # ipywidgets.Image has no alternative text

    def redraw(_change: object = None) -> None:
        values = {name: knob.value for name, knob in knobs.items()}
        now = ", ".join(f"{_label(name)} = {value}" for name, value in values.items())
        try:
            shown = _img(to_png(draw(**values)), f"{alt} Now: {now}.")
        except ValueError as error:
            picture.value = f"<p>{html.escape(str(error))}</p>"
            return
        picture.value = shown + (f"<pre>{html.escape(words(**values))}</pre>" if words else "")

    redraw()
    for knob in knobs.values():
        knob.observe(redraw, names="value")
    display(ipywidgets.VBox([*knobs.values(), picture]))


def compare_runs(histories: Mapping[str, History]) -> None:
    """Show several runs of ``fit``: a chart to touch, and a table that sorts.

    The chart needs no kernel. Where nobody watches, the table is printed.

    Raises:
        ValueError: no runs.
    """
    if not histories:
        raise ValueError("no runs to compare: train some, or see load_runs and save_run")
    ends = {name: run.steps[-1].loss for name, run in histories.items() if run.steps}
    alt = f"Loss by step of {len(histories)} training runs, a line each. At the end: "
    alt += ", ".join(f"{name}: {loss:.3f}" for name, loss in list(ends.items())[:12]) + "."
    picture = to_png(plot_runs(histories, smoothing=10))
    display(Chart(picture, alt, chart(histories, alt)))
    if not _somebody_watches():
        print(describe_runs(histories))
        return

    def sorted_by(title: str) -> str:
        return f"<pre>{html.escape(describe_runs(histories, title))}</pre>"

    knob, table = _knob("sort by", list(table_of(histories))), ipywidgets.HTML()
    ipywidgets.dlink((knob, "value"), (table, "value"), sorted_by)
    display(ipywidgets.VBox([knob, table]))


def _first(control: Control) -> float | str:
    if isinstance(control, str):
        return control
    return control[0] if isinstance(control, list) else control[3]


def _knob(name: str, control: Control) -> ipywidgets.Widget:
    looks = {"description": _label(name), "style": {"description_width": "8em"}}
    looks["layout"] = {"width": "30em"}
    if isinstance(control, str):
        return ipywidgets.Text(control, continuous_update=False, **looks)
    if isinstance(control, list):
        return ipywidgets.ToggleButtons(options=control, **looks | FREE)
    low, high, step, value = control
    if all(isinstance(number, int) for number in control):
        kind = ipywidgets.IntSlider
    else:
        kind = ipywidgets.FloatSlider
        looks["readout_format"] = f".{len(f'{step:g}'.partition('.')[2])}f"
    return kind(value=value, min=low, max=high, step=step, continuous_update=True, **looks)


def _label(name: str) -> str:
    return name.replace("_", " ")


def _img(png: bytes, alt: str) -> str:
    width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))  # PNG's header
    size = f'width="{width}" height="{height}" style="max-width:100%;height:auto"'  # no jumping
    source = b64encode(png).decode()
    return f'<img alt="{html.escape(alt)}" {size} src="data:image/png;base64,{source}">'


def _somebody_watches() -> bool:
    """Ask whether the running cell could ask for input: a person's front end lets it."""
    shell = get_ipython()
    request = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return bool(request.get("content", {}).get("allow_stdin", True))
