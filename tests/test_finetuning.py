"""LoRA changes nothing at first, merges, and is peft's; the loss counts replies alone."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from llm_helpers import finetuning, training
from llm_helpers.data import IGNORE, BucketBatches
from llm_helpers.finetuning import LoRA, Upper
from llm_helpers.models import judge
from llm_helpers.pretrained import generate
from llm_helpers.transformer import TransformerConfig, TransformerLM

TOKENS = torch.randint(3, 90, (4, 12), generator=torch.Generator().manual_seed(1))
ROWS = [finetuning.reply_only(TOKENS[n, : 5 + n].tolist(), [80 + n, 70 + n, 2]) for n in range(4)]
CONFIG = TransformerConfig(
    90,
    width=32,
    blocks=4,
    heads=4,
    kv_heads=2,
    hidden=64,
    norm="rms",
    positions="rotary",
    feed_forward="swiglu",
    bias=False,
)


@pytest.fixture
def model() -> TransformerLM:
    torch.manual_seed(0)
    model = TransformerLM(CONFIG).eval().requires_grad_(False)
    for weight in model.parameters():
        weight += 0.2 * torch.randn_like(weight)
    return model


def disturb(model: TransformerLM) -> None:
    """Give every B some numbers, as training would."""
    torch.manual_seed(1)
    for layer in model.modules():
        if isinstance(layer, LoRA):
            nn.init.normal_(layer.b, std=0.1)


# ---------------------------------------------------------------- LoRA


def test_at_first_nothing_changes_and_only_thin_matrices_learn(model: TransformerLM) -> None:
    before = model(TOKENS)
    finetuning.add_lora(model, [1, 3], rank=2)
    assert torch.equal(model(TOKENS), before)
    learn = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert learn.keys() == finetuning.adapters(model).keys() and len(learn) == 2 * 7 * 2
    sizes = 2 * (4 * 32 + 2 * (32 + 16) + 3 * (32 + 64))  # rank * (in + out), query and output …
    assert sum(p.numel() for p in learn.values()) == 2 * sizes


def test_the_layer_is_the_formula(model: TransformerLM) -> None:
    layer = LoRA(model.blocks[0].attention.key, rank=3, alpha=6.0)
    nn.init.normal_(layer.b)
    x = torch.randn(5, 32)
    expected = x @ (layer.frozen.weight + 2.0 * layer.b @ layer.a).T
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)


def test_merged_and_switched_off_and_taken_away(model: TransformerLM) -> None:
    untouched = copy.deepcopy(model)
    finetuning.add_lora(model, range(4), ["query", "down"])
    disturb(model)
    tuned = model(TOKENS)
    assert (tuned - untouched(TOKENS)).abs().max() > 0.1
    with finetuning.without_lora(model):
        assert torch.equal(model(TOKENS), untouched(TOKENS))
    assert torch.equal(model(TOKENS), tuned)
    removed = copy.deepcopy(model)
    finetuning.remove_lora(removed, merge=False)
    assert torch.equal(removed(TOKENS), untouched(TOKENS))
    finetuning.remove_lora(model, merge=True)
    torch.testing.assert_close(model(TOKENS), tuned, atol=1e-4, rtol=1e-4)
    assert model.state_dict().keys() == untouched.state_dict().keys()


def test_thin_matrices_are_saved_and_put_back_alone(model: TransformerLM) -> None:
    finetuning.add_lora(model, [2])
    disturb(model)
    kept, tuned = finetuning.adapters(model), model(TOKENS)
    disturb_again = {name: torch.zeros_like(tensor) for name, tensor in kept.items()}
    finetuning.load_adapters(model, disturb_again)
    assert not torch.equal(model(TOKENS), tuned)
    finetuning.load_adapters(model, kept)
    assert torch.equal(model(TOKENS), tuned)
    kept.pop("blocks.2.attention.key.a")
    with pytest.raises(ValueError, match=r"blocks\.2\.attention\.key\.a"):
        finetuning.load_adapters(model, kept)


@pytest.mark.parametrize("name", ["kee", "groups", "query"])
def test_a_matrix_that_is_not_free_is_named(model: TransformerLM, name: str) -> None:
    finetuning.add_lora(model, [0], ["query"])
    with pytest.raises(ValueError, match=f"block 0 has no free matrix '{name}'"):
        finetuning.add_lora(model, [0], [name])


def test_equal_to_peft_on_the_same_matrices(model: TransformerLM) -> None:
    peft = pytest.importorskip("peft")
    theirs = peft.inject_adapter_in_model(
        peft.LoraConfig(r=4, lora_alpha=8, target_modules=["query", "down"]), copy.deepcopy(model)
    )
    finetuning.add_lora(model, range(4), ["query", "down"], rank=4, alpha=8)
    disturb(model)
    state = {
        f"{name[:-2]}.lora_{name[-1].upper()}.default.weight": tensor
        for name, tensor in finetuning.adapters(model).items()
    }
    assert theirs.load_state_dict(state, strict=False).unexpected_keys == []
    for each in (model, theirs):
        finetuning.reply_loss(each(TOKENS)[:, -1], TOKENS[:, :1]).backward()
    assert (model(TOKENS) - theirs(TOKENS)).abs().max() < 1e-5
    gradients = {n: p.grad for n, p in theirs.named_parameters() if p.requires_grad}
    ours = [p.grad for p in model.parameters() if p.requires_grad]
    for a, b in zip(ours, gradients.values(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


# ---------------------------------------------------------------- replies


def test_only_the_reply_is_a_target() -> None:
    tokens, targets = finetuning.reply_only([5, 6, 7], [8, 2], [9], [4, 2])
    assert tokens == [5, 6, 7, 8, 2, 9, 4]
    assert targets == [IGNORE, IGNORE, 8, 2, IGNORE, 4, 2]


def test_the_reply_loss_is_the_mean_over_targets() -> None:
    labels = torch.tensor([[IGNORE, 1, 2], [3, IGNORE, IGNORE]])
    logits = torch.randn(3, 5)
    each = -logits.log_softmax(1)[range(3), [1, 2, 3]]
    torch.testing.assert_close(finetuning.reply_loss(logits, labels), each.mean())


# ---------------------------------------------------------------- the states below, kept


def asked_logits(model: TransformerLM, rows: list[finetuning.Row]) -> Tensor:
    """Whole model, one row at a time, no padding, nothing kept."""
    found = []
    for tokens, targets in rows:
        logits = model(torch.tensor([tokens]))[0]
        found.append(logits[torch.tensor(targets) != IGNORE])
    return torch.cat(found)


@pytest.mark.parametrize("first", [0, 2])
def test_kept_states_change_neither_logits_nor_gradients(model: TransformerLM, first: int) -> None:
    finetuning.add_lora(model, range(first, 4), rank=2)
    disturb(model)
    upper = Upper(model)
    assert upper.first == first
    upper.keep(ROWS[:1])  # a table that already holds something
    (batch,) = upper.keep(ROWS)
    logits, whole = upper(batch.tokens, batch.lengths), asked_logits(model, ROWS)
    torch.testing.assert_close(logits, whole, atol=1e-4, rtol=1e-4)
    learn = [p for p in model.parameters() if p.requires_grad]
    loss = finetuning.reply_loss(logits, batch.labels)
    right = finetuning.reply_loss(whole, torch.cat([torch.tensor(t) for _, t in ROWS]))
    for a, b in zip(
        torch.autograd.grad(loss, learn), torch.autograd.grad(right, learn), strict=True
    ):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-3)


def test_padding_is_never_asked(model: TransformerLM) -> None:
    finetuning.add_lora(model, [3])
    upper = Upper(model)
    (batch,) = upper.keep([([5], [6]), ROWS[3]])  # the very first place has a target
    assert len(upper(batch.tokens)) == 1 + 3


def test_fit_teaches_a_reply_that_generate_writes(model: TransformerLM) -> None:
    finetuning.add_lora(model, [2, 3])
    upper, frozen = Upper(model), model.embedding.weight.clone()
    train = upper.keep(ROWS, 2, shuffle=True)
    assert isinstance(train, BucketBatches) and len(train) == 2
    options = {"epochs": 30, "lr": 2e-2, "device": "cpu", "loss_fn": finetuning.reply_loss}
    history = training.fit(upper, train, upper.keep(ROWS), keep_best=True, **options)
    assert history.epochs[-1].validation_accuracy == 1
    prompts = [TOKENS[n, : 5 + n].tolist() for n in range(4)]
    assert generate(model, prompts, 9) == [[80 + n, 70 + n] for n in range(4)]
    assert torch.equal(model.embedding.weight, frozen)
    loss, right = judge(upper, upper.keep(ROWS), finetuning.reply_loss)
    assert right == 1 and loss < 0.5
    assert upper.state_dict().keys() == finetuning.adapters(model).keys()


def test_a_model_without_lora_has_nothing_to_train(model: TransformerLM) -> None:
    with pytest.raises(ValueError, match="no LoRA"):
        Upper(model)


@pytest.mark.parametrize("positions", ["learned", "rotary", "none"])
def test_upper_reads_what_the_whole_model_reads(positions: str) -> None:
    model = TransformerLM(TransformerConfig(30, width=16, heads=2, blocks=3, positions=positions))
    finetuning.add_lora(model.eval(), [1, 2], ("query", "value"), rank=2)
    tokens, targets = finetuning.reply_only([3, 4, 5], [6, 7, 8])
    upper = Upper(model)
    (batch,) = upper.keep([(tokens, targets)], 1)
    asked = torch.tensor(targets) != IGNORE
    torch.testing.assert_close(upper(batch.tokens), model(torch.tensor([tokens]))[0][asked])


def test_pairs_that_are_there_go_on_learning_when_others_come() -> None:
    model = TransformerLM(TransformerConfig(30, width=16, heads=2, blocks=2))
    for block in range(2):
        finetuning.add_lora(model, [block], ("query",))
    learning = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert [name[:8] for name in learning] == ["blocks.0"] * 2 + ["blocks.1"] * 2
