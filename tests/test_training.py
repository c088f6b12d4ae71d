"""Training: what it learns, how it stops, and what it says."""

from __future__ import annotations

import itertools
import math
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy import STEPS, equal, losses, tiny, train, weights

from llm_helpers.checkpoints import load_checkpoint
from llm_helpers.data import BucketBatches
from llm_helpers.evaluation import evaluate
from llm_helpers.models import TextRNN, predict
from llm_helpers.runs import History
from llm_helpers.training import DivergedError, best_device, clip_grad_norm_, fit, seed_everything

cross_entropy = nn.functional.cross_entropy


# ---------------------------------------------------------------- learning


def test_the_loss_falls_and_new_rows_are_judged_right(
    toy: BucketBatches, toy_validation: BucketBatches
) -> None:
    model = tiny()
    history = train(model, toy, toy_validation, epochs=8)
    assert history.stopped == "finished"
    assert history.steps[0].loss == pytest.approx(math.log(2), abs=0.1)
    assert history.epochs[-1].train_loss < 0.2
    assert history.epochs[-1].validation_accuracy > 0.9
    assert not model.training


def test_the_history_counts_steps_epochs_and_tokens(
    toy: BucketBatches, toy_validation: BucketBatches
) -> None:
    model = tiny()
    history = train(model, toy, toy_validation, epochs=3)
    assert [record.step for record in history.steps] == list(range(1, 3 * STEPS + 1))
    assert [(e.epoch, e.step) for e in history.epochs] == [(1, 6), (2, 12), (3, 18)]
    assert history.steps[-1].tokens == 3 * int(toy.lengths.sum())
    seconds = [record.seconds for record in history.steps]
    assert seconds == sorted(seconds) and seconds[0] > 0
    mean = sum(losses(history)[STEPS : 2 * STEPS]) / STEPS
    assert history.epochs[1].train_loss == pytest.approx(mean)
    scores = evaluate(model, toy_validation)
    assert history.epochs[-1].validation_loss == pytest.approx(scores.loss)
    assert history.epochs[-1].validation_accuracy == pytest.approx(scores.accuracy)


def test_the_same_seed_gives_the_same_losses(toy: BucketBatches) -> None:
    def run(seed: int) -> list[float]:
        seed_everything(seed)
        return losses(train(tiny(dropout=0.3, word_dropout=0.1), toy))

    assert run(3) == run(3) != run(4)


def test_validation_changes_nothing_about_training(
    toy: BucketBatches, toy_validation: BucketBatches
) -> None:
    def run(*validation: BucketBatches) -> list[float]:
        torch.manual_seed(3)
        return losses(train(tiny(dropout=0.3), toy, *validation))

    assert run(toy_validation) == run()


def test_a_model_in_evaluation_mode_is_trained_in_training_mode(
    toy: BucketBatches, toy_validation: BucketBatches
) -> None:
    model = tiny().eval()
    modes: list[bool] = []
    model.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    train(model, toy, toy_validation)
    assert modes == ([True] * STEPS + [False] * len(toy_validation)) * 2


def test_every_epoch_is_dealt_anew(toy: BucketBatches) -> None:
    model = tiny()
    history = train(model, toy, optimizer=torch.optim.SGD(model.parameters(), lr=0.0))
    assert losses(history)[:STEPS] != losses(history)[STEPS:]
    assert history.epochs[0].train_loss == pytest.approx(history.epochs[1].train_loss)


def test_callbacks_see_every_step_and_epoch(toy: BucketBatches) -> None:
    seen: list[tuple[int, int]] = []
    train(tiny(), toy, callbacks=[lambda h: seen.append((len(h.steps), len(h.epochs)))])
    assert seen == [
        *((s, 0) for s in range(1, 7)),
        (6, 1),
        *((s, 1) for s in range(7, 13)),
        (12, 2),
    ]


# ---------------------------------------------------------------- options


