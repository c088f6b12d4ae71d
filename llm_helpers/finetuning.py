"""Make a real LLM yours by training few weights: LoRA, and a loss on replies alone.

Built in the open in notebook 16. A row of training data is a pair of lists of the same length, what
the model reads and the target at each place, see `reply_only`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear

from .data import IGNORE, BucketBatches
from .transformer import Places, TransformerLM, rotation

MATRICES = ("query", "key", "value", "output", "gate", "up", "down")  # all of a block
Row = tuple[Sequence[int], Sequence[int]]


class LoRA(nn.Module):
    """A frozen linear layer, and beside it two thin matrices that learn (Hu et al. 2021).

    W x becomes W x + alpha / rank * B A x. B is zero at first, so that nothing changes at first.

    Args:
        frozen: the layer, (…, in) -> (…, out); its weights no longer learn.
        rank: rows of A and columns of B.
        alpha: how much the thin matrices count.
    """

    def __init__(self, frozen: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__()
        self.frozen, self.scale = frozen.requires_grad_(False), alpha / rank
        self.a = nn.Parameter(frozen.weight.new_empty(rank, frozen.in_features))
        self.b = nn.Parameter(frozen.weight.new_zeros(frozen.out_features, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))  # as nn.Linear itself begins

    def forward(self, x: Tensor) -> Tensor:
        """Add what the thin matrices say: (…, in) -> (…, out)."""
        return self.frozen(x) + linear(self.scale * linear(x, self.a), self.b)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """Add B A to the frozen weights themselves and give the layer: no further cost."""
        self.frozen.weight += self.scale * self.b @ self.a
        return self.frozen


def add_lora(
    model: TransformerLM,
    blocks: Iterable[int],
    matrices: Sequence[str] = MATRICES,
    rank: int = 8,
    alpha: float = 16.0,
) -> None:
    """Put thin matrices beside the chosen ones of the chosen blocks; the rest is frozen.

    Raises:
        ValueError: a name that a block doesn't have, or a matrix that has its pair already.
    """
    for name, weight in model.named_parameters():
        weight.requires_grad_(name.endswith((".a", ".b")))  # pairs that are there go on learning
    for number in blocks:
        for name in matrices:
            block = model.blocks[number]
            parent = block.attention if hasattr(block.attention, name) else block.feed_forward
            if not isinstance(layer := getattr(parent, name, None), nn.Linear):
                raise ValueError(f"block {number} has no free matrix {name!r}")
            setattr(parent, name, LoRA(layer, rank, alpha))


def remove_lora(model: TransformerLM, *, merge: bool) -> None:
    """Take all thin matrices away, merged into the weights or without a trace."""
    for parent in [*model.modules()]:
        for name, layer in [*parent.named_children()]:
            if isinstance(layer, LoRA):
                setattr(parent, name, layer.merged() if merge else layer.frozen)


@contextmanager
def without_lora(model: TransformerLM) -> Iterator[None]:
    """Inside the ``with``, the model is what it was before: each B A counts nothing."""
    scales = {layer: layer.scale for layer in model.modules() if isinstance(layer, LoRA)}
    try:
        for layer in scales:
            layer.scale = 0.0
        yield
    finally:
        for layer, scale in scales.items():
            layer.scale = scale


def adapters(model: TransformerLM) -> dict[str, Tensor]:
    """Copy the thin matrices, and nothing else, by name: what is worth keeping after training."""
    return {
        f"{name}.{part}": getattr(layer, part).detach().clone()
        for name, layer in model.named_modules()
        if isinstance(layer, LoRA)
        for part in "ab"
    }


def load_adapters(model: TransformerLM, state: Mapping[str, Tensor]) -> None:
    """Put copies made by `adapters` back in.

    Raises:
        ValueError: they belong to other blocks or matrices.
        RuntimeError: they have another rank.
    """
    if other := adapters(model).keys() ^ state.keys():
        raise ValueError(f"these are in one of the two alone: {', '.join(sorted(other)[:4])} …")
    model.load_state_dict(state, strict=False)


def reply_only(*pieces: Sequence[int]) -> Row:
    """Give what is read and the target at each place, ``IGNORE`` where nothing is learned.

    Args:
        pieces: token ids that are read only, and ids that the model shall write, in turn.
    """
    tokens = [token for piece in pieces for token in piece]
    targets = [t if n % 2 else IGNORE for n, piece in enumerate(pieces) for t in piece]
    return tokens[:-1], targets[1:]


def reply_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy, nats a token: logits (targets, vocab), labels (batch, time)."""
    return cross_entropy(logits, labels[labels != IGNORE])


