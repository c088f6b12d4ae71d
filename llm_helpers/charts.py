"""Charts of training runs that can be touched without a kernel. Used from notebook 06 on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from IPython.display import Image

from .figures import PALETTE
from .runs import History

MIME = "application/vnd.vegalite.v5+json"
METRICS = ("loss", "validation_loss", "validation_accuracy", "train_loss")  # loss: by step
X_AXES = ("step", "epoch", "seconds", "tokens")
COLORS = (*PALETTE[:-1], "#888888")  # gray shows on white and on black
DASHES = ([1, 0], [8, 3], [3, 3], [10, 3, 2, 3], [2, 2])  # 5 and 7 colors: 35 looks
HELP = "wheel: zoom, drag: move, double click: back, click on a name: hide or show its line"
MEANS = {"raw": 1, "mean of 10": 10, "mean of 50": 50}  # of so many points
LOG = "scale === 'linear' ? {0} : {0} > 0 ? log({0}) / LN10 : null"
TICKS = [round(power + digit, 4) for power in range(-6, 7) for digit in (0, 0.30103, 0.69897)]


class Chart(Image):
    """A picture for every viewer, and beside it a chart for those that can draw one.

    Args:
        png: the picture.
        alt: says in words what it shows.
        spec: a Vega-Lite 5 chart, see :func:`chart`; without it, the picture alone is shown.
    """

    def __init__(self, png: bytes, alt: str, spec: dict[str, Any] | None = None) -> None:
        super().__init__(png, format="png", alt=alt)
        self.spec = spec

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        content, metadata = super()._repr_mimebundle_(include, exclude)
        if self.spec:
            actions = {"export": True, "source": False, "compiled": False, "editor": False}
            content[MIME] = self.spec
            metadata[MIME] = {"embed_options": {"actions": actions}}
        return content, metadata


def chart(histories: Mapping[str, History] | History, alt: str) -> dict[str, Any]:
    """Describe a chart of runs for Vega-Lite 5, its data included.

    Args:
        histories: several runs by name, a line each; or one run, whose training and validation
            loss share the chart.
        alt: says in words what it shows.
    """
    rows = list(_rows(histories))
    names = list(dict.fromkeys(row["run"] for row in rows))
    metrics = list(dict.fromkeys(row["metric"] for row in rows)) or ["loss"]
    choices = {"metric": metrics, "axis": X_AXES, "scale": ("linear", "log"), "smoothing": [*MEANS]}
    binds = {name: {"input": "radio", "options": [*found]} for name, found in choices.items()}
    params = [{"name": n, "value": bind["options"][0], "bind": bind} for n, bind in binds.items()]
    params.append({"name": "names", "value": "", "bind": {"input": "search", "name": "names with"}})
    title = {"text": {"expr": "metric + ' by ' + axis"}, "subtitle": HELP, "anchor": "start"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "description": alt,
        **{"width": 600, "height": 260, "background": "transparent"},
        **{"title": title | {"frame": "group"}, "data": {"values": rows}, "params": params},
        "transform": [
            {"filter": "datum.metric === metric && indexof(lower(datum.run), lower(names)) >= 0"},
            {"filter": {"param": "shown", "empty": False}},
            {"flatten": ["step", "seconds", "tokens", *MEANS]},
            _compute("x", "axis === 'epoch' ? datum.step / datum.per : datum[axis]"),
            _compute("value", "datum[smoothing]"),
            *(
                _compute("y", LOG.format("datum.value")),
                _compute("behind", LOG.format("datum.raw")),
            ),
            {"joinaggregate": [_op("count", "x", "points")], "groupby": ["run"]},
        ],
        "layer": _layers(names),
    }


def _layers(names: list[str]) -> list[dict[str, Any]]:
    """Give the raw lines, the smoothed ones, dots where they are few, and the pointer's rule."""
    legend = {"title": None, "orient": "bottom", "columns": 4, "symbolType": "stroke"}
    legend |= {"symbolSize": 400, "symbolOpacity": 1, "symbolLimit": 200, "labelLimit": 150}
    run = {"field": "run", "type": "nominal", "sort": None, "legend": legend}
    color = run | {"scale": {"domain": names, "range": COLORS}}
    dash = run | {"scale": {"domain": names, "range": DASHES}}
    tick = "scale === 'log' ? format(pow(10, datum.value), '.3~g') : datum.label"
    axis = {"values": {"expr": f"scale === 'log' ? {TICKS} : null"}, "labelExpr": tick}
    x, y = _place("x", {"grid": False}), _place("y", axis | {"gridOpacity": 0.3, "minExtent": 40})
    zoom = {"name": "zoom", "select": "interval", "bind": "scales"}
    shown = {"name": "shown", "bind": "legend", "value": [{"run": name} for name in names]}
    shown["select"] = {"type": "point", "fields": ["run"], "toggle": "true", "clear": False}
    faint = {"type": "line", "opacity": 0.25, "strokeWidth": 1}
    dots = {"x": x, "y": y, "color": color}
    line = dots | {"strokeDash": dash}
    return [
        {"mark": faint, "encoding": line | {"y": y | {"field": "behind"}}},
        {"mark": "line", "encoding": line, "params": [zoom, shown]},
        {"mark": "circle", "encoding": dots, "transform": [{"filter": "datum.points <= 60"}]},
        _rule(x, cells=min(300, 20 + 6000 // max(1, len(names)))),
    ]


def _rule(x: dict[str, Any], cells: int) -> dict[str, Any]:
    """Give a rule that follows the pointer and says the values of all runs there."""
    run, cell, by = {"groupby": ["run"]}, {"groupby": ["cell"]}, [{"field": "cell"}]
    steps = [
        {"filter": "isValid(datum.value)"},
        {"joinaggregate": [_op("min", "x", "from"), _op("max", "x", "to")]},
        _compute("cell", f"round({cells} * (datum.x - datum.from) / (datum.to - datum.from || 1))"),
        {"aggregate": [_op("argmax", "x", "last")], "groupby": ["run", "cell"]},
        *(_compute("at", "datum.last.x"), _compute("value", "datum.last.value")),
        # a run keeps its value until it has another, and has none after its last
        {"impute": "value", "key": "cell", "value": None} | run,
        {"window": [_op("valid", "value", "part")], "sort": by} | run,
        {"joinaggregate": [_op("max", "value", "held")], "groupby": ["run", "part"]},
        {"joinaggregate": [_op("max", "part", "parts")]} | run,
        {"filter": "isValid(datum.held) && (isValid(datum.value) || datum.part < datum.parts)"},
        {"joinaggregate": [_op("max", "at", "at")]} | cell,
        # of very many runs, the best
        _compute("badness", "metric === 'validation accuracy' ? -datum.held : datum.held"),
        {"window": [_op("row_number", "", "place")], "sort": [{"field": "badness"}]} | cell,
        {"filter": "datum.place <= 20"},
        {"pivot": "run", "value": "held", "op": "max", "groupby": ["at"]},
    ]
    pointer = {"type": "point", "fields": ["at"], "nearest": True, "on": "mouseover"}
    seen = {"condition": {"param": "pointer", "empty": False, "value": 0.6}, "value": 0}
    return {
        "transform": steps,
        "params": [{"name": "pointer", "select": pointer | {"clear": "mouseout"}}],
        "mark": {"type": "rule", "color": "gray", "tooltip": {"content": "data"}},
        "encoding": {"x": x | {"field": "at"}, "opacity": seen},
    }


def _place(field: str, axis: dict[str, Any]) -> dict[str, Any]:
    place = {"field": field, "type": "quantitative", "title": None, "axis": {"tickCount": 6} | axis}
    return place | {"scale": {"zero": False, "nice": field != "x"}}


def _op(op: str, field: str, name: str) -> dict[str, str]:
    return {"op": op, "field": field, "as": name}


def _compute(name: str, formula: str) -> dict[str, str]:
    return {"calculate": formula, "as": name}


def _rows(histories: Mapping[str, History] | History) -> Iterator[dict[str, Any]]:
    """Give a row for each line: its run, its metric, and its points as lists."""
    if isinstance(one := histories, History):
        lines = [("loss", "training", one, "loss"), ("loss", "validation", one, "validation_loss")]
        lines += [("validation accuracy", "validation", one, "validation_accuracy")]
    else:
        lines = [(m.replace("_", " "), n, h, m) for m in METRICS for n, h in histories.items()]
    for metric, name, history, column in lines:
        records = history.steps if column == "loss" else history.epochs
        records = [r for r in records if getattr(r, column) is not None]
        if records:
            columns = _columns(history, records, column, min(600, 1 + 12_000 // len(lines)))
            yield {"metric": metric, "run": name} | columns


def _columns(history: History, records: list[Any], column: str, buckets: int) -> dict[str, Any]:
    values = np.array([getattr(record, column) for record in records], dtype=float)
    kept = thin(values, buckets)
    steps = [records[i].step for i in kept]
    columns = {"step": steps, "seconds": [float(f"{records[i].seconds:.4g}") for i in kept]}
    read = np.array([(r.step, r.tokens) for r in history.steps] or [(0, 0)]).T
    columns["tokens"] = np.interp(steps, *read).astype(int).tolist()
    for name, width in MEANS.items():
        means = moving_mean(values, width if column == "loss" else 1)[kept]
        columns[name] = [float(f"{v:.4g}") if np.isfinite(v) else None for v in means]
    return columns | {"per": history.settings.get("steps_per_epoch") or len(history.steps) or 1}


def thin(values: np.ndarray, buckets: int) -> np.ndarray:
    """Choose the points worth drawing: of each bucket the lowest and the highest.

    Args:
        values: (N,), NaN allowed.
        buckets: how many; about the width in pixels.

    Returns:
        places in ``values``, ascending: all if they are few, and always the first and the last.
    """
    if len(values) <= 2 * buckets:
        return np.arange(len(values))
    kept, finite = {0, len(values) - 1}, np.isfinite(values)
    low, high = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
    for part in np.array_split(np.arange(len(values)), buckets):
        kept |= {part[low[part].argmin()], part[high[part].argmax()]}
    return np.array(sorted(kept))


def moving_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Average each value with the ``width - 1`` before it, as far as they are finite."""
    finite, window = np.isfinite(values), np.ones(width)
    sums = np.convolve(np.where(finite, values, 0), window)[: len(values)]
    counts = np.convolve(finite, window)[: len(values)]
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
