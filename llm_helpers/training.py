"""Training by one path on CPU, CUDA and Apple MPS. Built in the open in notebook 06."""

from __future__ import annotations

import math
import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .checkpoints import (
    _past_of,
    _random_state,
    _read_checkpoint,
    _set_random_state,
    save_checkpoint,
)
from .data import IGNORE, Batch, BucketBatches
from .models import outputs
from .runs import EpochRecord, History, StepRecord

Loss = Callable[[Tensor, Tensor], Tensor]
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number; ``.history`` holds the run up to there."""

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


def seed_everything(seed: int = 0) -> None:
    """Make a run repeatable: seed Python, NumPy and PyTorch (see also :mod:`.arithmetic`)."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def best_device(name: str | None = None) -> torch.device:
    """Pick CUDA if there is a GPU, else Apple's MPS, else the CPU; or the device named.

    Raises:
        ValueError: the named device is not available here.
    """
    available = ["cpu"]
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if torch.cuda.is_available():
        available.insert(0, "cuda")
    if name is not None and name.split(":")[0] not in available:
        raise ValueError(f"no device {name!r} on this machine; available: {', '.join(available)}")
    return torch.device(name or available[0])


def fit(
    model: nn.Module,
    train: BucketBatches,
    validation: Iterable[Batch] | None = None,
    *,
    epochs: int = 5,
    lr: float = 2e-3,
    weight_decay: float = 0.0,
    optimizer: torch.optim.Optimizer | None = None,
    decay: bool = False,
    clip_norm: float | None = 1.0,
    loss_fn: Loss = nn.functional.cross_entropy,
    device: torch.device | str | None = None,
    precision: str = "float32",
    patience: int | None = None,
    keep_best: bool = False,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    callbacks: Sequence[Callable[[History], None]] = (),
) -> History:
    """Train ``model`` in place and return the history of the run.

    Args:
        model: called as ``model(tokens, lengths)``; moved to the device.
        train: the training batches; pass ``n`` over them is epoch ``n``.
        validation: batches judged after every epoch, never trained on.
        epochs: passes over the training data.
        lr: step size of AdamW (Loshchilov & Hutter 2019).
        weight_decay: AdamW's pull of the weights to zero.
        optimizer: used instead of AdamW; ``lr`` and ``weight_decay`` then don't count.
        decay: let the learning rate fall to zero, linearly, over the run.
        clip_norm: longest gradient allowed, over all parameters (Pascanu et al. 2013).
        loss_fn: ``loss_fn(logits, labels)`` gives a scalar tensor, a mean over the labels.
        device: by default :func:`best_device`.
        precision: ``float32``, or autocast to ``bfloat16`` or ``float16``.
        patience: stop after so many epochs without a lower validation loss.
        keep_best: at the end, put the weights of the best epoch back.
        checkpoint: file to save to after every epoch and at an interrupt.
        resume: go on where the file ``checkpoint`` stopped, if there is one. On a CPU the losses
            are then, to the last digit, those of a run that was never stopped.
        callbacks: each is called with the history after every step and epoch; where it has a
            method ``finish``, that is called once, however the run ends.

    Ctrl-C (the kernel's interrupt button) ends training after the step, not the cell: the
    history so far is returned, ``history.stopped`` is ``"interrupted"`` and the model can be
    used. A second Ctrl-C doesn't wait for the end of the step.

    Raises:
        DivergedError: the loss is NaN or infinite; the message names the step.
        ValueError: an unknown precision, patience or keep_best without validation batches, or
            a checkpoint of another run: the message says what differs.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r} is none of {', '.join(PRECISIONS)}")
    if (patience or keep_best) and validation is None:
        raise ValueError("patience and keep_best need validation batches")
    if resume and checkpoint is None:
        raise ValueError("resume needs the checkpoint to go on from")
    device = best_device(None if device is None else str(device))
    model.to(device)
    if optimizer is None:
        settings: dict[str, Any] = {"lr": lr, "weight_decay": weight_decay}
        try:
            optimizer = torch.optim.AdamW(model.parameters(), fused=True, **settings)
        except RuntimeError:  # torch 2.3 fuses it on CUDA alone
            optimizer = torch.optim.AdamW(model.parameters(), **settings)
    total = epochs * len(train)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: max(0.0, 1 - step / max(1, total)) if decay else 1.0
    )
    scaler = torch.amp.GradScaler(device.type, enabled=precision == "float16")
    autocast = torch.autocast(device.type, PRECISIONS[precision], enabled=precision != "float32")
    group = optimizer.param_groups[0]
    history = History(
        settings={
            "epochs": epochs,
            "lr": group["lr"],
            "weight_decay": group.get("weight_decay", 0.0),
            "optimizer": type(optimizer).__name__,
            "decay": decay,
            "clip_norm": clip_norm,
            "batch_size": train.batch_size,
            "steps_per_epoch": len(train),
            "device": device.type,
            "precision": precision,
        }
    )
    if checkpoint:
        history.settings["data"] = train.fingerprint()
    # Reading a loss makes a GPU wait, so there the losses are read in groups.
    read_every = 1 if device.type == "cpu" else 25
    parameters = list(model.parameters())
    pending: list[tuple[Tensor, int]] = []
    best_state: dict[str, Tensor] = {}
    if resume and Path(checkpoint).exists():
        content = _read_checkpoint(checkpoint, model)
        history = _past_of(content, history.settings, Path(checkpoint).name)
        model.load_state_dict(content["model"])
        optimizer.load_state_dict(content["optimizer"])
        scheduler.load_state_dict(content["run"]["scheduler"])
        scaler.load_state_dict(content["run"]["scaler"])
        best_state = content["run"]["best"]
        _set_random_state(content["run"]["random"], device)
    tokens_read = history.steps[-1].tokens if history.steps else 0
    start = time.perf_counter() - max(
        (r.seconds for r in history.steps[-1:] + history.epochs[-1:]), default=0
    )

    def read_losses() -> None:
        if not pending:
            return
        seconds = time.perf_counter() - start
        for loss, tokens in zip(
            torch.stack([loss for loss, _ in pending]).tolist(),
            [tokens for _, tokens in pending],
            strict=True,
        ):
            history.steps.append(StepRecord(len(history.steps) + 1, loss, seconds, tokens))
            if not math.isfinite(loss):
                raise _diverged(history, len(train))
        pending.clear()

    def save() -> None:
        if checkpoint:
            run = {"scheduler": scheduler.state_dict(), "scaler": scaler.state_dict()}
            run |= {"best": best_state, "random": _random_state(device)}
            save_checkpoint(checkpoint, model, optimizer, history, run)

    try:
        with _interrupts_wait() as stop_if_asked:
            for epoch in range(len(history.epochs) + 1, epochs + 1):
                if history.stopped != "running":
                    break
                model.train()
                train.set_epoch(epoch - 1)
                first = (epoch - 1) * len(train)
                for batch in islice(train, len(history.steps) - first, None):
                    tokens_read += int(batch.lengths.sum())
                    batch = batch.to(device)
                    optimizer.zero_grad(set_to_none=True)
                    with autocast:
                        loss = loss_fn(model(batch.tokens, batch.lengths), batch.labels)
                    scaler.scale(loss).backward()
                    if clip_norm is not None:
                        scaler.unscale_(optimizer)
                        _clip(parameters, clip_norm)
                    scaler.step(optimizer)
                    scaler.update()
                    scheduler.step()
                    pending.append((loss.detach(), tokens_read))
                    if len(pending) >= read_every:
                        read_losses()
                        for callback in callbacks:
                            callback(history)
                    stop_if_asked()
                read_losses()
                losses = [record.loss for record in history.steps[first:]]
                judged = _judge(model, validation, loss_fn)
                seconds = time.perf_counter() - start
                mean = sum(losses) / len(losses)
                history.epochs.append(
                    EpochRecord(epoch, len(history.steps), seconds, mean, *judged)
                )
                if keep_best and history.best.epoch == epoch:
                    best_state = {k: v.detach().clone() for k, v in model.state_dict().items()}
                if patience and epoch - history.best.epoch >= patience:
                    history.stopped = "early stopping"
                elif epoch == epochs:
                    history.stopped = "finished"
                save()  # after naming the end, so that the file knows it too
                for callback in callbacks:
                    callback(history)
                stop_if_asked()
            if history.stopped == "running":
                history.stopped = "finished"
    except KeyboardInterrupt:
        read_losses()
        if history.stopped == "running":
            history.stopped = "interrupted"
            print(f"Interrupted after step {len(history.steps)} of {total}: history kept.")
        save()
    except BaseException as error:
        if history.stopped == "running":
            history.stopped = f"failed: {type(error).__name__}"
        raise
    finally:
        for callback in callbacks:
            getattr(callback, "finish", lambda history: None)(history)
    if best_state:
        model.load_state_dict(best_state)
    model.eval()
    return history


def _clip(parameters: list[nn.Parameter], longest: float) -> None:
    """Do what ``clip_grad_norm_`` does, but on a CPU without multiplying by 1."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if gradients and gradients[0].device.type == "cpu":
        norms = torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients])
        if torch.linalg.vector_norm(norms) + 1e-6 <= longest:
            return
    nn.utils.clip_grad_norm_(parameters, longest)


