"""The losses of one run, live and afterwards, and of several compared. Built in notebook 06."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
from IPython import get_ipython
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from tqdm import tqdm

from .charts import Chart, chart, moving_mean
from .figures import BLUE, GREEN, ORANGE, PALETTE, SKY
from .runs import EpochRecord, History


def plot_losses(runs: Mapping[str, History]) -> Figure:
    """Draw losses by epoch (training dashed, validation solid), and validation accuracy."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
    for color, (name, history) in zip(cycle(PALETTE), runs.items(), strict=False):
        epochs = history.column("epoch")
        left.plot(epochs, history.column("train_loss"), "--", color=color)
        left.plot(epochs, history.column("validation_loss"), "o-", color=color)
        right.plot(epochs, history.column("validation_accuracy"), "o-", color=color, label=name)
    left.plot([], [], "--", color="gray", label="training")
    left.plot([], [], "o-", color="gray", label="validation")
    left.set(xlabel="epoch", ylabel="cross-entropy (nats)", ylim=(0, None))
    right.set(xlabel="epoch", ylabel="validation accuracy")
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.legend()
    if len(runs) > 1:
        figure.legend(*right.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


class LiveCurves:
    """Show a run while it goes on: give it to ``fit`` as one of its callbacks.

    In a notebook a picture is renewed in place, as often as its own cost allows, and the last
    one becomes a chart to touch; elsewhere there is a progress bar. The end is drawn however the
    run ends.

    Args:
        metric: what the right half shows, a column of ``EpochRecord``.
        share: the most of the training time that drawing may take.
    """

    def __init__(self, metric: str = "validation_accuracy", share: float = 0.03) -> None:
        self.metric, self.share = metric, share
        self.cost = self.spent = 0.0  # seconds: the last picture, all pictures
        self.pictures, self.since = 0, 0.0  # since: seconds of the run before, if it was resumed
        self.history: History | None = None
        self.in_notebook = getattr(get_ipython(), "kernel", None) is not None

    def __call__(self, history: History) -> None:
        """Draw, if enough time has passed since the last picture to pay for another."""
        if history is not self.history:  # of another run: it gets a picture of its own
            self.history, self.cost, self.spent, self.pictures = history, 0.0, 0.0, 0
            vars(self).pop("bar", None)
        if not self.in_notebook:
            self._show_bar(history)
        elif not self.pictures or (
            self.spent + 2 * self.cost < self.share * (history.steps[-1].seconds - self.since)
        ):  # 2: the run's last picture has to be paid for, too
            self._draw(history)

    def finish(self, history: History) -> None:
        """Draw the end; called by ``fit``, also after an interrupt or an exception."""
        if self.in_notebook and history.steps:
            self._draw(history)
        elif not self.in_notebook and hasattr(self, "bar"):
            self._show_bar(history)
            self.bar.close()

    def _show_bar(self, history: History) -> None:
        if not hasattr(self, "bar"):
            self.bar = tqdm(total=_total(history), unit="step", dynamic_ncols=True)
        self.bar.set_postfix(_latest(history), refresh=False)
        self.bar.update(len(history.steps) - self.bar.n)

    def _draw(self, history: History) -> None:
        start = time.perf_counter()
        if not self.pictures:
            self._prepare(history)
        steps = np.array([record.step for record in history.steps])
        losses = np.array([record.loss for record in history.steps])
        parts = np.array_split(np.arange(len(steps)), min(len(steps), 60))
        few = slice(None, None, 1 + len(steps) // 400)  # more points couldn't be told apart
        self.lines["raw"].set_data(steps[few], losses[few])
        means = [losses[part].mean() for part in parts]
        self.lines["mean"].set_data([steps[part].mean() for part in parts], means)
        for name in ("validation_loss", self.metric):
            points = [(e.step, getattr(e, name)) for e in history.epochs]
            points = [point for point in points if point[1] is not None]
            self.lines[name].set_data(*zip(*points, strict=True) if points else ([], []))
        for axes in self.figure.axes[1:]:
            axes.relim()
            axes.autoscale_view(scalex=False)
        done = len(steps) / _total(history)
        self.bar_of_figure.set_width(done)
        self.words.set_text(_progress(history, done))
        self.canvas.draw()  # twice as fast as savefig
        pixels, png = np.asarray(self.canvas.buffer_rgba())[..., :3], io.BytesIO()
        PIL.Image.fromarray(pixels).save(png, format="png", compress_level=1)
        alt = _in_words(history)
        spec = None if history.stopped == "running" else chart(history, alt)
        image = Chart(png.getvalue(), alt, spec)
        if self.pictures:
            self.handle.update(image)
        else:
            self.handle = display(image, display_id=True)
        self.pictures += 1
        self.cost = time.perf_counter() - start
        self.spent += self.cost

    def _prepare(self, history: History) -> None:
        """Make the figure once; later pictures only move its lines."""
        self.since = history.steps[-1].seconds
        self.figure = Figure(figsize=(9, 3.8), dpi=100)
        self.canvas = FigureCanvasAgg(self.figure)
        self.figure.set_layout_engine("none")  # a fitted layout costs time, in every picture
        top = self.figure.add_axes((0.08, 0.86, 0.89, 0.12))
        left = self.figure.add_axes((0.08, 0.15, 0.4, 0.6))
        right = self.figure.add_axes((0.57, 0.15, 0.4, 0.6))
        top.axis("off")
        top.add_patch(plt.Rectangle((0, 0), 1, 0.3, color="0.9"))
        self.bar_of_figure = top.add_patch(plt.Rectangle((0, 0), 0, 0.3, color=GREEN))
        self.words = top.text(0, 0.5, "", fontsize=12)
        look = {"raw": {"color": SKY, "alpha": 0.5, "lw": 1}, "mean": {"color": BLUE}}
        look["mean"]["label"] = "training"
        look["validation_loss"] = {"color": ORANGE, "marker": "o", "label": "validation"}
        self.lines = {name: left.plot([], [], **options)[0] for name, options in look.items()}
        if self.metric not in self.lines:
            self.lines[self.metric] = right.plot([], [], "o-", color=GREEN)[0]
        for axes, label in ((left, "loss"), (right, self.metric.replace("_", " "))):
            axes.set(xlabel="step", ylabel=label, xlim=(0, 1.02 * _total(history)))
            axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
            axes.yaxis.set_major_locator(MaxNLocator(4))
        left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)  # above, clear of the lines


def _total(history: History) -> int:
    return history.settings["epochs"] * history.settings["steps_per_epoch"]


def _latest(history: History) -> dict[str, str]:
    """Give the newest of each number, as text."""
    found = {"loss": f"{history.steps[-1].loss:.3f}"} if history.steps else {}
    last = history.epochs[-1]._asdict() if history.epochs else {}
    return found | {
        name.replace("_", " "): f"{value:.3f}"
        for name, value in last.items()
        if name.startswith("validation") and value is not None
    }


def _progress(history: History, done: float) -> str:
    last = history.steps[-1]
    words = f"step {last.step:,} of {_total(history):,}   {last.seconds:.0f} s"
    if history.stopped == "running":
        words += f", {last.seconds * (1 / done - 1):.0f} s to go"
    else:
        words += f", {history.stopped}"
    return f"{words}   {last.tokens / max(last.seconds, 1e-9):,.0f} tokens/s"


def _in_words(history: History) -> str:
    numbers = ", ".join(f"{name} {value}" for name, value in _latest(history).items())
    return (
        f"Training and validation loss, and a score of the validation sentences, by step; after"
        f" step {len(history.steps)} of {_total(history)} ({history.stopped}): {numbers}."
    )


def plot_runs(
    histories: Mapping[str, History],
    metric: str = "loss",
    scale: str = "linear",
    smoothing: int = 1,
) -> Figure:
    """Draw one measurement of several runs by step.

    Args:
        histories: the runs by name.
        metric: one of ``charts.METRICS``; ``loss`` is that of each step, the others are by epoch.
        scale: of the vertical axis, ``linear`` or ``log``.
        smoothing: mean of so many points; the points themselves stay visible behind.
    """
    room = {"left": 0.12, "right": 0.72, "top": 0.96, "bottom": 0.16}
    figure, axes = plt.subplots(figsize=(9, 3.8), layout="none", gridspec_kw=room)
    for number, (name, history) in enumerate(histories.items()):
        color = PALETTE[number % len(PALETTE)]
        style = "-" if number < len(PALETTE) else "--"
        records = history.steps if metric == "loss" else history.epochs
        points = [(r.step, getattr(r, metric)) for r in records if getattr(r, metric) is not None]
        xs, ys = zip(*points, strict=True) if points else ([], [])
        if smoothing > 1 and len(ys) > 1:
            axes.plot(xs, ys, style, color=color, alpha=0.25, lw=1)
            ys = moving_mean(np.array(ys), smoothing)
        axes.plot(xs, ys, style, color=color, label=name, marker="" if metric == "loss" else "o")
    of = f", mean of {smoothing}" if smoothing > 1 else ""
    axes.set(xlabel="step", ylabel=metric.replace("_", " ") + of, yscale=scale)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    if scale == "log":
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:.3g}")  # 0.4 instead of 4 x 10^-1
        axes.yaxis.set_minor_locator(NullLocator())
    if len(histories) <= 12:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=11)
    return figure


