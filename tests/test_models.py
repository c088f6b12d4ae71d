"""The model: padding never counts, every weight learns, dropout stays in training."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from llm_helpers.data import BucketBatches
from llm_helpers.models import CELLS, POOLINGS, BiEncoder, TextRNN, length_mask, pool, predict

TEXTS = [[5, 6, 7, 8, 9, 3], [4, 2], [7], [3, 3, 8, 1]]
KINDS = list(itertools.product(CELLS, POOLINGS))
every_kind = pytest.mark.parametrize(("cell", "pooling"), KINDS)


def tiny(**options: Any) -> TextRNN:
    return TextRNN(12, 3, embed_dim=5, hidden_dim=4, **options)


def padded(texts: list[list[int]], extra: int = 0, filler: int = 0) -> tuple[Tensor, Tensor]:
    lengths = torch.tensor([len(text) for text in texts])
    width = int(lengths.max()) + extra
    return torch.tensor([text + [filler] * (width - len(text)) for text in texts]), lengths


def test_the_tests_cover_every_cell_and_pooling() -> None:
    assert set(CELLS) == {"rnn", "gru", "lstm"}
    assert set(POOLINGS) == {"last", "mean", "max", "meanmax"}


@every_kind
def test_the_padding_beside_a_text_never_counts(cell: Any, pooling: Any) -> None:
    model = tiny(cell=cell, pooling=pooling).double().eval()
    with torch.no_grad():
        alone = torch.cat([model(*padded([text])) for text in TEXTS])
        for extra, filler in ((0, 0), (5, 0), (5, 7)):
            together = model(*padded(TEXTS, extra, filler))
            torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)


@every_kind
def test_logits_have_a_row_a_text_and_a_column_a_class(cell: Any, pooling: Any) -> None:
    logits = tiny(cell=cell, pooling=pooling)(*padded(TEXTS))
    assert logits.shape == (4, 3)
    assert logits.dtype == torch.float32
    assert len({tuple(row) for row in logits.tolist()}) == 4


@every_kind
def test_the_gradient_reaches_every_parameter(cell: Any, pooling: Any) -> None:
    model = tiny(cell=cell, pooling=pooling)
    model(*padded(TEXTS)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_the_vector_of_the_padding_stays_zero() -> None:
    model = tiny(pooling="meanmax")
    before = model.embedding.weight.detach().clone()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    model(*padded([*TEXTS, [5, 0, 6]], extra=3)).square().sum().backward()
    optimizer.step()
    assert not model.embedding.weight[0].any()
    assert (model.embedding.weight[1:] != before[1:]).all()


def test_the_order_of_the_words_matters() -> None:
    model = tiny().eval()
    forwards, backwards = (model(*padded([text])) for text in (TEXTS[0], TEXTS[0][::-1]))
    assert (forwards - backwards).abs().max() > 1e-4


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(ValueError, match="pooling 'median' is none of last"):
        pool(torch.zeros(2, 3, 4), torch.tensor([3, 1]), "median")


# ---------------------------------------------------------------- dropout


@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"word_dropout": 0.5}], ids=str)
def test_dropout_acts_in_training_alone(options: dict[str, float]) -> None:
    without, model = tiny(pooling="mean"), tiny(pooling="mean", **options)
    model.load_state_dict(without.state_dict())
    batch = padded(TEXTS)
    model.train()
    assert not torch.equal(model(*batch), model(*batch))
    model.eval()
    assert torch.equal(model(*batch), without.eval()(*batch))


def test_a_dropped_word_is_read_as_unknown() -> None:
    model = tiny(word_dropout=1.0, unk_index=11)
    tokens, lengths = padded(TEXTS)
    dropped = model.train()(tokens, lengths)
    torch.testing.assert_close(dropped, model.eval()(torch.full_like(tokens, 11), lengths))


def test_word_dropout_drops_the_share_it_is_told() -> None:
    model = tiny(word_dropout=0.25).train()
    seen: list[Tensor] = []
    model.embedding.register_forward_hook(lambda _, args, __: seen.append(args[0]))
    tokens = torch.full((200, 20), 7)
    model(tokens, torch.full((200,), 20))
    assert float((seen[0] == 1).float().mean()) == pytest.approx(0.25, abs=0.03)
    assert bool((tokens == 7).all())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"cell": "elman"}, ["'elman'", "rnn", "gru", "lstm"]),
        ({"pooling": "first"}, ["'first'", "last", "mean", "max", "meanmax"]),
    ],
)
def test_an_unknown_choice_is_answered_with_the_known_ones(
    options: dict[str, str], named: list[str]
) -> None:
    with pytest.raises(ValueError) as caught:
        tiny(**options)
    assert all(name in str(caught.value) for name in named)


# ---------------------------------------------------------------- pooling


@pytest.mark.parametrize("how", POOLINGS)
def test_pooling_equals_a_loop_over_rows(how: str) -> None:
    lengths = torch.tensor([4, 1, 6, 3])
    states = torch.randn(4, 6, 5, dtype=torch.float64) - 3  # below zero: zeros would win a max
    for row, length in enumerate(lengths.tolist()):
        states[row, length:] = 1e6
    expected = []
    for row, length in enumerate(lengths.tolist()):
        real = states[row, :length]
        mean, largest = sum(real) / length, torch.stack([column.max() for column in real.T])
        by_name = {"last": real[-1], "mean": mean, "max": largest}
        expected.append(torch.cat([mean, largest]) if how == "meanmax" else by_name[how])
    torch.testing.assert_close(pool(states, lengths, how), torch.stack(expected))


def test_the_mask_is_true_at_real_tokens() -> None:
    assert length_mask(torch.tensor([2, 0, 3]), 3).tolist() == [
        [True, True, False],
        [False, False, False],
        [True, True, True],
    ]


# ---------------------------------------------------------------- predict


@pytest.mark.parametrize("shuffle", [False, True])
def test_predictions_come_in_the_order_of_the_data_set(toy: BucketBatches, shuffle: bool) -> None:
    model = TextRNN(20, 2, embed_dim=4, hidden_dim=4)
    toy.shuffle = shuffle
    logits, labels = predict(model, toy)
    assert labels.tolist() == [row % 2 for row in range(96)]
    with torch.no_grad():
        for row in (0, 1, 50, 95):
            length = int(toy.lengths[row])
            alone = model.eval()(toy.tokens[row : row + 1, :length], toy.lengths[row : row + 1])
            torch.testing.assert_close(logits[row : row + 1], alone)


@pytest.mark.parametrize("training", [False, True])
def test_predicting_uses_evaluation_mode_and_leaves_the_mode_alone(
    toy: BucketBatches, training: bool
) -> None:
    model = TextRNN(20, 2, embed_dim=4, hidden_dim=4, dropout=0.5, word_dropout=0.5)
    model.train(training)
    first, again = predict(model, toy)[0], predict(model, toy)[0]
    assert torch.equal(first, again)
    assert model.training is training
    assert not first.requires_grad


def test_a_failed_prediction_leaves_the_mode_alone_too(toy: BucketBatches) -> None:
    model = TextRNN(3, 2, embed_dim=4, hidden_dim=4).train()
    with pytest.raises(IndexError):
        predict(model, toy)
    assert model.training


def test_predictions_are_float32_whatever_the_model(toy: BucketBatches) -> None:
    model = TextRNN(20, 2, embed_dim=4, hidden_dim=4).double()
    assert predict(model, toy)[0].dtype == torch.float32


def test_a_bi_encoder_adds_its_words_by_weight_and_padding_never_counts() -> None:
    torch.manual_seed(0)
    model = BiEncoder(12, 5)
    words, weights = torch.tensor([[5, 6, 0], [7, 3, 4]]), torch.tensor([[2.0, 1, 0], [1, 0.5, 3]])
    found = model(words, weights)
    by_hand = (model.embedding.weight[words] * weights[:, :, None]).sum(1)
    assert torch.allclose(found, by_hand / by_hand.norm(dim=1, keepdim=True), atol=1e-6)
    assert torch.allclose(found[:1], model(words[:1, :2], weights[:1, :2]), atol=1e-6)
    assert torch.allclose(found[:1], model(words[:1, [1, 0]], weights[:1, [1, 0]]), atol=1e-6)
    found[0, 0].backward()
    assert model.embedding.weight.grad[[5, 6]].abs().min() > 0
    assert (model.embedding.weight.grad[[0, 7, 3, 4]] == 0).all()
