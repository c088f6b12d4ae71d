"""Curves while training, and runs compared."""

from __future__ import annotations

from typing import Any

import matplotlib
import pytest
from IPython.display import Image

from llm_helpers import charts, curves, widgets
from llm_helpers.curves import LiveCurves, describe_runs, plot_runs
from llm_helpers.data import BucketBatches
from llm_helpers.models import TextRNN
from llm_helpers.runs import EpochRecord, History, StepRecord
from llm_helpers.training import DivergedError, fit, seed_everything

matplotlib.use("agg")
STEPS = 6  # an epoch of the toy problem


def new_model() -> TextRNN:
    return TextRNN(20, 2, embed_dim=8, hidden_dim=8, pooling="max")


def train(batches: BucketBatches, *rest: Any, **options: Any) -> History:
    seed_everything(0)
    return fit(new_model(), batches, *rest, **{"epochs": 2, "device": "cpu"} | options)


# ---------------------------------------------------------------- LiveCurves


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> list[Image]:
    """Stand in for a notebook: every picture shown, first to last."""
    shown: list[Image] = []

    class Handle:
        def update(self, image: Image) -> None:
            shown.append(image)

    def display(image: Image, display_id: bool) -> Handle:
        assert display_id and not shown, "only the first picture is displayed"
        shown.append(image)
        return Handle()

    monkeypatch.setattr(curves, "display", display)
    return shown


def live(**options: Any) -> LiveCurves:
    curves = LiveCurves(**options)
    curves.in_notebook = True
    return curves


def alt(image: Image) -> str:
    return image._repr_mimebundle_()[1]["image/png"]["alt"]


def test_without_a_limit_every_step_and_the_end_are_drawn(
    toy: BucketBatches, toy_validation: BucketBatches, pictures: list
) -> None:
    curves = live(share=float("inf"))
    history = train(toy, toy_validation, callbacks=[curves])
    assert len(pictures) == curves.pictures == 2 * STEPS + 2 + 1  # steps, epochs, the end
    assert "after step 1 of 12 (running): loss 0." in alt(pictures[0])
    with_chart = [charts.MIME in image._repr_mimebundle_()[0] for image in pictures]
    assert with_chart == [False] * (2 * STEPS + 1) + [True, True]  # the end can be touched
    best = f"validation accuracy {history.epochs[-1].validation_accuracy:.3f}"
    assert alt(pictures[-1]).endswith(f"{best}.") and "(finished)" in alt(pictures[-1])
    assert len({image.data for image in pictures}) > 2 * STEPS


def test_a_share_of_nothing_leaves_the_first_and_the_last_picture(
    toy: BucketBatches, pictures: list
) -> None:
    train(toy, callbacks=[live(share=0.0)])
    assert len(pictures) == 2 and "step 12 of 12 (finished)" in alt(pictures[-1])


def test_a_second_run_gets_a_picture_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Image] = []

    def display(image: Image, display_id: bool) -> object:
        shown.append(image)
        return type("Handle", (), {"update": lambda self, image: None})()

    monkeypatch.setattr(curves, "display", display)
    drawn = live()
    for steps in (10, 100):
        history = History(settings={"epochs": 1, "steps_per_epoch": steps})
        history.steps = [record(step, seconds=step / 100) for step in range(1, steps + 1)]
        drawn(history)
        drawn.finish(history)
    assert len(shown) == 2


def test_nine_runs_have_nine_lines() -> None:
    epoch = EpochRecord(1, 6, 1.0, 0.5, 0.5, 1.0)
    figure = curves.plot_losses({f"run {n}": History(epochs=[epoch]) for n in range(9)})
    assert len(figure.axes[1].lines) == 9


