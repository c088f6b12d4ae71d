"""Length-bucketed batches: every row once, little padding, an order fixed by seed and epoch."""

from __future__ import annotations

import random
from typing import Any

import pytest

from llm_helpers.data import Batch, BucketBatches

ROWS = 203


def sequences(rows: int = ROWS) -> list[list[int]]:
    """Every row has another first token, so that a row can be told by its tokens."""
    rng = random.Random(0)
    return [[1000 + row] + [7] * rng.randrange(0, 40) for row in range(rows)]


def dealt(**options: Any) -> BucketBatches:
    return BucketBatches(sequences(), [row % 3 for row in range(ROWS)], 16, **options)


def order(batches: BucketBatches) -> list[list[int]]:
    return [batch.rows.tolist() for batch in batches]


def padding(batches: BucketBatches) -> int:
    return sum(int((batch.tokens == 0).sum()) for batch in batches)


@pytest.fixture(params=[{}, {"shuffle": True}, {"shuffle": True, "window": 1}], ids=str)
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.param


def test_an_epoch_holds_every_row_once(options: dict[str, Any]) -> None:
    rows = [row for batch in order(dealt(**options)) for row in batch]
    assert sorted(rows) == list(range(ROWS))


def test_tokens_lengths_and_labels_are_those_of_the_row(options: dict[str, Any]) -> None:
    texts = sequences()
    for batch in dealt(**options):
        for tokens, length, label, row in zip(*(part.tolist() for part in batch), strict=True):
            assert tokens[:length] == texts[row]
            assert label == row % 3


def test_padding_stands_at_the_end_alone_and_is_the_pad_index(options: dict[str, Any]) -> None:
    for batch in dealt(pad_index=5, **options):
        for tokens, length in zip(batch.tokens.tolist(), batch.lengths.tolist(), strict=True):
            assert tokens[length:] == [5] * (len(tokens) - length)
            assert 5 not in tokens[:length]


def test_a_batch_is_as_wide_as_its_longest_row(options: dict[str, Any]) -> None:
    for batch in dealt(**options):
        assert batch.tokens.shape[1] == int(batch.lengths.max())


def test_all_batches_but_the_smaller_last_are_full(options: dict[str, Any]) -> None:
    batches = dealt(**options)
    sizes = sorted(len(rows) for rows in order(batches))
    assert sizes == [ROWS % 16] + [16] * (ROWS // 16)
    assert len(batches) == len(sizes)


def test_a_batch_size_that_divides_leaves_no_rest() -> None:
    batches = BucketBatches([[1]] * 32, [0] * 32, 16)
    assert len(batches) == 2
    assert [len(rows) for rows in order(batches)] == [16, 16]


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    first, second = dealt(shuffle=True, seed=4), dealt(shuffle=True, seed=4)
    random.seed(99)
    epochs = [order(first) for _ in range(3)]
    random.seed(1)
    assert [order(second) for _ in range(3)] == epochs
    first.set_epoch(1)
    assert order(first) == epochs[1]
    assert order(first) == epochs[2]


def test_epochs_and_seeds_differ() -> None:
    batches = dealt(shuffle=True, seed=4)
    assert order(batches) != order(batches)
    assert order(dealt(shuffle=True, seed=5)) != order(dealt(shuffle=True, seed=4))


def test_a_shuffled_epoch_is_neither_in_file_order_nor_by_length() -> None:
    one_window = dealt(shuffle=True, window=20)
    assert len(one_window) <= one_window.window
    lengths = [int(batch.lengths.max()) for batch in one_window]
    assert lengths != sorted(lengths)
    rows = [row for batch in order(dealt(shuffle=True, window=1)) for row in batch]
    assert rows != list(range(ROWS))


def test_bucketing_saves_padding() -> None:
    without = padding(dealt(shuffle=True, window=1))
    assert padding(dealt(shuffle=True, window=4)) < 0.6 * without
    assert padding(dealt()) < 0.2 * without


def test_unshuffled_batches_go_by_length_and_never_change() -> None:
    batches = dealt()
    lengths = [length for batch in batches for length in batch.lengths.tolist()]
    assert lengths == sorted(lengths)
    assert order(batches) == order(batches)


def test_the_rows_of_a_bucketed_batch_are_drawn_anew_every_epoch() -> None:
    batches = dealt(shuffle=True, window=4)
    first, second = ({frozenset(rows) for rows in order(batches)} for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("given", "labels", "message"),
    [
        ([[1], [2], [3]], [0, 1], "3 sequences but 2 labels"),
        ([[1], [2], []], [0, 1, 0], "sequence 2 is empty"),
        ([], [0], "0 sequences but 1 labels"),
        ([], [], "no sequences"),
    ],
)
def test_unusable_input_is_refused(given: list[list[int]], labels: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BucketBatches(given, labels)


def test_a_batch_moves_as_a_whole() -> None:
    batch = next(iter(dealt()))
    moved = batch.to("meta")
    assert isinstance(moved, Batch)
    assert {tensor.device.type for tensor in moved} == {"meta"}
    assert {tensor.device.type for tensor in batch} == {"cpu"}
