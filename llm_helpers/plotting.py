"""One style for every figure. ``show`` stores the figure with a text for who can't see it."""

from __future__ import annotations

import io
from collections.abc import Mapping

import matplotlib.pyplot as plt
from IPython.display import Image, display
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .training import History

# Okabe & Ito (2008): told apart with every common kind of colour vision.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, BLACK = "#CC79A7", "#56B4E9", "#F0E442", "#000000"
PALETTE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK)

plt.rcParams.update(
    {
        "axes.prop_cycle": plt.cycler(color=PALETTE),
        "axes.grid": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.constrained_layout.use": True,
        "figure.dpi": 110,
        "figure.figsize": (7, 3.5),
        "font.size": 11,
        "grid.alpha": 0.3,
        "legend.frameon": False,
        "lines.linewidth": 2,
    }
)


def to_png(figure: Figure) -> bytes:
    """Draw a figure as a PNG and close it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return buffer.getvalue()


def show(figure: Figure, alt: str) -> None:
    """Show a figure below the cell; ``alt`` tells in words what it shows.

    Raises:
        ValueError: an alt text too short to tell anything.
    """
    if len(alt) < 20:
        raise ValueError("tell in a sentence what the figure shows (alt)")
    display(Image(to_png(figure), format="png", alt=alt))


def plot_losses(runs: Mapping[str, History] | History) -> Figure:
    """Draw losses by epoch (training dashed, validation solid), and validation accuracy."""
    if isinstance(runs, History):
        runs = {"validation": runs}
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
    for color, (name, history) in zip(PALETTE, runs.items(), strict=False):
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