def test_pictures_are_spaced_by_what_they_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that only drawing and training move: 30 s of training, 50 ms a picture."""
    history = History(settings={"epochs": 1, "steps_per_epoch": 3000})
    curves = live(share=0.04)

    def draw(history: History) -> None:
        curves.cost = 0.05
        curves.spent += curves.cost
        curves.pictures += 1

    monkeypatch.setattr(curves, "_draw", draw)
    for step in range(1, 3001):
        history.steps.append(record(step, seconds=step / 100 + curves.spent))
        curves(history)
    curves.finish(history)
    total = history.steps[-1].seconds
    assert 0.03 * total < curves.spent <= 0.04 * total + 0.05
    assert curves.pictures > 15


def record(step: int, seconds: float) -> StepRecord:
    return StepRecord(step, 0.5, seconds, 10 * step)


@pytest.mark.parametrize("way", ["interrupt", "error", "diverged"])
def test_the_last_state_is_drawn_however_the_run_ends(
    toy: BucketBatches, pictures: list, way: str
) -> None:
    def end(history: History) -> None:
        if len(history.steps) == 4:
            raise {"interrupt": KeyboardInterrupt, "error": OSError}[way]

    curves = live(share=0.0)
    if way == "interrupt":
        train(toy, callbacks=[curves, end])
        assert "after step 4 of 12 (interrupted)" in alt(pictures[-1])
    elif way == "error":
        with pytest.raises(OSError):
            train(toy, callbacks=[curves, end])
        assert "after step 4 of 12 (failed: OSError)" in alt(pictures[-1])
    else:
        with pytest.raises(DivergedError):
            train(toy, callbacks=[curves], loss_fn=lambda z, y: z.sum() * float("nan"))
        assert "after step 1 of 12 (diverged)" in alt(pictures[-1])


def test_a_run_that_ends_before_its_first_step_draws_nothing(
    toy: BucketBatches, pictures: list
) -> None:
    def fail(*_: object) -> None:
        raise OSError

    with pytest.raises(OSError):
        train(toy, callbacks=[live()], loss_fn=fail)
    assert not pictures


def test_in_a_terminal_it_is_a_progress_bar(
    toy: BucketBatches, toy_validation: BucketBatches, capsys: pytest.CaptureFixture[str]
) -> None:
    train(toy, toy_validation, callbacks=[LiveCurves()])
    said = capsys.readouterr()
    assert not said.out and "12/12" in said.err and "validation accuracy=" in said.err


# ---------------------------------------------------------------- comparison


@pytest.fixture
def two(toy: BucketBatches, toy_validation: BucketBatches) -> dict[str, History]:
    return {"a": train(toy, toy_validation, lr=0.1), "b": train(toy, lr=0.2, epochs=3)}


@pytest.mark.parametrize("metric", charts.METRICS)
def test_the_picture_has_a_line_for_each_run(two: dict, metric: str) -> None:
    (axes,) = plot_runs(two, metric=metric).axes
    lines = {line.get_label(): line.get_xdata() for line in axes.lines}
    wanted = {"loss": (12, 18), "train_loss": (2, 3)}.get(metric, (2, 0))  # b has no validation
    assert tuple(len(xs) for xs in lines.values()) == wanted
    assert lines["a"][-1] == 12


def test_smoothing_keeps_the_raw_line_behind_and_is_a_mean_of_the_past(two: dict) -> None:
    (axes,) = plot_runs({"a": two["a"]}, smoothing=3, scale="log").axes
    raw, smooth = (line.get_ydata() for line in axes.lines)
    assert axes.get_yscale() == "log" and "mean of 3" in axes.get_ylabel()
    assert list(raw) == [record.loss for record in two["a"].steps]
    assert smooth[0] == raw[0] and smooth[7] == pytest.approx(sum(raw[5:8]) / 3)


def test_the_table_shows_the_settings_that_differ_and_the_best(two: dict) -> None:
    head, a, b = describe_runs(two).splitlines()
    assert head.split()[:3] == ["run", "epochs", "lr"] and head.endswith("at epoch  ended")
    assert a.split()[:4] == ["a", "2", "0.1", f"{two['a'].best.validation_loss:.3f}"]
    assert b.split() == ["b", "3", "0.2", "-", "-", "3", "finished"]
    assert "-" in describe_runs({"none": History()})


def test_the_table_sorts_numbers_as_numbers_and_puts_what_is_missing_last() -> None:
    runs = {f"r{lr}": History({"lr": lr}) for lr in (0.03, 3e-05, 10, 2)}
    runs["none"] = History()
    for column in ("lr", "run"):
        rows = describe_runs(runs, column).splitlines()[1:]
        first = [row.split()[0] for row in rows]
        by_name = sorted(runs)
        assert first == (["r3e-05", "r0.03", "r2", "r10", "none"] if column == "lr" else by_name)


def test_no_runs_is_an_error_that_helps() -> None:
    with pytest.raises(ValueError, match="load_runs and save_run"):
        widgets.compare_runs({})


def test_runs_are_compared_in_a_chart_and_a_table_that_sorts(
    two: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list = []
    monkeypatch.setattr(widgets, "display", shown.append)
    widgets.compare_runs(two)
    data, metadata = shown[0]._repr_mimebundle_()
    assert {charts.MIME, "image/png"} == set(data)
    assert "2 training runs" in metadata["image/png"]["alt"]
    knob, table = shown[1].children
    assert knob.options[:3] == ("run", "epochs", "lr") and table.value.index("\na ") > 0
    two["b"].epochs[-1] = two["b"].epochs[-1]._replace(validation_loss=-1.0)
    knob.value = "best validation loss"
    assert table.value.index("\nb ") < table.value.index("\na ")


def test_without_a_watcher_the_chart_stays_and_the_table_is_printed(
    two: dict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list = []
    monkeypatch.setattr(widgets, "display", shown.append)
    monkeypatch.setattr(widgets, "_somebody_watches", lambda: False)
    widgets.compare_runs(two)
    assert len(shown) == 1 and isinstance(shown[0], charts.Chart)
    assert capsys.readouterr().out == describe_runs(two) + "\n"