@pytest.mark.parametrize("decay", [True, False])
def test_decay_lets_the_learning_rate_fall_to_zero_in_a_line(
    toy: BucketBatches, decay: bool
) -> None:
    model = tiny()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.6)
    rates: list[float] = []

    def note(history: History) -> None:
        if len(rates) < len(history.steps):
            rates.append(optimizer.param_groups[0]["lr"])

    train(model, toy, optimizer=optimizer, decay=decay, callbacks=[note])
    expected = [0.6 * (1 - step / 12) if decay else 0.6 for step in range(1, 13)]
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("clip_norm", [0.01, None])
def test_clipping_bounds_the_step(toy: BucketBatches, clip_norm: float | None) -> None:
    model = tiny()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    places = [nn.utils.parameters_to_vector(model.parameters()).detach()]

    def note(history: History) -> None:
        places.append(nn.utils.parameters_to_vector(model.parameters()).detach())

    train(model, toy, epochs=1, optimizer=optimizer, clip_norm=clip_norm, callbacks=[note])
    lengths = [float((b - a).norm()) for a, b in itertools.pairwise(places[: STEPS + 1])]
    assert (max(lengths) <= 0.0101) == (clip_norm is not None)
    assert min(lengths) > 0.005


def test_weight_decay_pulls_the_weights_to_zero(toy: BucketBatches) -> None:
    def size(weight_decay: float) -> float:
        torch.manual_seed(0)
        model = tiny()
        train(model, toy, weight_decay=weight_decay)
        return float(model.rnn.weight_hh_l0.detach().norm())

    assert size(5.0) < 0.7 * size(0.0)


def test_an_optimizer_of_ones_own_is_used_and_named(toy: BucketBatches) -> None:
    model = tiny()
    before = weights(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, weight_decay=0.25)
    history = train(model, toy, optimizer=optimizer, lr=0.7)
    assert equal(weights(model), before)
    wanted = {"optimizer": "SGD", "lr": 0.0, "weight_decay": 0.25}
    assert {name: history.settings[name] for name in wanted} == wanted


def test_the_settings_are_kept(toy: BucketBatches) -> None:
    settings = train(tiny(), toy, epochs=1, lr=0.01, decay=True, clip_norm=2.0).settings
    assert settings == {
        "epochs": 1,
        "lr": 0.01,
        "weight_decay": 0.0,
        "optimizer": "AdamW",
        "decay": True,
        "clip_norm": 2.0,
        "batch_size": 16,
        "steps_per_epoch": STEPS,
        "device": "cpu",
        "precision": "float32",
    }


def test_a_loss_of_ones_own_is_minimised(toy: BucketBatches) -> None:
    model = tiny()
    history = train(model, toy, loss_fn=lambda logits, labels: (logits - 3).square().mean())
    assert history.epochs[-1].train_loss < history.epochs[0].train_loss
    assert float(predict(model, toy)[0].mean()) > 1


def test_patience_stops_early_and_says_so(toy: BucketBatches, toy_flipped: BucketBatches) -> None:
    history = train(tiny(), toy, toy_flipped, epochs=20, patience=2)
    assert history.stopped == "early stopping"
    assert len(history.epochs) == history.best.epoch + 2 < 20


def test_patience_waits_while_it_gets_better(
    toy: BucketBatches, toy_validation: BucketBatches
) -> None:
    history = train(tiny(), toy, toy_validation, epochs=4, patience=1)
    assert history.stopped == "finished"
    assert len(history.epochs) == 4


@pytest.mark.parametrize("keep_best", [True, False])
def test_keep_best_brings_the_best_weights_back(
    toy: BucketBatches, toy_flipped: BucketBatches, keep_best: bool
) -> None:
    model = tiny()
    history = train(model, toy, toy_flipped, epochs=6, keep_best=keep_best)
    best, last = history.best.validation_loss, history.epochs[-1].validation_loss
    assert last > 1.5 * best
    assert evaluate(model, toy_flipped).loss == pytest.approx(best if keep_best else last)


@pytest.mark.parametrize("options", [{"patience": 2}, {"keep_best": True}], ids=str)
def test_without_validation_no_epoch_is_best(toy: BucketBatches, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="patience and keep_best need validation"):
        train(tiny(), toy, **options)


@pytest.mark.parametrize("decay", [True, False])
def test_no_epochs_leave_the_model_alone(toy: BucketBatches, decay: bool) -> None:
    model = tiny()
    before = weights(model)
    history = train(model, toy, epochs=0, decay=decay)
    assert (history.stopped, history.steps, history.epochs) == ("finished", [], [])
    assert equal(weights(model), before)


