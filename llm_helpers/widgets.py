"""Explorers: controls above a figure that follows them. A still twin stands below each one."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Callable

import ipywidgets
from IPython import get_ipython
from IPython.display import display
from matplotlib.figure import Figure

from .plotting import to_png

Slider = tuple[float, float, float, float]  # lowest, highest, step, value at first
Control = Slider | list[str]  # a list makes a menu, its first entry chosen


def explore(draw: Callable[..., Figure], alt: str, **controls: Control) -> None:
    """Show controls and a figure; whenever one is moved, ``draw(**values)`` draws it anew.

    Where nobody is there to move them (nbconvert, nbval), the figure is drawn once as a trial
    and a line of text stands in its place, so that a stored notebook has no dead widget.

    Args:
        draw: takes one keyword argument for each control and gives a new figure.
        alt: tells in words what the figure shows; the values are added.
        controls: (lowest, highest, step, first value) for a slider, of integers if all four
            are; a list of words for a menu.

    Raises:
        ValueError: an alt text too short to tell anything.
    """
    if len(alt) < 20:
        raise ValueError("tell in a sentence what the figure shows (alt)")
    if not _somebody_watches():
        first = {n: c[0] if isinstance(c, list) else c[3] for n, c in controls.items()}
        to_png(draw(**first))
        print(f"(Run this cell and controls appear here: {', '.join(map(_label, controls))}.)")
        return
    knobs = {name: _knob(name, control) for name, control in controls.items()}
    picture = ipywidgets.HTML()  # ipywidgets.Image has no alternative text

    def redraw(_change: object = None) -> None:
        values = {name: knob.value for name, knob in knobs.items()}
        now = ", ".join(f"{_label(name)} = {value}" for name, value in values.items())
        picture.value = _img(to_png(draw(**values)), f"{alt} Now: {now}.")

    redraw()
    for knob in knobs.values():
        knob.observe(redraw, names="value")
    display(ipywidgets.VBox([*knobs.values(), picture]))


def _knob(name: str, control: Control) -> ipywidgets.Widget:
    looks = {"description": _label(name), "style": {"description_width": "8em"}}
    if isinstance(control, list):
        return ipywidgets.Dropdown(options=control, **looks)
    low, high, step, value = control
    if all(isinstance(number, int) for number in control):
        kind = ipywidgets.IntSlider
    else:
        kind = ipywidgets.FloatSlider
        looks["readout_format"] = f".{len(f'{step:g}'.partition('.')[2])}f"
    looks["layout"] = {"width": "30em"}
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
