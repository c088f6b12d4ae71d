"""Charts to touch: their data, their thinning, and what a chart of odd runs looks like."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

from llm_helpers import charts
from llm_helpers.runs import EpochRecord, History, StepRecord


def history(steps: int, epochs: int = 2, **changes: Any) -> History:
    """Make a run: the loss falls with noise; ``changes`` replace records' values."""
    chance = random.Random(steps)
    run = History({"epochs": epochs, "steps_per_epoch": max(1, steps // epochs)})
    for step in range(1, steps + 1):
        loss = 1 / step + chance.random() / 10
        run.steps.append(StepRecord(step, loss, step / 100, 7 * step))
    for epoch in range(1, epochs + 1):
        step = epoch * steps // epochs
        run.epochs.append(EpochRecord(epoch, step, step / 100, 0.5, 0.6, 0.7)._replace(**changes))
    return run


def rows(spec: dict, metric: str = "loss") -> dict[str, dict]:
    return {row["run"]: row for row in spec["data"]["values"] if row["metric"] == metric}


def choices(spec: dict) -> dict[str, list[str]]:
    return {p["name"]: p["bind"].get("options") for p in spec["params"]}


def test_each_metric_has_its_points_over_each_axis() -> None:
    spec = charts.chart({"a": history(12), "b": history(18)}, "two runs")
    assert choices(spec)["metric"] == [metric.replace("_", " ") for metric in charts.METRICS]
    assert choices(spec)["axis"] == list(charts.X_AXES)
    loss = rows(spec)["a"]
    assert loss["step"] == list(range(1, 13)) and loss["tokens"] == list(range(7, 91, 7))
    assert loss["seconds"][-1] == 0.12 and loss["step"][-1] / loss["per"] == 2  # epochs
    accuracy = rows(spec, "validation accuracy")["b"]
    assert (accuracy["step"], accuracy["raw"]) == ([9, 18], [0.7, 0.7])
    assert accuracy["tokens"] == [63, 126] and accuracy["mean of 10"] == accuracy["raw"]


def test_one_run_shows_training_and_validation_loss_together() -> None:
    spec = charts.chart(history(12), "a run")
    assert list(rows(spec)) == ["training", "validation"]
    assert choices(spec)["metric"] == ["loss", "validation accuracy"]


def test_a_metric_that_no_run_has_is_not_offered() -> None:
    without = history(12, validation_loss=None, validation_accuracy=None)
    assert choices(charts.chart({"a": without, "b": without}, "runs"))["metric"] == [
        "loss",
        "train loss",
    ]
    assert list(rows(charts.chart(without, "a run"))) == ["training"]


def test_a_run_of_one_step_and_one_of_none_make_charts() -> None:
    assert rows(charts.chart(history(1, epochs=1), "a run"))["training"]["raw"] == pytest.approx(
        [1 + random.Random(1).random() / 10], rel=1e-3
    )
    spec = charts.chart({"a": History()}, "nothing yet")
    assert spec["data"]["values"] == [] and choices(spec)["metric"] == ["loss"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_a_gap_and_no_invalid_json(bad: float) -> None:
    run = history(30)
    run.steps[9] = run.steps[9]._replace(loss=bad)
    run.steps[-1] = run.steps[-1]._replace(loss=bad)
    spec = json.loads(json.dumps(charts.chart({"a": run}, "diverged"), allow_nan=False))
    row = rows(spec)["a"]
    assert row["raw"][9] is None and row["raw"][-1] is None
    others = [run.steps[i].loss for i in (*range(1, 9), 10)]
    assert row["mean of 10"][10] == pytest.approx(np.mean(others), rel=1e-3)


@pytest.mark.parametrize("name", ['lr 0.1 [a] "b"', "x.y\\z", "it's", "<b>", "", "é"])
def test_odd_names_are_only_data(name: str) -> None:
    text = json.dumps(charts.chart({name: history(4), "b": history(4)}, "runs"))
    spec = json.loads(text)
    assert set(rows(spec)) == {name, "b"}
    for value in (spec["data"]["values"], spec["layer"][1]["params"][1]["value"]):
        assert name in [row["run"] for row in value]
    if len(name) > 1:  # nowhere in a formula, where it would have to be escaped
        assert json.dumps(name) not in json.dumps(spec["transform"])
        assert json.dumps(name)[1:-1] not in json.dumps(spec["layer"][3]["transform"])


def test_thinning_keeps_every_spike_the_ends_and_the_order() -> None:
    values = np.sin(np.arange(10_000) / 500)
    spikes = np.arange(37, 10_000, 250)
    values[spikes] += np.where(np.arange(len(spikes)) % 2, 9, -9)
    values[[500, 501]] = np.nan, np.inf
    kept = charts.thin(values, buckets=100)
    assert set(spikes) <= set(kept) and {0, 9_999} <= set(kept)
    assert len(kept) <= 202 and (np.diff(kept) > 0).all()
    assert (charts.thin(values[:200], 100) == np.arange(200)).all()
    assert len(charts.thin(np.full(1000, np.nan), 10)) >= 2


def test_a_hundred_long_runs_fit_into_a_notebook() -> None:
    run = history(10_000, epochs=5)
    assert len(json.dumps(charts.chart({f"run {i}": run for i in range(100)}, "many"))) < 600_000
    assert len(json.dumps(charts.chart(run, "one"))) < 80_000


def test_a_mean_of_the_past_ignores_a_huge_value_once_it_is_past() -> None:
    values = np.array([1.0, 1e30, 3.0, 5.0, 7.0])
    assert charts.moving_mean(values, 2).tolist() == [1.0, 5e29, 5e29, 4.0, 6.0]


def test_only_the_loss_by_step_is_smoothed() -> None:
    run = history(40)
    run.epochs = [epoch._replace(validation_loss=0.5 / epoch.epoch) for epoch in run.epochs]
    rows = {row["metric"]: row for row in charts.chart({"a": run}, "runs")["data"]["values"]}
    assert rows["loss"]["mean of 10"] != rows["loss"]["raw"]
    by_epoch = rows["validation loss"]
    assert by_epoch["mean of 10"] == by_epoch["raw"] == [0.5, 0.25]


def test_every_selection_is_in_a_layer() -> None:
    """At the top of a layered chart a selection fails silently: an empty frame."""
    spec = charts.chart({"a": history(4)}, "runs")
    assert not [param for param in spec["params"] if "select" in param]
    inside = [param["name"] for layer in spec["layer"] for param in layer.get("params", [])]
    assert inside == ["zoom", "shown", "pointer"]


def test_a_chart_is_shown_with_its_picture_and_alt_text() -> None:
    png = b"\x89PNG\r\n\x1a\n"
    data, metadata = DisplayFormatter().format(charts.Chart(png, "in words", {"mark": "line"}))
    assert set(data) == {charts.MIME, "image/png", "text/plain"}
    assert metadata["image/png"]["alt"] == "in words"
    assert "0x" not in data["text/plain"]  # compared from run to run
    assert charts.MIME not in DisplayFormatter().format(charts.Chart(png, "in words"))[0]
