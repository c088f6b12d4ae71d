"""A target for every token: the loss counts real ones alone, and no place sees what follows."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from llm_helpers.data import IGNORE, BucketBatches, next_token_batches
from llm_helpers.evaluation import next_token_loss, perplexity
from llm_helpers.models import CELLS, RNNLanguageModel
from llm_helpers.training import fit, seed_everything

SENTENCES = [[1, 4, 5, 6, 2], [1, 3, 2], [1, 7, 7, 7, 3, 4, 2], [1, 2], [1, 5, 4, 2]] * 4


def shifted(
    sentences: list[list[int]] = SENTENCES, size: int = 4, **options: bool
) -> BucketBatches:
    read, targets = [s[:-1] for s in sentences], [s[1:] for s in sentences]
    return BucketBatches(read, targets, size, per_token=True, **options)


def test_each_token_keeps_its_target_however_it_is_dealt() -> None:
    for batches in (shifted(), shifted(shuffle=True), shifted(size=7)):
        for batch in batches:
            assert batch.labels.shape == batch.tokens.shape
            for row, tokens, targets, length in zip(
                batch.rows.tolist(), batch.tokens, batch.labels, batch.lengths, strict=True
            ):
                assert tokens[:length].tolist() == SENTENCES[row][:-1]
                assert targets[:length].tolist() == SENTENCES[row][1:]
                assert (targets[length:] == IGNORE).all()


def test_the_target_is_the_next_token_and_the_end_comes_twice() -> None:
    (batch,) = next_token_batches([[5, 6, 7], [8]], 2)
    assert batch.tokens.tolist() == [[2, 8, 0, 0], [2, 5, 6, 7]]
    assert batch.labels.tolist() == [[8, 2, IGNORE, IGNORE], [5, 6, 7, 2]]


def test_another_number_of_targets_is_refused() -> None:
    with pytest.raises(ValueError, match="sequence 1 has another number of targets"):
        BucketBatches([[1, 2], [3]], [[2, 3], [4, 5]], per_token=True)


def test_a_row_of_probabilities_is_still_one_label() -> None:
    (batch,) = BucketBatches([[1, 2], [3]], [[0.1, 0.9], [0.5, 0.5]])
    assert batch.labels.shape == (2, 2) and batch.labels.dtype == torch.float32


@pytest.mark.parametrize("cell", CELLS)
def test_no_place_sees_what_comes_after_it(cell: str) -> None:
    seed_everything(0)
    model = RNNLanguageModel(9, 6, cell=cell).eval()
    tokens = torch.tensor([[1, 4, 5, 6, 3]])
    other = tokens.clone()
    other[0, 3] = 8
    same = (model(tokens) == model(other)).all(2)[0]
    assert same.tolist() == [True, True, True, False, False]


def test_the_output_layer_is_the_embedding() -> None:
    model = RNNLanguageModel(9, 6)
    assert model.fc.weight is model.embedding.weight
    assert len(list(model.parameters())) == 1 + 4 + 1
    assert model(torch.tensor([[1, 2, 3]])).shape == (1, 3, 9)


@torch.no_grad()
def test_the_loss_and_the_perplexity_count_real_tokens_alone() -> None:
    seed_everything(0)
    model = RNNLanguageModel(9, 6).double().eval()
    nats, count = 0.0, 0
    for sentence in SENTENCES:
        logits = model(torch.tensor([sentence[:-1]]))[0]
        nats += float(
            nn.functional.cross_entropy(logits, torch.tensor(sentence[1:]), reduction="sum")
        )
        count += len(sentence) - 1
    for size in (1, 3, 20):
        assert perplexity(model, shifted(size=size)) == pytest.approx(math.exp(nats / count))
    (batch,) = shifted(size=20)
    loss = next_token_loss(model(batch.tokens), batch.labels)
    assert float(loss) == pytest.approx(nats / count)


def test_fit_learns_and_judges_a_language_model() -> None:
    seed_everything(0)
    model = RNNLanguageModel(9, 16)
    history = fit(
        model, shifted(shuffle=True), shifted(size=7), epochs=60, lr=2e-2,
        loss_fn=next_token_loss, device="cpu", keep_best=True,
    )  # fmt: skip
    assert history.epochs[0].validation_loss > 1.5 > 1.0 > history.best.validation_loss
    assert math.log(perplexity(model, shifted())) == pytest.approx(history.best.validation_loss)
    assert 0 < history.epochs[-1].validation_accuracy <= 1
