"""The one small model of the collection: ``nn.Embedding -> nn.RNN -> nn.Linear``.

Built in the open in notebook 05.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from .data import IGNORE, Batch

CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
POOLINGS = ("last", "mean", "max", "meanmax")


def length_mask(lengths: Tensor, time: int) -> Tensor:
    """Mark the real tokens: True at ``t < length``. Shape (batch,) -> (batch, time)."""
    return torch.arange(time, device=lengths.device) < lengths[:, None]


def pool(states: Tensor, lengths: Tensor, how: str = "last") -> Tensor:
    """Reduce the hidden states of each sequence to one vector, padding left out.

    Args:
        states: (batch, time, hidden).
        lengths: (batch,) int64, each at least 1.
        how: ``last`` real step, ``mean`` or ``max`` over the real steps, or ``meanmax``,
            both side by side.

    Returns:
        (batch, hidden), or (batch, 2 * hidden) for ``meanmax``.

    Raises:
        ValueError: another ``how``.
    """
    if how not in POOLINGS:
        raise ValueError(f"pooling {how!r} is none of {', '.join(POOLINGS)}")
    if how == "last":
        return states[torch.arange(len(states), device=states.device), lengths - 1]
    real = length_mask(lengths, states.shape[1])[:, :, None]  # (batch, time, 1)
    mean = (states * real).sum(1) / lengths[:, None]
    if how == "mean":
        return mean
    largest = states.masked_fill(~real, -torch.inf).amax(1)
    return largest if how == "max" else torch.cat([mean, largest], dim=1)


class TextRNN(nn.Module):
    """Read token ids of any length and give logits, one a class or action.

    Args:
        vocab_size: number of tokens, ``<pad>`` and ``<unk>`` included.
        num_classes: number of logits.
        embed_dim: size of a token's vector.
        hidden_dim: size of the hidden state.
        cell: ``rnn`` (Elman 1990), ``gru`` (Cho et al. 2014) or ``lstm``
            (Hochreiter & Schmidhuber 1997).
        pooling: how the states become one vector, see :func:`pool`.
        dropout: share of the embedding's and of the pooled vector's entries set to zero while
            training (Srivastava et al. 2014).
        word_dropout: share of tokens read as ``<unk>`` while training (Iyyer et al. 2015); it
            also teaches the vector of ``<unk>``.

    Raises:
        ValueError: an unknown cell or pooling.
    """

    def __init__(
        self,
        vocab_size: int,
        num_classes: int = 2,
        *,
        embed_dim: int = 64,
        hidden_dim: int = 64,
        cell: Literal["rnn", "gru", "lstm"] = "rnn",
        pooling: Literal["last", "mean", "max", "meanmax"] = "last",
        dropout: float = 0.0,
        word_dropout: float = 0.0,
        pad_index: int = 0,
        unk_index: int = 1,
    ) -> None:
        super().__init__()
        if cell not in CELLS or pooling not in POOLINGS:
            raise ValueError(f"cell {cell!r} of {list(CELLS)}, pooling {pooling!r} of {POOLINGS}")
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=pad_index)
        # PyTorch starts word vectors at a spread of 1: rare words, seldom updated, would then
        # drown the frequent ones in noise (notebook 05 measures it).
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.embedding.weight[pad_index])
        self.rnn = CELLS[cell](embed_dim, hidden_dim, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        width = hidden_dim * (2 if pooling == "meanmax" else 1)
        self.fc = nn.Linear(width, num_classes)
        self.pooling, self.word_dropout, self.unk_index = pooling, word_dropout, unk_index

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Give logits (batch, classes) for tokens (batch, time) int64 and lengths (batch,)."""
        if self.training and self.word_dropout:
            dropped = torch.rand(tokens.shape, device=tokens.device) < self.word_dropout
            tokens = tokens.masked_fill(dropped, self.unk_index)
        return self.classify(self.embedding(tokens), lengths)

    def classify(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """Give logits for word vectors (batch, time, embed): the part after the embedding."""
        states = self.rnn(self.dropout(embedded))[0]  # (batch, time, hidden)
        pooled = pool(states, lengths, self.pooling)
        return self.fc(self.dropout(pooled))  # (batch, classes)


class RNNLanguageModel(nn.Module):
    """Give logits for the next token at every place of a sequence. Built in notebook 08.

    The output layer uses the embedding's weights again (tied: Press & Wolf 2017), so the
    hidden state is as wide as a word vector. Every sequence starts from a state of zeros.

    Args:
        vocab_size: number of tokens, ``<pad>`` included.
        embed_dim: size of a token's vector and of the hidden state.
        cell: ``rnn``, ``gru`` or ``lstm``.
        dropout: share of the vectors' and of the states' entries set to zero while training.
    """

    def __init__(
        self,
        vocab_size: int,
        embed_dim: int = 96,
        *,
        cell: Literal["rnn", "gru", "lstm"] = "gru",
        dropout: float = 0.0,
        pad_index: int = 0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=pad_index)
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.embedding.weight[pad_index])
        self.rnn = CELLS[cell](embed_dim, embed_dim, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(embed_dim, vocab_size)
        self.fc.weight = self.embedding.weight

    def forward(self, tokens: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Give logits (batch, time, vocab) for tokens (batch, time) int64.

        ``lengths`` isn't needed: padding stands at the end, where no real place can see it.
        """
        states = self.rnn(self.dropout(self.embedding(tokens)))[0]  # (batch, time, embed)
        return self.fc(self.dropout(states))


class BiEncoder(nn.Module):
    """Give each text a vector of length 1, the weighted sum of its words'. Built in notebook 12.

    Queries and documents are encoded separately, so their cosine is one dot product.

    Args:
        vocab_size: number of tokens, ``<pad>`` included.
        embed_dim: size of a token's vector and of a text's.
    """

    def __init__(self, vocab_size: int, embed_dim: int = 256, *, pad_index: int = 0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=pad_index)
        nn.init.normal_(self.embedding.weight, std=0.1)

    def forward(self, words: Tensor, weights: Tensor) -> Tensor:
        """Give (texts, embed) for token ids (texts, time) int64 and weights (texts, time) float32.

        Padding must have the weight 0.
        """
        rows = self.embedding.weight
        added = nn.functional.embedding_bag(words, rows, per_sample_weights=weights, mode="sum")
        return nn.functional.normalize(added, dim=1)


@torch.inference_mode()
def outputs(model: nn.Module, batches: Iterable[Batch]) -> Iterator[tuple[Tensor, Batch]]:
    """Run a model in evaluation mode, batch by batch, and leave its mode as it was.

    Yields:
        The model's logits and the batch, both on the model's device.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        for batch in batches:
            batch = batch.to(device)
            yield model(batch.tokens, batch.lengths), batch
    finally:
        model.train(was_training)


def predict(model: nn.Module, batches: Iterable[Batch]) -> tuple[Tensor, Tensor]:
    """Run a classifier over batches, see :func:`outputs`.

    Returns:
        Logits (rows, classes) float32 and labels (rows,) int64, both on the CPU and in the
        order of the data set, however the batches were dealt.
    """
    parts = [
        (logits.float(), batch.labels, batch.rows) for logits, batch in outputs(model, batches)
    ]
    logits, labels, rows = (torch.cat(part).cpu() for part in zip(*parts, strict=True))
    order = rows.argsort()
    return logits[order], labels[order]


def judge(
    model: nn.Module, batches: Iterable[Batch], loss_fn: Callable[[Tensor, Tensor], Tensor]
) -> tuple[float, float]:
    """Give the mean loss of a target and the share guessed right; ``IGNORE`` doesn't count.

    Raises:
        ValueError: not one target.
    """
    loss = right = total = 0.0
    for logits, batch in outputs(model, batches):
        guesses, labels = logits.argmax(-1), batch.labels
        mean = float(loss_fn(logits.to(torch.promote_types(logits.dtype, torch.float32)), labels))
        if labels.is_floating_point():  # a row of probabilities for each text
            labels = labels.argmax(-1)
        counted = int((labels != IGNORE).sum())
        loss += mean * counted
        if guesses.shape != labels.shape:  # a model that answers only where there is a target
            labels = labels[labels != IGNORE]
        right += int((guesses == labels).sum())
        total += counted
    if not total:
        raise ValueError("no targets to judge by: no batches, or an iterator that has been read")
    return loss / total, right / total