def table_of(histories: Mapping[str, History]) -> dict[str, list[str]]:
    """Give by column, as text: the settings in which runs differ, and how good each run got."""
    runs = list(histories.values())
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    settings = {key: [str(run.settings.get(key, "-")) for run in runs] for key in keys}
    differing = {key: values for key, values in settings.items() if len(set(values)) > 1}
    columns = {"run": list(histories)} | differing
    best = [run.best if run.epochs else EpochRecord(0, 0, 0.0, 0.0) for run in runs]
    titles = {"validation_loss": "best validation loss", "validation_accuracy": "accuracy"}
    for name, title in titles.items():
        values = [getattr(epoch, name) for epoch in best]
        columns[title] = ["-" if value is None else f"{value:.3f}" for value in values]
    columns["at epoch"] = [str(epoch.epoch or "-") for epoch in best]
    columns["ended"] = [run.stopped for run in runs]
    return columns


def describe_runs(histories: Mapping[str, History], sort: str = "") -> str:
    """Give a table in plain text: the settings in which the runs differ, and how good each got.

    Args:
        histories: the runs by name.
        sort: the title of a column; the rows are sorted by it, numbers from the lowest.
    """
    columns = table_of(histories)
    place = list(columns).index(sort) if sort else None
    rows = zip(*columns.values(), strict=True)
    table = [tuple(columns), *sorted(rows, key=lambda row: sort and _number(row[place]))]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    )


def _number(cell: str) -> tuple[float, str]:
    try:
        return float(cell), ""
    except ValueError:
        return float("inf"), cell