def run_blocks(model: TransformerLM, x: Tensor, start: int, end: int | None = None) -> Tensor:
    """Run states through some of the blocks, without the last norm: (batch, time, width) -> same.

    Padding must be on the right, where no real place sees it.
    """
    config, time = model.config, torch.arange(x.shape[1], device=x.device)
    turn = None
    if config.positions == "rotary":
        turn = rotation(time[None, None], config.head, config.rotary_base)
    for block in model.blocks[start:end]:
        x = block(x, Places(turn))
    return x


class Upper(nn.Module):
    """The blocks of a model from its lowest LoRA on; they read states that were computed once.

    Nothing below that block changes in training, so neither do the states that it reads. They are
    kept in a table, one row for each place of each text, 4 * width bytes. Batches hold numbers of
    these rows where other batches hold token ids, so `training.fit` trains this as any model.
    What is saved of it (by `fit`, too) is the thin matrices alone.

    Raises:
        ValueError: the model has no LoRA.
    """

    kept: Tensor  # (places, width), the states; row 0 is for padding
    asked: Tensor  # (places,) bool, where there is a target

    def __init__(self, model: TransformerLM) -> None:
        super().__init__()
        if not (names := adapters(model)):
            raise ValueError("no LoRA in this model: add_lora comes first")
        self.model = model
        self.first = min(int(name.split(".")[1]) for name in names)  # blocks.10.attention…
        weight = model.embedding.weight
        self.register_buffer("kept", weight.new_zeros(1, model.config.width))
        self.register_buffer("asked", weight.new_zeros(1, dtype=torch.bool))

    @torch.no_grad()
    def keep(self, rows: Sequence[Row], batch_size: int = 16, **options: Any) -> BucketBatches:
        """Read rows up to the lowest LoRA, keep the states, and deal the rows out for `fit`.

        Options are those of `BucketBatches`.
        """
        tokens, labels = zip(*rows, strict=True)
        end = len(self.kept)
        places = [range(end, end := end + len(row)) for row in tokens]
        states = self.kept.new_empty(end - len(self.kept), self.kept.shape[1])
        for batch in BucketBatches(tokens, labels, 32, per_token=True):
            x = self.model.embedding(batch.tokens.to(states.device))
            if self.model.config.positions == "learned":
                x = x + self.model.position.weight[: x.shape[1]]
            x = run_blocks(self.model, x, 0, self.first)  # (batch, time, width)
            for row, number, length in zip(x, batch.rows.tolist(), batch.lengths, strict=True):
                states[places[number].start - len(self.kept) :][:length] = row[:length]
        asked = [target != IGNORE for row in labels for target in row]
        self.kept = torch.cat([self.kept, states])
        self.asked = torch.cat([self.asked, torch.tensor(asked, device=states.device)])
        return BucketBatches(places, labels, batch_size, per_token=True, **options)

    def forward(self, places: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Give logits where there is a target, row by row: (batch, time) -> (targets, vocab).

        ``lengths`` isn't needed: padding on the right is where no real place can see it.
        """
        x = run_blocks(self.model, self.kept[places], self.first)
        return self.model.logits(self.model.norm(x[self.asked[places]]))

    def state_dict(self, **_: Any) -> dict[str, Tensor]:
        """Copy the thin matrices alone."""
        return adapters(self.model)

    def load_state_dict(self, state: Mapping[str, Tensor], **_: Any) -> None:
        """Put thin matrices back."""
        load_adapters(self.model, state)
