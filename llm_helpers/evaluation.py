"""How good is it, and compared with what? Built in the open in notebook 07."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .data import IGNORE, Batch, Example
from .models import judge, predict

WORD_OR_MARK = r"(?u)\b\w+\b|[^\w\s]"


class Scores(NamedTuple):
    """A model judged on ``n`` rows."""

    loss: float  # mean cross-entropy, nats
    accuracy: float
    standard_error: float  # of the accuracy, from the number of rows
    n: int


def standard_error(accuracy: float, n: int) -> float:
    """Give the standard error of a share measured on ``n`` independent rows (binomial)."""
    return math.sqrt(accuracy * (1 - accuracy) / n)


def evaluate(model: nn.Module, batches: Iterable[Batch]) -> Scores:
    """Judge a classifier by its loss and its accuracy."""
    logits, labels = predict(model, batches)
    accuracy = float((logits.argmax(1) == labels).float().mean())
    loss = float(nn.functional.cross_entropy(logits, labels))
    return Scores(loss, accuracy, standard_error(accuracy, len(labels)), len(labels))


def next_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy, nats a token: logits (batch, time, vocab), targets (batch, time)."""
    return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE)


def perplexity(model: nn.Module, batches: Iterable[Batch]) -> float:
    """Give exp(mean loss of a target): among how many tokens the model is in doubt."""
    return math.exp(judge(model, batches, next_token_loss)[0])


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Give the mean of several runs and the standard error of that mean.

    Raises:
        ValueError: fewer than two runs say nothing about their spread.
    """
    if len(values) < 2:
        raise ValueError(f"{len(values)} run(s): at least two are needed for an error")
    return statistics.mean(values), statistics.stdev(values) / math.sqrt(len(values))


def confusion_matrix(labels: Tensor, predictions: Tensor, num_classes: int) -> Tensor:
    """Count (true class, predicted class) pairs: int64 of shape (classes, classes)."""
    pairs = labels * num_classes + predictions  # one number for each pair
    return torch.bincount(pairs, minlength=num_classes**2).view(num_classes, num_classes)


def baseline_predictions(train: Sequence[Example], rows: Sequence[Example]) -> dict[str, Tensor]:
    """Predict ``rows`` by four methods without a neural network.

    The class that is most frequent in ``train``; VADER's lexicon and rules (Hutto & Gilbert
    2014, needs no training); TF-IDF weights with logistic regression; and multinomial naive
    Bayes on words and word pairs (Wang & Manning 2012 tell why it is hard to beat).

    Returns:
        Predicted labels by method, each (rows,) int64.
    """
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    texts, labels = [e.text for e in train], [e.label for e in train]
    asked = [e.text for e in rows]
    vader = SentimentIntensityAnalyzer()
    pairs = CountVectorizer(ngram_range=(1, 2), token_pattern=WORD_OR_MARK)
    logistic = make_pipeline(TfidfVectorizer(token_pattern=WORD_OR_MARK), LogisticRegression(C=3))
    bayes = make_pipeline(pairs, MultinomialNB())
    return {
        "majority class": torch.full((len(rows),), statistics.mode(labels)),
        "VADER": torch.tensor([int(vader.polarity_scores(t)["compound"] > 0) for t in asked]),
        "TF-IDF + logistic": torch.tensor(logistic.fit(texts, labels).predict(asked)),
        "bigram naive Bayes": torch.tensor(bayes.fit(texts, labels).predict(asked)),
    }