@contextmanager
def _interrupts_wait() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C wait until the function given is called; a second Ctrl-C doesn't wait."""
    asked: list[int] = []

    def note(number: int, frame: object) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise KeyboardInterrupt

    def stop_if_asked() -> None:
        if asked:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # no signals there
        yield stop_if_asked
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield stop_if_asked
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


def _judge(
    model: nn.Module, validation: Iterable[Batch] | None, loss_fn: Loss
) -> tuple[float, float] | tuple[()]:
    if validation is None:
        return ()
    if isinstance(validation, BucketBatches):
        validation.set_epoch(0)  # the same batches every time, and after a stop
    loss = right = total = 0.0
    for logits, batch in outputs(model, validation):
        counted = int((batch.labels != IGNORE).sum())
        loss += float(loss_fn(logits.float(), batch.labels)) * counted
        right += int((logits.argmax(-1) == batch.labels).sum())
        total += counted
    return loss / total, right / total


def _diverged(history: History, steps_per_epoch: int) -> DivergedError:
    history.stopped = "diverged"
    last, settings = history.steps[-1], history.settings
    tips = f"a lower learning rate (now {settings['lr']:g})"
    if settings["clip_norm"] is None:
        tips += ", clip_norm=1.0"
    if settings["precision"] == "float16":
        tips += ", precision='bfloat16'"
    return DivergedError(
        f"the loss is {last.loss} at step {last.step} (epoch "
        f"{(last.step - 1) // steps_per_epoch + 1}). Try {tips}; if it happens at step 1, look "
        "for NaN or infinite numbers in the input, the weights or your loss_fn",
        history,
    )
