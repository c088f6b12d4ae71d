"""A tiny model and its training, for the tests of several rooms."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from llm_helpers.data import BucketBatches
from llm_helpers.models import TextRNN
from llm_helpers.runs import History
from llm_helpers.training import fit

STEPS = 6  # an epoch of the toy problem


def tiny(**options: Any) -> TextRNN:
    defaults = {"embed_dim": 8, "hidden_dim": 8, "pooling": "max"}
    return TextRNN(20, 2, **{**defaults, **options})


def train(model: nn.Module, batches: BucketBatches, *rest: Any, **options: Any) -> History:
    return fit(model, batches, *rest, **{"epochs": 2, "lr": 0.02, "device": "cpu", **options})


def losses(history: History) -> list[float]:
    return [record.loss for record in history.steps]


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)
