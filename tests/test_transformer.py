"""The transformer equals its formulas written out by hand, and each of its lines counts."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor

from llm_helpers import transformer
from llm_helpers.transformer import Attention, KeyValueCache, TransformerConfig, TransformerLM

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"

SMALL = TransformerConfig(13, width=16, blocks=2, heads=4, context=12)
LLAMA = TransformerConfig(
    13,
    width=16,
    blocks=2,
    heads=4,
    kv_heads=2,
    hidden=24,
    norm="rms",
    positions="rotary",
    rotary_base=100.0,
    feed_forward="swiglu",
    bias=False,
)
PLAIN = TransformerConfig(13, width=16, blocks=2, heads=4, positions="none")
CONFIGS = {"small GPT": SMALL, "Llama": LLAMA, "no positions": PLAIN}


def model_of(config: TransformerConfig, room: ModuleType = transformer) -> TransformerLM:
    """A model in float64 whose weights are large enough for every part to count."""
    torch.manual_seed(0)
    model = room.TransformerLM(config).double().eval()
    for weight in model.parameters():
        weight.data += 0.3 * torch.randn_like(weight)
    return model


TOKENS = torch.randint(13, (3, 9), generator=torch.Generator().manual_seed(1))


def norm_by_hand(x: Tensor, weights: dict[str, Tensor], name: str, config: object) -> Tensor:
    if config.norm == "rms":
        return weights[f"{name}.weight"] * x / (x.pow(2).mean() + config.norm_eps).sqrt()
    spread = ((x - x.mean()).pow(2).mean() + config.norm_eps).sqrt()
    return weights[f"{name}.weight"] * (x - x.mean()) / spread + weights[f"{name}.bias"]


def turned(x: Tensor, position: int, config: TransformerConfig) -> Tensor:
    """Multiply pairs, as complex numbers, by e to the power of i times their angle."""
    if config.positions != "rotary":
        return x
    pairs = [complex(a, b) for a, b in x.view(-1, 2).tolist()]
    size = len(x)
    powers = [config.rotary_base ** (-2 * i / size) for i in range(len(pairs))]
    turned = [
        z * complex(math.cos(position * p), math.sin(position * p))
        for z, p in zip(pairs, powers, strict=True)
    ]
    return torch.tensor([(z.real, z.imag) for z in turned], dtype=x.dtype).flatten()


def one_row_by_hand(model: TransformerLM, tokens: list[int]) -> Tensor:
    """Logits (time, vocab) of one text, place by place and head by head."""
    w, config = model.state_dict(), model.config
    size, share = config.width // config.heads, config.heads // config.kv_heads

    def layer(name: str, x: Tensor) -> Tensor:
        return w[f"{name}.weight"] @ x + w.get(f"{name}.bias", 0.0)

    xs = [w["embedding.weight"][token] for token in tokens]
    if config.positions == "learned":
        xs = [x + w["position.weight"][t] for t, x in enumerate(xs)]
    for number in range(config.blocks):
        name = f"blocks.{number}"
        read = [norm_by_hand(x, w, f"{name}.attention_norm", config) for x in xs]
        q, k, v = (
            [layer(f"{name}.attention.{kind}", x).view(-1, size) for x in read]
            for kind in ("query", "key", "value")
        )  # lists over time of (heads, size)
        mixed = []
        for t in range(len(tokens)):
            heads = []
            for head in range(config.heads):
                asked = turned(q[t][head], t, config)
                scores = torch.stack(
                    [asked @ turned(k[s][head // share], s, config) for s in range(t + 1)]
                )
                weights = (scores / math.sqrt(size)).exp()
                weights = weights / weights.sum()
                heads.append(sum(weights[s] * v[s][head // share] for s in range(t + 1)))
            mixed.append(layer(f"{name}.attention.output", torch.cat(heads)))
        xs = [x + m for x, m in zip(xs, mixed, strict=True)]
        read = [norm_by_hand(x, w, f"{name}.feed_forward_norm", config) for x in xs]
        for t, x in enumerate(read):
            up = layer(f"{name}.feed_forward.up", x)
            if config.feed_forward == "swiglu":
                gate = layer(f"{name}.feed_forward.gate", x)
                up = gate / (1 + (-gate).exp()) * up
            else:
                up = up * (1 + torch.erf(up / math.sqrt(2))) / 2
            xs[t] = xs[t] + layer(f"{name}.feed_forward.down", up)
    final = torch.stack([norm_by_hand(x, w, "norm", config) for x in xs])
    return final @ w["embedding.weight"].T


@torch.no_grad()
def error(config: TransformerConfig, room: ModuleType = transformer) -> float:
    model = model_of(config, room)
    by_hand = torch.stack([one_row_by_hand(model, row) for row in TOKENS.tolist()])
    return float((model(TOKENS) - by_hand).abs().max() / by_hand.abs().max())


@pytest.mark.parametrize("name", CONFIGS)
def test_equal_to_the_formulas_by_hand(name: str) -> None:
    assert error(CONFIGS[name]) < 1e-6  # angles are computed in float32


CHANGES = {
    "rotation: the other way round": ("a * cos - b * sin, a * sin", "a * cos + b * sin, b * sin"),
    "rotation: halves instead of neighbors": ("x[..., 0::2], x[..., 1::2]", "*x.chunk(2, -1)"),
    "rotation: the keys stay": ("[rotate(q, by), rotate(k, by), v]", "[rotate(q, by), k, v]"),
    "rotation: another base": ("base ** (-torch", "2 * base ** (-torch"),
    "mask: none": ("causal = q.shape, places.mask is None", "causal = q.shape, False"),
    "scale: none": ("places.mask, is_causal=causal)", "places.mask, is_causal=causal, scale=1.0)"),
    "norm: left out before attention": (
        "self.attention(self.attention_norm(x)",
        "self.attention((x)",
    ),
    "norm: left out before the rest": (
        "feed_forward(self.feed_forward_norm(x))",
        "feed_forward(x)",
    ),
    "norm: left out at the end": ("return self.norm(x)", "return x"),
    "norm: after the branch": (
        "self.dropout(self.attention(self.attention_norm(x), places))",
        "self.dropout(self.attention_norm(self.attention(x, places)))",
    ),
    "gate: left out": ("silu(self.gate(x)) * self.up(x)", "silu(self.up(x))"),
    "gate: on the wrong side": (
        "silu(self.gate(x)) * self.up(x)",
        "self.gate(x) * silu(self.up(x))",
    ),
    "head groups: in turns": (
        "k, v = (y.repeat_interleave(self.groups, dim=1)",
        "k, v = (y.repeat(1, self.groups, 1, 1)",
    ),
    "heads: cut along the wrong axis": (
        ".transpose(1, 2).flatten(2))",
        ".flatten(1).view(batch, time, -1))",
    ),
    "residual: attention not added": ("x = x + self.dropout(self.att", "x = self.dropout(self.att"),
    "residual: the rest not added": (
        "return x + self.dropout(self.f",
        "return self.dropout(self.f",
    ),
    "bend: none": ("self.down(gelu(self.up(x)))", "self.down(self.up(x))"),
    "positions: none": ("x = x + self.position(positions)", "pass"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_line_breaks_the_equality(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = CHANGES[change]
    source = Path(transformer.__file__).read_text(encoding="utf-8")
    assert source.count(old) == 1
    path = tmp_path / "changed.py"
    path.write_text(source.replace(old, new), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("changed", path)
    changed = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "changed", changed)
    spec.loader.exec_module(changed)
    only_llama = change.startswith(("rotation", "gate", "head groups"))
    assert error(LLAMA if only_llama else SMALL, changed) > 1e-3


@pytest.mark.parametrize("name", CONFIGS)
def test_no_place_sees_what_comes_after_it(name: str) -> None:
    model, other = model_of(CONFIGS[name]), TOKENS.clone()
    other[:, 5] = (other[:, 5] + 1) % 13
    moved = (model(TOKENS) - model(other)).abs().amax((0, 2))
    assert (moved[:5] == 0).all() and (moved[5:] > 0).all()


@torch.no_grad()
@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("steps", [[1] * 9, [4, 1, 1, 3], [9]])
def test_a_cache_changes_no_logit(name: str, steps: list[int]) -> None:
    model = model_of(CONFIGS[name])
    cache = KeyValueCache(model.config, 3, 9, model.embedding.weight)
    parts = [model(tokens, cache=cache) for tokens in TOKENS.split(steps, dim=1)]
    torch.testing.assert_close(torch.cat(parts, 1), model(TOKENS), rtol=1e-6, atol=1e-6)
    assert cache.length == 9
    with pytest.raises(ValueError, match="room for 9 tokens, not for 10"):
        model(TOKENS[:, :1], cache=cache)


@torch.no_grad()
@pytest.mark.parametrize("name", CONFIGS)
def test_padding_on_the_left_changes_no_logit(name: str) -> None:
    model, lengths = model_of(CONFIGS[name]), [9, 6, 2]
    rows = [row[:length] for row, length in zip(TOKENS, lengths, strict=True)]
    padded = torch.stack([torch.cat([row.new_zeros(9 - len(row)), row]) for row in rows])
    real = torch.arange(9) >= 9 - torch.tensor(lengths)[:, None]
    cache = KeyValueCache(model.config, 3, 9, model.embedding.weight)
    by_steps = [model(padded[:, :4], cache=cache, real=real[:, :4])]
    by_steps += [
        model(padded[:, t : t + 1], cache=cache, real=real[:, : t + 1]) for t in range(4, 9)
    ]
    for logits in (model(padded, real=real), torch.cat(by_steps, 1)):
        assert logits.isfinite().all()
        for row, answer in zip(rows, logits, strict=True):
            alone = model(row[None])[0]
            torch.testing.assert_close(answer[9 - len(row) :], alone, rtol=1e-6, atol=1e-6)


@torch.no_grad()
def test_groups_are_heads_whose_keys_and_values_are_equal() -> None:
    grouped = Attention(TransformerConfig(13, width=16, heads=4, kv_heads=2))
    full = Attention(TransformerConfig(13, width=16, heads=4))
    full.load_state_dict(
        {
            name: weight.unflatten(0, (2, 4)).repeat_interleave(2, 0).flatten(0, 1)
            if name.startswith(("key", "value"))
            else weight
            for name, weight in grouped.state_dict().items()
        }
    )
    x = torch.randn(2, 5, 16)
    torch.testing.assert_close(grouped(x), full(x))
    torch.testing.assert_close(grouped.weights(x), full.weights(x))


@torch.no_grad()
def test_drawn_weights_are_those_used() -> None:
    attention = Attention(TransformerConfig(13, width=16, heads=4))
    x = torch.randn(2, 5, 16)
    values = attention.project(x)[2]
    mixed = (attention.weights(x) @ values).transpose(1, 2).flatten(2)
    torch.testing.assert_close(attention.output(mixed), attention(x))


def test_gradient_by_central_differences() -> None:
    attention = Attention(TransformerConfig(13, width=4, heads=2, kv_heads=1)).double()
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(attention, x)


def test_what_doesnt_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="5 heads, 5 kv_heads, width 16"):
        TransformerConfig(13, width=16, heads=5)
    with pytest.raises(ValueError, match="4 heads, 3 kv_heads"):
        TransformerConfig(13, width=16, heads=4, kv_heads=3)
    with pytest.raises(ValueError, match="positions='sinus' is none of none, learned, rotary"):
        TransformerConfig(13, positions="sinus")
    with pytest.raises(ValueError, match="positions='swiglu' is none of none, learned, rotary"):
        TransformerConfig(13, positions="swiglu")
    model = TransformerLM(TransformerConfig(13, width=8, heads=2, context=4))
    with pytest.raises(ValueError, match="5 tokens, but this model counts 4 places"):
        model(torch.ones(1, 5, dtype=torch.int64))
