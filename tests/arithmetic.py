"""The fingerprint of a machine's arithmetic: does it add as the one that stored the notebooks?

Trained numbers depend on the last digit of every operation before them, and that depends on the
processor, the libraries and the device. So each kind of operation that the notebooks use is run
once, forward and backward, at sizes like theirs, and its result hashed, bit by bit. Equal hashes:
the stored outputs can be compared. A different one: they can't, and this names the operation.

``python tests/arithmetic.py`` prints the verdict, ``--store`` makes today's the stored one.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, scaled_dot_product_attention

from llm_helpers import data, models, training

STORED = Path(__file__).with_name("arithmetic.json")


def bits(tensors: Iterable[Tensor]) -> str:
    """Hash the bits of some tensors: equal only where every last digit is."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def forward_and_backward(module: nn.Module, *inputs: Tensor) -> list[Tensor]:
    """Give a module's output and the gradients of its parameters."""
    output = module(*inputs)
    output = output[0] if isinstance(output, tuple) else output
    output.square().mean().backward()
    return [output, *(p.grad for p in module.parameters() if p.grad is not None)]


def recurrent(kind: type[nn.RNNBase]) -> Callable[[], list[Tensor]]:
    """Run a recurrent layer over a batch as long as a sentence, in both precisions."""

    def run() -> list[Tensor]:
        found = []
        for batch, time, embed, hidden in ((64, 25, 64, 96), (1, 40, 32, 64), (32, 60, 96, 96)):
            layer = kind(embed, hidden, batch_first=True)
            found += forward_and_backward(layer, torch.randn(batch, time, embed))
        layer = kind(8, 12, batch_first=True).double()
        return found + forward_and_backward(layer, torch.randn(4, 9, 8, dtype=torch.float64))

    return run


def linear() -> list[Tensor]:
    """Run linear layers from two inputs to a whole vocab."""
    found = []
    for rows, inputs, outputs in ((64, 2, 3), (256, 96, 6), (400, 96, 3706), (24, 576, 1536)):
        found += forward_and_backward(nn.Linear(inputs, outputs), torch.randn(rows, inputs))
    return found


def attention() -> list[Tensor]:
    """Run causal attention by hand and in PyTorch's own function."""
    found = []
    for batch, heads, time, size in ((16, 4, 48, 24), (1, 9, 96, 64)):
        q, k, v = torch.randn(3, batch, heads, time, size).requires_grad_().unbind(0)
        found.append(scaled_dot_product_attention(q, k, v, is_causal=True))
        found.append((q @ k.transpose(-1, -2) / size**0.5).softmax(-1) @ v)
    return found


def softmax() -> list[Tensor]:
    """Run softmax, cross-entropy, the activations and plain sums."""
    logits = torch.randn(300, 3706, requires_grad=True)
    loss = cross_entropy(logits, torch.arange(300))
    loss.backward()
    x = torch.randn(1000, 96)
    curves = [x.tanh(), x.sigmoid(), x.exp(), nn.functional.gelu(x), nn.functional.silu(x)]
    layer = nn.LayerNorm(96)
    return [loss, logits.grad, *curves, x.sum(), x.mean(0), x.var(1), layer(x), x.norm()]


def adamw() -> list[Tensor]:
    """Take ten steps of AdamW, Adam and SGD."""
    found = []
    for kind in (torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD):
        weight = nn.Parameter(torch.randn(96, 300))
        optimizer = kind([weight], lr=0.01, weight_decay=0.1)
        for _ in range(10):
            optimizer.zero_grad()
            weight.sin().square().sum().backward()
            optimizer.step()
        found.append(weight)
    return found


def training_run() -> list[Tensor]:
    """Train a small classifier by ``fit`` on the device that the notebooks would take."""
    draw = torch.Generator().manual_seed(1)
    sequences = [
        torch.randint(2, 200, (int(n),), generator=draw).tolist()
        for n in torch.randint(3, 40, (256,), generator=draw)
    ]
    batches = data.BucketBatches(sequences, [max(s) % 2 for s in sequences], 64, shuffle=True)
    model = models.TextRNN(200, 2, cell="gru", pooling="max", dropout=0.3)
    history = training.fit(model, batches, epochs=2)
    losses = torch.tensor([record.loss for record in history.steps], dtype=torch.float64)
    return [losses, *model.parameters()]


OPERATIONS: dict[str, Callable[[], list[Tensor]]] = {
    "RNN": recurrent(nn.RNN),
    "GRU": recurrent(nn.GRU),
    "LSTM": recurrent(nn.LSTM),
    "linear layer": linear,
    "attention": attention,
    "softmax": softmax,
    "AdamW": adamw,
    "a small training run": training_run,
}


def fingerprint() -> dict[str, str]:
    """Hash every operation on this machine."""
    found = {}
    for name, operation in OPERATIONS.items():
        training.seed_everything(0)
        found[name] = bits(operation())
    return found


def verdict(here: dict[str, str], stored: dict[str, str]) -> tuple[bool, str]:
    """Say whether outputs can be compared, and why, in one line."""
    if here == stored:
        return True, (
            "arithmetic: as stored, to the last bit, so every output of the notebooks is compared"
        )
    differ = [name for name in here.keys() | stored.keys() if here.get(name) != stored.get(name)]
    names = ", ".join(sorted(differ, key=[*here, *stored].index))
    return False, (
        f"arithmetic: not as stored ({names}): every cell and every assertion runs, but only text "
        "from before a notebook's first training is compared with what is stored"
    )


def switchable() -> bool:
    """Say whether this processor's arithmetic can be chosen at all (x86-64 with AVX2)."""
    return "AVX2" in torch.backends.cpu.get_cpu_capability() and torch.backends.mkl.is_available()


def main() -> int:
    """Print the verdict; exit 1 where this machine's arithmetic isn't the stored one."""
    here = fingerprint()
    if "--store" in sys.argv:
        STORED.write_text(json.dumps(here, indent=1) + "\n", encoding="utf-8")
    same, line = verdict(here, json.loads(STORED.read_text(encoding="utf-8")))
    print(line)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
