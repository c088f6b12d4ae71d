"""The transformer: attention, block and language model, built in the open in notebook 14.

The four options that turn its block into that of a real LLM (RMSNorm, rotary positions, SwiGLU,
grouped heads) are built in the open in notebook 15. Axes in comments: ``time`` counts the tokens
read now, ``seen`` also those in the cache, and ``head`` is the width of one head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, scaled_dot_product_attention, silu

OPTIONS = {"norm": ("layer", "rms"), "feed_forward": ("gelu", "swiglu")}
OPTIONS["positions"] = ("none", "learned", "rotary")


@dataclass
class TransformerConfig:
    """The shape of a model; the defaults give a small model in the style of GPT-2.

    Args:
        heads: attention heads; each is ``width / heads`` wide.
        kv_heads: heads for keys and values, shared by groups of queries (0: ``heads``).
        hidden: width of the feed-forward layer (0: 4 * ``width``).
        context: the most tokens that learned positions can count.
        norm: ``layer`` (Ba et al. 2016) or ``rms`` (Zhang & Sennrich 2019).
        positions: ``none``, ``learned`` (one vector a place), or ``rotary`` (Su et al. 2021).
        feed_forward: ``gelu`` (two layers) or ``swiglu`` (a third one as a gate, Shazeer 2020).
        bias: whether the linear layers have biases.
        dropout: share of entries set to zero while training, in the embedding and each branch.

    Raises:
        ValueError: an unknown option, or heads that don't divide.
    """

    vocab_size: int
    width: int = 96
    blocks: int = 2
    heads: int = 4
    kv_heads: int = 0
    hidden: int = 0
    context: int = 256
    norm: Literal["layer", "rms"] = "layer"
    norm_eps: float = 1e-5
    positions: Literal["none", "learned", "rotary"] = "learned"
    rotary_base: float = 10_000.0
    feed_forward: Literal["gelu", "swiglu"] = "gelu"
    bias: bool = True
    dropout: float = 0.0

    def __post_init__(self) -> None:
        self.kv_heads, self.hidden = self.kv_heads or self.heads, self.hidden or 4 * self.width
        self.head = self.width // self.heads
        if self.width % self.heads or self.heads % self.kv_heads:
            raise ValueError(f"{self.heads} heads, {self.kv_heads} kv_heads, width {self.width}")
        for name, known in OPTIONS.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r} is none of {', '.join(known)}")

    def make_norm(self) -> nn.Module:
        """Make one of the model's norms, (…, width) -> the same."""
        kind = nn.RMSNorm if self.norm == "rms" else nn.LayerNorm
        return kind(self.width, eps=self.norm_eps)


class KeyValueCache:
    """The keys and values of the tokens read so far, so that no token is read twice.

    All the room is reserved at once, so that adding a token copies that token alone. Hand the
    same cache to one call of the model after the other; ``length`` counts the tokens in it.

    Args:
        room: the most tokens a row can hold.
        like: a weight of the model; the cache takes its dtype and device.
    """

    def __init__(self, config: TransformerConfig, batch: int, room: int, like: Tensor) -> None:
        shape = (config.blocks, 2, batch, config.kv_heads, room, config.head)
        self.stored, self.length = like.new_empty(shape), 0

    def extend(self, block: int, keys: Tensor, values: Tensor) -> Tensor:
        """Store (batch, kv_heads, time, head) twice; give (2, batch, kv_heads, seen, head).

        Raises:
            ValueError: no room left.
        """
        end, room = self.length + keys.shape[2], self.stored.shape[4]
        if end > room:
            raise ValueError(f"the cache has room for {room} tokens, not for {end}")
        self.stored[block, :, :, :, self.length : end] = torch.stack((keys, values))
        return self.stored[block, :, :, :, :end]


