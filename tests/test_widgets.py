"""Explorers: what a control becomes, that moving it redraws, and that no dead widget is stored."""

from __future__ import annotations

import ipywidgets
import matplotlib
import pytest
from matplotlib.figure import Figure

from llm_helpers import widgets

matplotlib.use("agg")
ALT = 'A point whose place is "w" & b, labelled by f.'
calls: list[dict] = []


def draw(**values: object) -> Figure:
    calls.append(values)
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.text(0.5, 0.5, str(values))
    return figure


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[ipywidgets.Widget]:
    boxes: list[ipywidgets.Widget] = []
    monkeypatch.setattr(widgets, "display", boxes.append)
    calls.clear()
    return boxes


def test_each_control_becomes_what_its_values_ask_for(shown: list) -> None:
    widgets.explore(draw, ALT, w=(-1.0, 2.0, 0.05, 0.5), max_steps=(1, 9, 1, 3), f=["a", "b"])
    w, steps, f, picture = shown[0].children
    assert isinstance(w, ipywidgets.FloatSlider) and isinstance(steps, ipywidgets.IntSlider)
    assert (w.min, w.max, w.step, w.value, w.readout_format) == (-1, 2, 0.05, 0.5, ".2f")
    assert w.continuous_update and steps.continuous_update
    assert (steps.description, steps.value) == ("max steps", 3)
    assert isinstance(f, ipywidgets.ToggleButtons) and f.options == ("a", "b") and f.value == "a"
    assert calls == [{"w": 0.5, "max_steps": 3, "f": "a"}]
    assert 'width="100" height="50"' in picture.value


def test_moving_a_control_draws_anew_and_says_so_in_words(shown: list) -> None:
    widgets.explore(draw, ALT, w=(0.0, 1.0, 0.1, 0.5), f=["a", "b"])
    w, f, picture = shown[0].children
    seen = {picture.value}
    w.value = 0.7
    seen.add(picture.value)
    f.value = "b"
    seen.add(picture.value)
    assert len(seen) == 3 and calls[-1] == {"w": 0.7, "f": "b"}
    assert "is &quot;w&quot; &amp; b, labelled by f. Now: w = 0.7, f = b." in picture.value


def test_without_a_watcher_it_draws_once_and_leaves_one_line(
    shown: list, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(widgets, "_somebody_watches", lambda: False)
    widgets.explore(draw, ALT, w=(0.0, 1.0, 0.1, 0.5), max_steps=(1, 9, 1, 3), f=["a", "b"])
    assert not shown and calls == [{"w": 0.5, "max_steps": 3, "f": "a"}]
    line = "(Run this cell and controls appear here: w, max steps, f.)\n"
    assert capsys.readouterr().out == line


@pytest.mark.parametrize(("allowed", "watched"), [(True, True), (False, False), (None, True)])
def test_a_front_end_that_takes_input_has_a_watcher(
    monkeypatch: pytest.MonkeyPatch, allowed: bool | None, watched: bool
) -> None:
    content = {} if allowed is None else {"allow_stdin": allowed}
    shell = type("Shell", (), {"get_parent": lambda self: {"content": content}})()
    monkeypatch.setattr(widgets, "get_ipython", lambda: shell)
    assert widgets._somebody_watches() is watched


def test_an_alt_text_too_short_is_refused(shown: list) -> None:
    with pytest.raises(ValueError, match="what the figure shows"):
        widgets.explore(draw, "A figure.", w=(0.0, 1.0, 0.1, 0.5))
    assert not calls


def test_words_are_shown_below_the_figure_as_plain_text(shown: list) -> None:
    widgets.explore(draw, ALT, words=lambda f: f"<{f}>", f=["a", "b"])
    buttons, picture = shown[0].children
    assert "<pre>&lt;a&gt;</pre>" in picture.value
    buttons.value = "b"
    assert "<pre>&lt;b&gt;</pre>" in picture.value


def test_a_text_becomes_a_box_and_a_refusal_is_shown(shown: list) -> None:
    def picky(order: str) -> Figure:
        if order != "go":
            raise ValueError("I know: <go>")
        return draw(order=order)

    widgets.explore(picky, ALT, order="go")
    box, picture = shown[0].children
    assert calls == [{"order": "go"}] and "<img" in picture.value
    box.value = "fly"
    assert picture.value == "<p>I know: &lt;go&gt;</p>"
    box.value = "go"
    assert "<img" in picture.value
