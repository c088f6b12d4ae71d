"""A real large language model: read its file, run it in our transformer; built in notebook 15.

The model is SmolLM2-135M-Instruct (Hugging Face, 2025; Apache-2.0) as a GGUF file whose weights
take 4 bits each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from gguf import GGUFReader, dequantize
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from torch.nn.functional import pad

from .files import fetch_model
from .transformer import KeyValueCache, TransformerConfig, TransformerLM

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
START, END = 1, 2  # the tokens <|im_start|> and <|im_end|>
Turn = tuple[str, str]  # a role (system, user, assistant or tool) and what is said
NAMES = {  # GGUF's words for the parts of a model, and ours
    "token_embd": "embedding",
    "output_norm": "norm",
    "attn_norm": "attention_norm",
    "attn_q": "attention.query",
    "attn_k": "attention.key",
    "attn_v": "attention.value",
    "attn_output": "attention.output",
    "ffn_norm": "feed_forward_norm",
    "ffn_gate": "feed_forward.gate",
    "ffn_up": "feed_forward.up",
    "ffn_down": "feed_forward.down",
}


class Pretrained(NamedTuple):
    """A model and the tokenizer it was trained with: neither is of any use without the other."""

    model: TransformerLM
    tokenizer: Tokenizer


def load(path: Path | None = None) -> Pretrained:
    """Read a model's file (by default the one of notebook 15); its weights are frozen.

    Raises:
        DataError: the default file is missing and can't be fetched, or is damaged.
    """
    reader = GGUFReader(path or fetch_model())
    metadata = {name: field.contents() for name, field in reader.fields.items()}
    with torch.device("meta"):  # shapes without memory: the weights come from the file
        model = TransformerLM(config_of(metadata))
    weights = {  # copied, since the reader's arrays are windows into the file
        our_name(part.name): by_columns(dequantize(part.data, part.tensor_type))
        for part in reader.tensors
    }
    model.load_state_dict(weights, assign=True)
    return Pretrained(model.eval().requires_grad_(False), tokenizer_of(metadata))


def by_columns(weight: np.ndarray) -> Tensor:
    """Copy a weight so that the numbers of a column lie side by side in memory.

    Writing multiplies each matrix by a single vector, and a CPU does that faster in this order:
    all of the model's products for a token take three quarters of the time.
    """
    return torch.from_numpy(np.array(weight.T, order="C")).t()


def config_of(metadata: Mapping[str, Any]) -> TransformerConfig:
    """Read a model's shape from its file's metadata."""

    def value(name: str) -> Any:
        return metadata[f"llama.{name}"]

    return TransformerConfig(
        vocab_size=value("vocab_size"),
        width=value("embedding_length"),
        blocks=value("block_count"),
        heads=value("attention.head_count"),
        kv_heads=value("attention.head_count_kv"),
        hidden=value("feed_forward_length"),
        context=value("context_length"),
        norm="rms",
        norm_eps=value("attention.layer_norm_rms_epsilon"),
        positions="rotary",
        rotary_base=value("rope.freq_base"),
        feed_forward="swiglu",
        bias=False,
    )


def our_name(name: str) -> str:
    """Translate a weight's name, such as ``blk.3.attn_q.weight``, into our model's."""
    *block, part, weight = name.split(".")
    return ".".join([*(["blocks", block[1]] if block else []), NAMES[part], weight])


def tokenizer_of(metadata: Mapping[str, Any]) -> Tokenizer:
    """Build the tokenizer that a file describes: byte pairs, each digit by itself.

    What it encodes is text and nothing else: a ``<|im_end|>`` that somebody types stays ten
    characters, and only `chat` writes the token of that name.
    """
    tokens, merges = (metadata[f"tokenizer.ggml.{name}"] for name in ("tokens", "merges"))
    vocab = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab, [tuple(pair.split(" ")) for pair in merges]))
    digits = pre_tokenizers.Digits(individual_digits=True)
    words = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, words])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def chat(tokenizer: Tokenizer, *turns: str, system: str = SYSTEM) -> list[int]:
    """Write a conversation as the model was trained to read it, up to where its answer begins.

    Args:
        tokenizer: the model's.
        turns: the user's and the assistant's words in turn, the user's first and last.
        system: what the model is told about its task.
    """
    roles = ["system", *(("user", "assistant")[n % 2] for n in range(len(turns)))]
    past = tokens_of(tokenizer, [*zip(roles, (system, *turns), strict=True)])
    return [*past, START, *tokenizer.encode("assistant\n").ids]


def tokens_of(tokenizer: Tokenizer, turns: Sequence[Turn]) -> list[int]:
    """Write turns in the model's chat template; what they say is text, never a marker."""
    ids = []
    for role, words in turns:
        ids += [START, *tokenizer.encode(f"{role}\n{words}").ids, END]
        ids += tokenizer.encode("\n").ids
    return ids


@torch.inference_mode()
def generate(
    model: TransformerLM,
    prompts: Sequence[Sequence[int]],
    most: int = 100,
    *,
    temperature: float = 0.0,
    top_p: float = 1.0,
    stop: int = 2,
) -> list[list[int]]:
    """Write on after each prompt, one token a step, all prompts in one batch.

    Args:
        model: one of any size, small GPTs included; on any device.
        prompts: token ids; shorter ones are padded on the left.
        most: tokens to write at most.
        temperature: 0 takes the likeliest token, above it one is drawn (notebook 08).
        top_p: draw among the likeliest tokens that together have this share.
        stop: the token that ends a text, ``<|im_end|>`` by default; it isn't in the answer.

    Raises:
        ValueError: no prompts, or an empty one.
    """
    if not prompts or not all(prompts):
        raise ValueError("each prompt needs at least one token, and there must be a prompt")
    weight = model.embedding.weight
    tokens, real = (part.to(weight.device) for part in left_padded(prompts))
    real = None if real.all() else real
    cache = KeyValueCache(model.config, len(prompts), tokens.shape[1] + most, weight)
    written = tokens[:, :0]
    for _ in range(most):
        states = model.states(tokens, cache, real)[:, -1]  # (batch, width)
        tokens = choose(model.logits(states), temperature, top_p)  # (batch, 1)
        written = torch.cat([written, tokens], dim=1)
        if (written == stop).any(1).all():
            break
        real = None if real is None else pad(real, (0, 1), value=True)
    rows = written.tolist()
    return [row[: row.index(stop)] if stop in row else row for row in rows]


def left_padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Give (batch, time) int64, 0 before the shorter rows, and which places are real, bool."""
    longest = max(map(len, rows))
    gaps = torch.tensor([longest - len(row) for row in rows])
    tokens = torch.tensor([[0] * (longest - len(row)) + [*row] for row in rows])
    return tokens, torch.arange(longest) >= gaps[:, None]


def choose(logits: Tensor, temperature: float, top_p: float) -> Tensor:
    """Choose a token for each row, greedily or by chance: (batch, vocab) -> (batch, 1)."""
    if temperature == 0:
        return logits.argmax(1, keepdim=True)
    shares, order = (logits / temperature).softmax(1).sort(dim=1, descending=True)
    shares = shares.masked_fill(shares.cumsum(1) - shares >= top_p, 0.0)
    return order.gather(1, shares.multinomial(1))
