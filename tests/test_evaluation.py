"""Scores against arithmetic by hand, baselines against chance on the real reviews."""

from __future__ import annotations

import math
import random

import pytest
import torch
from torch import Tensor, nn

from llm_helpers.data import BucketBatches, Example, load, split
from llm_helpers.evaluation import (
    baseline_predictions,
    confusion_matrix,
    evaluate,
    mean_and_error,
    standard_error,
)

METHODS = ["majority class", "VADER", "TF-IDF + logistic", "bigram naive Bayes"]


class Table(nn.Module):
    """Give the logits that stand in a table beside a text's first token."""

    def __init__(self, logits: list[list[float]]) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        return self.logits[tokens[:, 0]]


def test_a_model_is_judged_by_loss_accuracy_and_error() -> None:
    model = Table([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
    batches = BucketBatches([[1, 1, 1], [2], [3, 1], [1]], [0, 1, 1, 0], 3)
    rows = [math.exp(2), math.exp(1), 1, math.exp(2)]  # the right class, before dividing
    sums = [math.exp(2) + 1, math.exp(1) + 1, math.exp(3) + 1, math.exp(2) + 1]
    loss = -sum(math.log(r / s) for r, s in zip(rows, sums, strict=True)) / 4
    scores = evaluate(model, batches)
    assert scores.n == 4
    assert scores.accuracy == pytest.approx(0.75)
    assert scores.loss == pytest.approx(loss, abs=1e-6)
    assert scores.standard_error == pytest.approx(math.sqrt(0.75 * 0.25 / 4))


def test_the_standard_error_is_the_spread_of_repeated_measurements() -> None:
    assert standard_error(0.5, 100) == pytest.approx(0.05)
    assert standard_error(1.0, 7) == 0
    rng = random.Random(0)
    shares = [sum(rng.random() < 0.8 for _ in range(200)) / 200 for _ in range(2000)]
    mean = sum(shares) / 2000
    spread = math.sqrt(sum((share - mean) ** 2 for share in shares) / 1999)
    assert standard_error(0.8, 200) == pytest.approx(spread, rel=0.06)


def test_the_mean_of_runs_has_the_error_of_a_mean() -> None:
    mean, error = mean_and_error([0.7, 0.8, 0.9, 0.8])
    assert mean == pytest.approx(0.8)
    assert error == pytest.approx(math.sqrt(0.02 / 3) / 2)
    assert mean_and_error([0.5, 0.5]) == (0.5, 0.0)


@pytest.mark.parametrize("values", [[], [0.8]])
def test_one_run_has_no_error(values: list[float]) -> None:
    with pytest.raises(ValueError, match=rf"^{len(values)} run.*at least two"):
        mean_and_error(values)


def test_the_confusion_matrix_counts_as_a_loop_does() -> None:
    labels, predictions = torch.randint(0, 3, (2, 200))  # class 3 never occurs
    expected = torch.zeros(4, 4, dtype=torch.int64)
    for label, prediction in zip(labels.tolist(), predictions.tolist(), strict=True):
        expected[label, prediction] += 1
    matrix = confusion_matrix(labels, predictions, 4)
    assert torch.equal(matrix, expected)
    assert not torch.equal(matrix, matrix.T)


@pytest.fixture(scope="module")
def real() -> tuple[dict[str, Tensor], Tensor, list[Example]]:
    parts = split(load())
    train, rows = parts.train[:2000], parts.validation[:2000]
    return baseline_predictions(train, rows), torch.tensor([e.label for e in rows]), train


def test_the_baselines_are_four_and_answer_every_row(
    real: tuple[dict[str, Tensor], Tensor, list[Example]],
) -> None:
    predictions, labels, _ = real
    assert list(predictions) == METHODS
    for answers in predictions.values():
        assert answers.shape == labels.shape
        assert answers.dtype == torch.int64
        assert set(answers.tolist()) <= {0, 1}


@pytest.mark.parametrize("method", METHODS[1:])
def test_a_baseline_beats_chance_by_more_than_its_error(
    real: tuple[dict[str, Tensor], Tensor, list[Example]], method: str
) -> None:
    predictions, labels, _ = real
    accuracy = float((predictions[method] == labels).float().mean())
    assert accuracy > 0.5 + 4 * standard_error(accuracy, len(labels))
    assert accuracy < 0.95


def test_the_majority_baseline_names_the_most_frequent_class_of_train(
    real: tuple[dict[str, Tensor], Tensor, list[Example]],
) -> None:
    predictions, _, train = real
    positive = sum(example.label for example in train)
    assert set(predictions["majority class"].tolist()) == {int(positive > len(train) / 2)}
    few = [Example("bad", 0), Example("good", 1), Example("fine", 1)]
    assert baseline_predictions(few, few[:2])["majority class"].tolist() == [1, 1]
