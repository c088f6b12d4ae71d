"""What the tests share: one thread, a seed, a small problem to learn, and GPU tests skipped."""

from __future__ import annotations

import itertools
import random

import pytest
import torch
from notebook_names import untouched_by_training

from llm_helpers import charts
from llm_helpers.data import BucketBatches


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    cells = [item for item in items if hasattr(item, "cell")]
    for notebook in {item.parent for item in cells}:  # nbval compares no pictures, nor charts:
        notebook.skip_compare += (charts.MIME,)  # these hold seconds
    if getattr(config.option, "nbval_lax", False):
        compare_what_training_cannot_change(cells)
    # The later a notebook, the longer it runs, and what is long must not start last. But first
    # comes the one that leaves the agent behind for those that would train it again.
    by_file = [list(group) for _, group in itertools.groupby(cells, key=lambda item: item.path)]
    by_file.sort(key=lambda file: (file[0].path.name.startswith("09"), file[0].path.name))
    others = [item for item in items if not hasattr(item, "cell")]
    items[:] = [*itertools.chain.from_iterable(reversed(by_file)), *others]
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


def compare_what_training_cannot_change(cells: list[pytest.Item]) -> None:
    """Let nbval compare the outputs of these cells, although it runs them all leniently."""
    for _, group in itertools.groupby(cells, key=lambda item: item.path):
        notebook = list(group)
        sure = untouched_by_training(item.cell.source for item in notebook)
        for item, fixed in zip(notebook, sure, strict=True):
            tags = item.cell.metadata.get("tags", [])
            item.options["check"] = fixed and "nbval-ignore-output" not in tags


@pytest.fixture(autouse=True)
def repeatable() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def toy_batches(rows: int, seed: int, flipped: bool = False) -> BucketBatches:
    """Deal sequences whose label says whether token 2 is in them (or isn't, if flipped)."""
    rng = random.Random(seed)
    sequences, labels = [], []
    for row in range(rows):
        sequence = [rng.randrange(3, 20) for _ in range(rng.randrange(3, 9))]
        if row % 2:
            sequence[rng.randrange(len(sequence))] = 2
        sequences.append(sequence)
        labels.append((row % 2) ^ int(flipped))
    return BucketBatches(sequences, labels, 16, shuffle=True, window=2)


@pytest.fixture
def toy() -> BucketBatches:
    """Six batches of 16 rows."""
    return toy_batches(96, seed=1)


@pytest.fixture
def toy_validation() -> BucketBatches:
    """Other rows of the same problem."""
    return toy_batches(48, seed=2)


@pytest.fixture
def toy_flipped() -> BucketBatches:
    """The same problem with every label wrong: the better the training, the worse the loss."""
    return toy_batches(48, seed=2, flipped=True)
