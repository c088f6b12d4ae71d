"""What each picture of the README shows, so that a picture of another day is noticed.

``make pictures`` makes the pictures and stores with them, in ``docs/pictures.json``, a hash of
what they show: code that draws, and cells with their outputs. ``test_pictures.py`` compares.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


class Shows(NamedTuple):
    """What is to be seen in a picture."""

    modules: tuple[str, ...]  # rooms of llm_helpers whose code draws it
    cells: tuple[str, ...] = ()  # code that was run for it
    notebook: str = ""  # a notebook whose stored outputs are seen ...
    words: str = ""  # ... those of the cell with these words


# A small model to watch: the first cell prepares, the second compares, the third is watched.
WATCH = (
    """
from llm_helpers import data, training
from llm_helpers.models import TextRNN
from llm_helpers.curves import LiveCurves
from llm_helpers.widgets import compare_runs

training.seed_everything(0)
splits = data.split(data.load())
vocab = data.build_vocab(example.text for example in splits.train)
train = data.batches_of(splits.train, vocab, shuffle=True)
validation = data.batches_of(splits.validation, vocab, 256)

def run(epochs, lr, *callbacks):
    model = TextRNN(len(vocab), cell="gru", pooling="max", dropout=0.3)
    return training.fit(model, train, validation, epochs=epochs, lr=lr, callbacks=callbacks)
""",
    "runs = {f'lr {lr:g}': run(2, lr) for lr in (1e-3, 3e-3, 3e-2)}\ncompare_runs(runs)",
    "history = run(20, 3e-3, LiveCurves())",
    "print(history.stopped, len(history.steps) == history.steps[-1].step, len(history.epochs) > 0)",
)
PICTURES = {
    "llm.png": Shows(("figures",), notebook="15_open_a_real_llm", words="inside(TYPED, 18, 6)"),
    "agent.png": Shows(("figures",), notebook="17_llm_agent", words="visit = Visit("),
    "live-curves.png": Shows(("curves", "figures"), WATCH),
    "compare-runs.png": Shows(("charts", "curves", "figures", "widgets"), WATCH),
}


def cell_shown(shows: Shows) -> tuple[int, Any]:
    """Give the place of the cell in the stored notebook, and the cell."""
    cells = nbformat.read(ROOT / "notebooks" / f"{shows.notebook}.ipynb", as_version=4).cells
    (place,) = (i for i, c in enumerate(cells) if c.cell_type == "code" and shows.words in c.source)
    return place, cells[place]


def state(name: str) -> str:
    """Hash what a picture would show if it were made now."""
    shows = PICTURES[name]
    seen: list[Any] = list(shows.cells)
    for module in shows.modules:
        seen.append((ROOT / "llm_helpers" / f"{module}.py").read_text(encoding="utf-8"))
    if shows.notebook:
        outputs = cell_shown(shows)[1].outputs
        seen.append([(out.get("text"), out.get("data")) for out in outputs])
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]


def stored() -> dict[str, str]:
    """Read the hashes of the pictures as they were made."""
    return json.loads((DOCS / "pictures.json").read_text(encoding="utf-8"))


def store(name: str) -> None:
    """Note that a picture shows today's state."""
    file = DOCS / "pictures.json"
    hashes = (stored() if file.is_file() else {}) | {name: state(name)}
    hashes = {known: hashes[known] for known in PICTURES if known in hashes}
    file.write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")