# ---------------------------------------------------------------- precision


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_autocast_really_computes_in_the_precision_asked_for(
    toy: BucketBatches, precision: str
) -> None:
    model = tiny()
    seen: set[torch.dtype] = set()

    def note(module: nn.Module, _: Any, output: Tensor) -> None:
        if module.training:
            seen.add(output.dtype)

    model.fc.register_forward_hook(note)
    history = train(model, toy, epochs=6, precision=precision)
    assert seen == {getattr(torch, precision)}
    assert history.settings["precision"] == precision
    assert history.epochs[-1].train_loss < 0.5 * history.epochs[0].train_loss
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_an_unknown_precision_is_answered_with_the_known_ones(toy: BucketBatches) -> None:
    with pytest.raises(ValueError, match=r"'fp8' is none of float32, bfloat16, float16"):
        train(tiny(), toy, precision="fp8")


# ---------------------------------------------------------------- divergence


def broken_at(call: int, value: float) -> Callable[[Tensor, Tensor], Tensor]:
    calls = iter(range(1, 1000))

    def loss_fn(logits: Tensor, labels: Tensor) -> Tensor:
        loss = cross_entropy(logits, labels)
        return loss * value if next(calls) == call else loss

    return loss_fn


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_run_and_names_the_step(
    toy: BucketBatches, value: float
) -> None:
    with pytest.raises(DivergedError) as caught:
        train(tiny(), toy, loss_fn=broken_at(8, value))
    message, history = str(caught.value), caught.value.history
    assert f"the loss is {value} at step 8 (epoch 2)" in message
    assert "a lower learning rate (now 0.02)" in message
    assert "clip_norm" not in message and "bfloat16" not in message
    assert history.stopped == "diverged"
    assert [record.step for record in history.steps] == list(range(1, 9))
    assert all(map(math.isfinite, losses(history)[:7]))
    assert len(history.epochs) == 1


def test_the_tips_are_those_that_are_left_to_try(toy: BucketBatches) -> None:
    with pytest.raises(DivergedError) as caught:
        train(tiny(), toy, loss_fn=broken_at(2, math.nan), clip_norm=None, precision="float16")
    assert "clip_norm=1.0" in str(caught.value)
    assert "precision='bfloat16'" in str(caught.value)


def test_a_last_step_of_an_epoch_belongs_to_that_epoch(toy: BucketBatches) -> None:
    with pytest.raises(DivergedError, match=r"at step 6 \(epoch 1\)"):
        train(tiny(), toy, loss_fn=broken_at(STEPS, math.nan))


def test_a_learning_rate_far_too_high_diverges(toy: BucketBatches) -> None:
    model = tiny()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e38)
    with pytest.raises(DivergedError, match=r"now 1e\+38") as caught:
        train(model, toy, optimizer=optimizer, clip_norm=None)
    assert 1 < len(caught.value.history.steps) <= STEPS


def test_nan_in_the_first_step_points_to_input_and_weights(toy: BucketBatches) -> None:
    model = tiny()
    nn.init.constant_(model.fc.weight, math.nan)
    with pytest.raises(DivergedError) as caught:
        train(model, toy)
    assert "at step 1 (epoch 1)" in str(caught.value)
    assert "the input, the weights or your loss_fn" in str(caught.value)


@pytest.mark.parametrize("norm", [0.3, 0.999, 0.9999995, 1.0, 1.0000005, 1.7, 40.0, math.nan])
def test_clipping_is_pytorchs_to_the_last_digit(norm: float) -> None:
    torch.manual_seed(0)
    gradients = [torch.randn(3, 4), torch.randn(5)]
    length = torch.cat([g.flatten() for g in gradients]).norm()
    clipped: list[list[Tensor]] = []
    for clip in (clip_grad_norm_, nn.utils.clip_grad_norm_):
        parameters = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient * (norm / length)
        clip([*parameters, nn.Parameter(torch.zeros(1))], 1.0)  # the last has no gradient
        clipped.append([parameter.grad for parameter in parameters])
    for ours, theirs in zip(*clipped, strict=True):
        assert torch.equal(ours.nan_to_num(9), theirs.nan_to_num(9))


# ---------------------------------------------------------------- interrupts


