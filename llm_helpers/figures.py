"""One style for every figure, with its content in words (alt text); used from notebook 00 on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, display
from matplotlib.figure import Figure

# Okabe & Ito (2008): told apart with every common kind of color vision.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, BLACK = "#CC79A7", "#56B4E9", "#F0E442", "#000000"
PALETTE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK)

plt.style.use(Path(__file__).with_suffix(".mplstyle"))
plt.rcParams["axes.prop_cycle"] = plt.cycler(color=PALETTE)


def to_png(figure: Figure) -> bytes:
    """Draw a figure as a PNG and close it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return buffer.getvalue()


def show(figure: Figure, alt: str) -> None:
    """Show a figure below the cell; ``alt`` says in words what it shows.

    Raises:
        ValueError: an alt text too short to tell anything.
    """
    if len(alt) < 20:
        raise ValueError("tell in a sentence what the figure shows (alt)")
    display(Image(to_png(figure), format="png", alt=alt))


def film_strip(frames: Sequence[np.ndarray], captions: Sequence[str], most: int = 6) -> Figure:
    """Draw pictures (height, width, 3) side by side, the first, the last and some between."""
    count = min(most, len(frames))
    chosen = [round(i * (len(frames) - 1) / max(1, count - 1)) for i in range(count)]
    figure, axes = plt.subplots(1, count, figsize=(1.6 * count, 2), squeeze=False, layout="none")
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=0.85, wspace=0.05)
    for ax, number in zip(axes[0], chosen, strict=True):
        ax.imshow(frames[number])
        ax.set_title(captions[number], fontsize=9)
        ax.axis("off")
    return figure