class Places(NamedTuple):
    """What attention knows about the places it reads, the same in every block.

    By default: no rotation, each place looks at itself and all before it, and there is no cache.
    """

    rotation: tuple[Tensor, Tensor] | None = None  # cosines and sines, see `rotation`
    mask: Tensor | None = None  # (batch or 1, 1, time, seen) bool, True where a place may look
    cache: KeyValueCache | None = None


HERE = Places()


def rotation(positions: Tensor, head: int, base: float) -> tuple[Tensor, Tensor]:
    """Give the cosines and sines by which a head's pairs turn: (…, time) -> (…, time, head / 2).

    Pair i turns by position * base^(-2i / head) (Su et al. 2021).
    """
    angles = positions[..., None] * base ** (-torch.arange(0, head, 2).to(positions) / head)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, by: tuple[Tensor, Tensor]) -> Tensor:
    """Turn each pair of neighboring entries: (batch, heads, time, head) -> the same."""
    (cos, sin), a, b = by, x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2)


def look(seen: Tensor, time: int, real: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Give (batch or 1, time) positions, and a mask where plain causal attention won't do.

    ``seen`` numbers all places so far, of which the last ``time`` are read now; ``real`` as in
    `TransformerLM.states`.
    """
    if real is None and time in (1, len(seen)):
        return seen[None, -time:], None
    real = seen[None] >= 0 if real is None else real  # (batch or 1, seen)
    here = seen[-time:, None]  # (time, 1)
    # Padding looks at itself alone: a softmax over nothing at all would be NaN.
    mask = (seen <= here) & (real[:, None, None] | (seen == here))  # (batch or 1, 1, time, seen)
    return (real.cumsum(1) - 1).clamp_min(0)[:, -time:], mask


class Attention(nn.Module):
    """Causal self-attention with several heads (Vaswani et al. 2017).

    With fewer ``kv_heads`` than ``heads``, a group of queries shares one head of keys and values
    (Ainslie et al. 2023), so that the cache is smaller. ``number`` is the block's.
    """

    def __init__(self, config: TransformerConfig, number: int = 0) -> None:
        super().__init__()
        self.kv_heads, self.head, self.number = config.kv_heads, config.head, number
        self.groups = config.heads // config.kv_heads
        self.query = nn.Linear(config.width, config.width, bias=config.bias)
        self.key = nn.Linear(config.width, config.kv_heads * config.head, bias=config.bias)
        self.value = nn.Linear(config.width, config.kv_heads * config.head, bias=config.bias)
        self.output = nn.Linear(config.width, config.width, bias=config.bias)

    def project(self, x: Tensor, places: Places = HERE) -> list[Tensor]:
        """Give queries, keys and values of (batch, time, width).

        Queries are (batch, heads, time, head), the others (batch, kv_heads, time, head).
        """
        flat = self.query(x), self.key(x), self.value(x)
        q, k, v = (y.unflatten(2, (-1, self.head)).transpose(1, 2) for y in flat)
        by = places.rotation
        return [q, k, v] if by is None else [rotate(q, by), rotate(k, by), v]

    def forward(self, x: Tensor, places: Places = HERE) -> Tensor:
        """Let each place look at those before it: (batch, time, width) -> the same."""
        q, k, v = self.project(x, places)
        (batch, heads, time, head), causal = q.shape, places.mask is None
        if places.cache:
            k, v = places.cache.extend(self.number, k, v)
        if time == 1:  # the queries of a group are rows of one product: no copy of k and v
            q, causal = q.reshape(batch, self.kv_heads, self.groups, head), False
        elif self.groups > 1:
            k, v = (y.repeat_interleave(self.groups, dim=1) for y in (k, v))
        mixed = scaled_dot_product_attention(q, k, v, places.mask, is_causal=causal)
        return self.output(mixed.reshape(batch, heads, time, head).transpose(1, 2).flatten(2))

    def weights(self, x: Tensor, places: Places = HERE) -> Tensor:
        """Give how much each place looks at each, to be drawn: (batch, heads, time, time)."""
        q, k, _ = self.project(x, places)
        scores = q @ k.repeat_interleave(self.groups, dim=1).transpose(2, 3) / self.head**0.5
        later = torch.ones_like(scores, dtype=torch.bool).triu(1)
        return scores.masked_fill(later, -torch.inf).softmax(3)


class FeedForward(nn.Module):
    """Two or three layers that work on each place by itself: (…, width) -> the same."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.width, config.hidden, bias=config.bias)
        self.down = nn.Linear(config.hidden, config.width, bias=config.bias)
        if config.feed_forward == "swiglu":
            self.gate = nn.Linear(config.width, config.hidden, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Widen, bend, narrow; with a gate, it says how much of each entry passes."""
        if hasattr(self, "gate"):
            return self.down(silu(self.gate(x)) * self.up(x))
        return self.down(gelu(self.up(x)))


class Block(nn.Module):
    """Attention, then a feed-forward layer, each added to the residual stream.

    Each branch normalizes what it reads, never the stream itself (pre-norm: Xiong et al. 2020).
    """

    def __init__(self, config: TransformerConfig, number: int = 0) -> None:
        super().__init__()
        self.attention_norm, self.attention = config.make_norm(), Attention(config, number)
        self.feed_forward_norm, self.feed_forward = config.make_norm(), FeedForward(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, places: Places = HERE) -> Tensor:
        """Add both branches to the stream: (batch, time, width) -> the same."""
        x = x + self.dropout(self.attention(self.attention_norm(x), places))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


class TransformerLM(nn.Module):
    """Give logits for the next token at every place.

    Embedding, blocks, a last norm; the output layer is the embedding again (tied: Press & Wolf
    2017). Weights start with a spread of 0.5 / sqrt(width), and those at the end of a branch
    smaller the more branches there are; at GPT-2's width that is its 0.02 (Radford et al. 2019).
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        if config.positions == "learned":
            self.position = nn.Embedding(config.context, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, number) for number in range(config.blocks))
        self.norm = config.make_norm()
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                ends_branch = name.endswith(("output.weight", "down.weight"))
                added = 2 * config.blocks if ends_branch else 1
                nn.init.normal_(weight, std=0.5 / (config.width * added) ** 0.5)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)

    def forward(self, tokens: Tensor, lengths: Tensor | None = None, **options: Any) -> Tensor:
        """Give logits (batch, time, vocab) for tokens; options: ``cache``, ``real`` of `states`.

        ``lengths`` isn't needed: padding on the right is where no real place can see it.
        """
        return self.logits(self.states(tokens, **options))

    def logits(self, states: Tensor) -> Tensor:
        """Answer from normalized states: (…, width) -> (…, vocab)."""
        return linear(states, self.embedding.weight)

    def states(
        self, tokens: Tensor, cache: KeyValueCache | None = None, real: Tensor | None = None
    ) -> Tensor:
        """Give the normalized states after the last block, (batch, time, width).

        Args:
            tokens: (batch, time) int64.
            cache: the tokens read before these; these are added to it.
            real: (batch, seen) bool, False at padding on the left, which nothing then looks at;
                positions count from the first real token.

        Raises:
            ValueError: more tokens than a model with learned positions counts.
        """
        config, time = self.config, tokens.shape[1]
        seen = torch.arange((cache.length if cache else 0) + time, device=tokens.device)
        if config.positions == "learned" and len(seen) > config.context:
            raise ValueError(f"{len(seen)} tokens, but this model counts {config.context} places")
        positions, mask = look(seen, time, real)
        x = self.embedding(tokens)
        if config.positions == "learned":
            x = x + self.position(positions)
        x, turn = self.dropout(x), None
        if config.positions == "rotary":
            turn = rotation(positions[:, None], config.head, config.rotary_base)
        for block in self.blocks:
            x = block(x, Places(turn, mask, cache))
        if cache:
            cache.length += time
        return self.norm(x)