def test_a_second_interrupt_leaves_the_checkpoint_as_it_was(
    toy: BucketBatches, tmp_path: Path
) -> None:
    """It comes in the middle of a step, after the units to drop out were drawn."""

    class Impatient(TextRNN):
        calls = 0

        def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
            logits = super().forward(tokens, lengths)
            self.calls += self.training
            if self.calls == STEPS + 3:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            return logits

    def run(kind: type[TextRNN], epochs: int, path: Path) -> History:
        seed_everything(0)
        model = kind(20, 2, embed_dim=8, hidden_dim=8, dropout=0.3)
        return train(model, toy, epochs=epochs, checkpoint=path, resume=True)

    whole = run(TextRNN, 3, tmp_path / "whole.pt")
    stopped = run(Impatient, 3, tmp_path / "run.pt")
    assert (stopped.stopped, len(stopped.steps)) == ("interrupted", STEPS + 2)
    assert losses(run(TextRNN, 3, tmp_path / "run.pt")) == losses(whole)


@pytest.mark.parametrize("decay", [False, True])
def test_a_rate_changed_between_two_runs_counts(toy: BucketBatches, decay: bool) -> None:
    model = tiny()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    train(model, toy, epochs=1, optimizer=optimizer)
    optimizer.param_groups[0]["lr"] = 0.001
    history = train(model, toy, epochs=1, optimizer=optimizer, decay=decay)
    assert history.settings["lr"] == 0.001


def test_rows_of_probabilities_are_judged(toy: BucketBatches) -> None:
    soft = nn.functional.one_hot(toy.labels, 2) * 0.8 + 0.1  # (rows, 2)
    rows = [row[:n].tolist() for row, n in zip(toy.tokens, toy.lengths, strict=True)]
    batches = BucketBatches(rows, soft.tolist(), 16)
    history = train(tiny(), batches, batches, epochs=12)
    assert history.epochs[-1].validation_accuracy > 0.9
    assert history.epochs[-1].validation_loss > 0.325  # the labels' own entropy


def test_a_validation_part_that_has_been_read_is_an_error(toy: BucketBatches) -> None:
    with pytest.raises(ValueError, match="no targets to judge by"):
        train(tiny(), toy, iter(list(toy)))


class Interrupted(TextRNN):
    """A model in whose forward pass Ctrl-C is pressed, at a call and in a mode."""

    call = 0
    training_mode = True

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if self.training is self.training_mode:
            self.call -= 1
            if self.call == 0:
                raise KeyboardInterrupt
        return super().forward(tokens, lengths)


def assert_usable(model: nn.Module, batches: BucketBatches) -> None:
    assert not model.training
    assert predict(model, batches)[0].isfinite().all()
    assert train(model, batches, epochs=1).stopped == "finished"


def test_an_interrupt_between_steps_keeps_history_model_and_checkpoint(
    toy: BucketBatches, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(history: History) -> None:
        if len(history.steps) == 4:
            raise KeyboardInterrupt

    model, path = tiny(), tmp_path / "run.pt"
    history = train(model, toy, checkpoint=path, callbacks=[interrupt])
    assert history.stopped == "interrupted"
    assert len(history.steps) == 4 and history.epochs == []
    assert "Interrupted after step 4 of 12" in capsys.readouterr().out
    other = tiny()
    assert load_checkpoint(path, other) == history
    assert equal(weights(other), weights(model))
    assert_usable(model, toy)


@pytest.mark.parametrize(("call", "steps", "epochs"), [(1, 0, 0), (9, 8, 1)])
def test_an_interrupt_inside_the_model_keeps_the_steps_before(
    toy: BucketBatches, tmp_path: Path, call: int, steps: int, epochs: int
) -> None:
    model = Interrupted(20, 2, embed_dim=8, hidden_dim=8)
    model.call = call
    history = train(model, toy, checkpoint=tmp_path / "run.pt")
    assert (history.stopped, len(history.steps)) == ("interrupted", steps)
    assert len(history.epochs) == epochs
    assert load_checkpoint(tmp_path / "run.pt", model) == history
    assert_usable(model, toy)


def test_an_interrupt_while_judging_keeps_the_epochs_steps(
    toy: BucketBatches, toy_validation: BucketBatches
) -> None:
    model = Interrupted(20, 2, embed_dim=8, hidden_dim=8)
    model.training_mode, model.call = False, len(toy_validation) + 1
    history = train(model, toy, toy_validation, epochs=4)
    assert history.stopped == "interrupted"
    assert (len(history.steps), len(history.epochs)) == (2 * STEPS, 1)
    assert_usable(model, toy)


def test_an_interrupted_run_keeps_the_best_weights_when_told_to(
    toy: BucketBatches, toy_flipped: BucketBatches
) -> None:
    def interrupt(history: History) -> None:
        if len(history.epochs) == 5:
            raise KeyboardInterrupt

    model = tiny()
    history = train(model, toy, toy_flipped, epochs=9, keep_best=True, callbacks=[interrupt])
    assert history.stopped == "interrupted"
    assert history.epochs[-1].validation_loss > 1.2 * history.best.validation_loss
    assert evaluate(model, toy_flipped).loss == pytest.approx(history.best.validation_loss)


# ---------------------------------------------------------------- seeds and devices


def test_a_seed_repeats_python_numpy_and_torch() -> None:
    def draw(seed: int) -> tuple[float, float, float]:
        seed_everything(seed)
        return random.random(), float(np.random.rand()), float(torch.rand(()))

    first, again, other = draw(5), draw(5), draw(6)
    assert first == again
    assert all(a != b for a, b in zip(first, other, strict=True))


@pytest.fixture
def has(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def pretend(*, cuda: bool, mps: bool) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "best"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_best_device_is_a_gpu_where_there_is_one(
    has: Callable[..., None], cuda: bool, mps: bool, best: str
) -> None:
    has(cuda=cuda, mps=mps)
    assert best_device() == torch.device(best)
    assert best_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps", "tpu"])
def test_a_device_that_is_not_here_is_answered_with_those_that_are(
    has: Callable[..., None], toy: BucketBatches, name: str
) -> None:
    has(cuda=False, mps=False)
    message = f"no device '{name}' on this machine; available: cpu"
    with pytest.raises(ValueError, match=message):
        best_device(name)
    with pytest.raises(ValueError, match=message):
        train(tiny(), toy, device=name)


@pytest.mark.parametrize(("cuda", "best"), [(True, "cuda"), (False, "cpu")])
def test_a_run_takes_the_best_device_by_default(
    has: Callable[..., None], toy: BucketBatches, cuda: bool, best: str
) -> None:
    def stop(device: torch.device) -> None:
        raise RuntimeError(f"moved to {device}")

    has(cuda=cuda, mps=False)
    model = tiny()
    model.to = stop
    with pytest.raises(RuntimeError, match=f"moved to {best}"):
        fit(model, toy)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_gpu_learns_the_same(
    toy: BucketBatches, toy_validation: BucketBatches, tmp_path: Path, precision: str
) -> None:
    def run(device: str) -> tuple[TextRNN, History]:
        torch.manual_seed(0)
        model = tiny(pooling="meanmax")
        options = {"epochs": 8, "precision": precision, "checkpoint": tmp_path / "run.pt"}
        return model, train(model, toy, toy_validation, device=device, **options)

    _, on_cpu = run("cpu")
    model, on_gpu = run("cuda")
    assert next(model.parameters()).device.type == on_gpu.settings["device"] == "cuda"
    assert [record.step for record in on_gpu.steps] == list(range(1, 8 * STEPS + 1))
    assert all(map(math.isfinite, losses(on_gpu)))
    assert losses(on_gpu)[0] == pytest.approx(losses(on_cpu)[0], abs=0.02)
    assert on_gpu.epochs[-1].train_loss < 0.5 * on_gpu.epochs[0].train_loss
    assert on_gpu.epochs[-1].validation_accuracy > 0.85
    other = tiny(pooling="meanmax")
    assert load_checkpoint(tmp_path / "run.pt", other).steps == on_gpu.steps
    assert predict(other, toy)[0].shape == predict(model, toy)[0].shape


@pytest.mark.gpu
def test_a_gpu_names_the_step_of_a_divergence(toy: BucketBatches) -> None:
    with pytest.raises(DivergedError, match=r"at step 8 \(epoch 2\)") as caught:
        train(tiny(), toy, device="cuda", loss_fn=broken_at(8, math.nan))
    assert len(caught.value.history.steps) == 8


@pytest.mark.gpu
def test_a_gpu_loses_no_step_at_an_interrupt(toy: BucketBatches) -> None:
    model = Interrupted(20, 2, embed_dim=8, hidden_dim=8)
    model.call = 5
    history = train(model, toy, device="cuda")
    assert (history.stopped, len(history.steps)) == ("interrupted", 4)
    assert predict(model, toy)[0].isfinite().all()
