"""Training by one path on CPU, CUDA and Apple MPS. Built in the open in notebook 06."""

from __future__ import annotations

import math
import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn

from . import checkpoints
from .data import Batch, BucketBatches
from .models import judge
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
    kinds = {"cuda": torch.cuda, "mps": torch.backends.mps, "cpu": torch.cpu}
    available = [kind for kind, backend in kinds.items() if backend.is_available()]
    if name is not None and name.split(":")[0] not in available:
        raise ValueError(f"no device {name!r} on this machine; available: {', '.join(available)}")
    return torch.device(name or available[0])


def fit(
    model: nn.Module,
    train: BucketBatches,
    validation: Iterable[Batch] | None = None,
    **options: Any,
) -> History:
    """Train ``model`` in place and return the history of the run.

    Args:
        model: called as ``model(tokens, lengths)``; moved to the device.
        train: the training batches; pass ``n`` over them is epoch ``n``.
        validation: batches judged after every epoch, never trained on.
        options: by name, and with these defaults:

    * ``epochs=5``: passes over the training data.
    * ``lr=2e-3``: step size of AdamW (Loshchilov & Hutter 2019).
    * ``weight_decay=0.0``: AdamW's pull of the weights to zero.
    * ``optimizer=None``: used instead of AdamW; ``lr`` and ``weight_decay`` then don't count.
    * ``decay=False``: let the learning rate fall to zero, linearly, over the run.
    * ``clip_norm=1.0``: longest gradient allowed, over all parameters (Pascanu et al. 2013).
    * ``loss_fn=cross_entropy``: ``loss_fn(logits, labels)`` gives a scalar, a mean over the labels.
    * ``device=None``: by default :func:`best_device`.
    * ``precision="float32"``: or autocast to ``bfloat16`` or ``float16``.
    * ``patience=None``: stop after so many epochs without a lower validation loss.
    * ``keep_best=False``: at the end, put the weights of the best epoch back.
    * ``checkpoint=None``: file to save to after every epoch and at an interrupt.
    * ``resume=False``: go on where the file ``checkpoint`` stopped, if there is one. On a CPU
      the losses are then, to the last digit, those of a run that was never stopped.
    * ``callbacks=()``: each is called with the history after every step (on a GPU after every
      25, when the losses are read) and every epoch; where it has a method ``finish``, that is
      called once, however the run ends.

    Ctrl-C (the kernel's interrupt button) ends training after the step, not the cell: the
    history so far is returned, ``history.stopped`` is ``"interrupted"`` and the model can be
    used. A second Ctrl-C doesn't wait for the end of the step, and leaves the checkpoint file as
    it was.

    Raises:
        DivergedError: the loss is NaN or infinite; the message names the step.
        ValueError: an unknown precision, patience or keep_best without validation batches, or
            a checkpoint of another run: the message says what differs.
    """
    run = Run(model, train, validation, **options)
    with run.ending() as stop_if_asked:
        for epoch in run.epochs_left():
            for batch in run.batches_left(epoch):
                run.step(batch)
                stop_if_asked()
            run.end_epoch(epoch)
            stop_if_asked()
    return run.history


@dataclass
class Run:
    """A run of :func:`fit`, in pieces; what its options mean is said there."""

    model: nn.Module
    train: BucketBatches
    validation: Iterable[Batch] | None = None
    _: KW_ONLY
    epochs: int = 5
    lr: float = 2e-3
    weight_decay: float = 0.0
    optimizer: torch.optim.Optimizer | None = None
    decay: bool = False
    clip_norm: float | None = 1.0
    loss_fn: Loss = nn.functional.cross_entropy
    device: torch.device | str | None = None
    precision: str = "float32"
    patience: int | None = None
    keep_best: bool = False
    checkpoint: str | Path | None = None
    resume: bool = False
    callbacks: Sequence[Callable[[History], None]] = ()

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision {self.precision!r} is none of {', '.join(PRECISIONS)}")
        if (self.patience or self.keep_best) and self.validation is None:
            raise ValueError("patience and keep_best need validation batches")
        if self.resume and self.checkpoint is None:
            raise ValueError("resume needs the checkpoint to go on from")
        self.device = best_device(None if self.device is None else str(self.device))
        self.model.to(self.device)
        wrapped = isinstance(self.model, nn.parallel.DistributedDataParallel)
        self.inner = self.model.module if wrapped else self.model  # what goes into files
        self.parameters = list(self.model.parameters())
        if self.optimizer is None:
            self.optimizer = adamw(self.parameters, self.lr, self.weight_decay)
        total = max(1, self.epochs * len(self.train))
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: max(0.0, 1 - step / total) if self.decay else 1.0
        )
        if not self.decay:  # or the next run would miss a rate that was changed in between
            for group in self.optimizer.param_groups:
                group.pop("initial_lr")
        kind, dtype = self.device.type, PRECISIONS[self.precision]
        self.scaler = torch.amp.GradScaler(kind, enabled=self.precision == "float16")
        self.autocast = torch.autocast(kind, dtype, enabled=dtype is not None)
        self.history = History(settings=self.settings())
        # Reading a loss makes a GPU wait, so there the losses are read in groups.
        self.read_every = 1 if kind == "cpu" else 25
        self.pending: list[tuple[Tensor, int]] = []  # loss, tokens read
        self.best_state: dict[str, Tensor] = {}
        if self.resume and Path(self.checkpoint).exists():
            self.go_on()
        steps, epochs = self.history.steps[-1:], self.history.epochs[-1:]
        self.tokens_read = steps[0].tokens if steps else 0
        self.start = time.perf_counter() - max([r.seconds for r in steps + epochs], default=0)

    def settings(self) -> dict[str, Any]:
        """Give what is worth knowing about a run, and for a checkpoint what must not differ."""
        group = self.optimizer.param_groups[0]
        settings = {
            "epochs": self.epochs,
            "lr": group["lr"],
            "weight_decay": group.get("weight_decay", 0.0),
            "optimizer": type(self.optimizer).__name__,
            "decay": self.decay,
            "clip_norm": self.clip_norm,
            "batch_size": self.train.batch_size,
            "steps_per_epoch": len(self.train),
            "device": self.device.type,
            "precision": self.precision,
        }
        if self.checkpoint:
            settings |= {"data": self.train.fingerprint(), "processes": checkpoints.processes()[1]}
        return settings

    def go_on(self) -> None:
        """Take everything up where the checkpoint left it."""
        content = checkpoints.read_checkpoint(self.checkpoint, self.inner)
        name = Path(self.checkpoint).name
        self.history = checkpoints.history_to_go_on(content, self.history.settings, name)
        self.inner.load_state_dict(content["model"])
        for name in ("optimizer", "scheduler", "scaler"):
            getattr(self, name).load_state_dict(content["run"][name])
        self.best_state = content["run"]["best"]
        checkpoints.set_random_state(content["run"]["random"], self.device)

    def save(self) -> None:
        """Write the checkpoint, if one is wanted; of several processes, the first writes it."""
        if not self.checkpoint:
            return
        parts = ("optimizer", "scheduler", "scaler")
        run = {name: getattr(self, name).state_dict() for name in parts}
        run |= {"best": self.best_state, "random": checkpoints.random_states(self.device)}
        if checkpoints.processes()[0] == 0:
            checkpoints.save_checkpoint(self.checkpoint, self.inner, self.history, **run)

    def epochs_left(self) -> Iterator[int]:
        """Give the numbers of the epochs to come, as long as nothing ends the run."""
        for epoch in range(len(self.history.epochs) + 1, self.epochs + 1):
            if self.history.stopped != "running":
                return
            self.model.train()
            self.train.set_epoch(epoch - 1)  # a new, repeatable shuffle for each epoch
            yield epoch

    def batches_left(self, epoch: int) -> Iterator[Batch]:
        """Give an epoch's batches, without those that a resumed run has had."""
        had = len(self.history.steps) - (epoch - 1) * len(self.train)
        return islice(self.train, had, None)

    def step(self, batch: Batch) -> None:
        """Take one optimizer step: the loop of notebook 06, with precision and schedule."""
        self.tokens_read += int(batch.lengths.sum())
        batch = batch.to(self.device)
        self.optimizer.zero_grad()
        with self.autocast:
            logits = self.model(batch.tokens, batch.lengths)
            loss = self.loss_fn(logits, batch.labels)
        self.scaler.scale(loss).backward()
        if self.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            clip_grad_norm_(self.parameters, self.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.decay:
            self.scheduler.step()
        # Freed here, their memory would go back to the system and be fetched again at every step.
        self.kept = batch, logits, loss
        self.pending.append((loss.detach(), self.tokens_read))
        if len(self.pending) >= self.read_every:
            self.read_losses()
            self.tell()

    def read_losses(self) -> None:
        """Move the losses that wait on the device into the history, and look at them."""
        if not self.pending:
            return
        seconds = time.perf_counter() - self.start
        losses, tokens = zip(*self.pending, strict=True)
        for loss, read in zip(mean_of_processes(torch.stack(losses)), tokens, strict=True):
            step = len(self.history.steps) + 1
            self.history.steps.append(StepRecord(step, loss, seconds, read))
            if not math.isfinite(loss):
                raise _diverged(self.history)
        self.pending.clear()

    def end_epoch(self, epoch: int) -> None:
        """Judge the model, keep the epoch's record and decide whether it was the last."""
        self.read_losses()
        history = self.history
        losses = [record.loss for record in history.steps[-len(self.train) :]]
        judged = ()  # loss, accuracy
        if self.validation is not None:
            if isinstance(self.validation, BucketBatches):
                self.validation.set_epoch(0)  # the same batches every time, and after a stop
            judged = judge(self.model, self.validation, self.loss_fn)
        seconds, mean = time.perf_counter() - self.start, sum(losses) / len(losses)
        history.epochs.append(EpochRecord(epoch, len(history.steps), seconds, mean, *judged))
        if self.keep_best and history.best.epoch == epoch:
            state = self.inner.state_dict()
            self.best_state = {name: tensor.detach().clone() for name, tensor in state.items()}
        if self.patience and epoch - history.best.epoch >= self.patience:
            history.stopped = "early stopping"
        elif epoch == self.epochs:
            history.stopped = "finished"
        self.save()  # after naming the end, so that the file knows it too
        self.tell()

    def tell(self) -> None:
        """Call every callback."""
        for callback in self.callbacks:
            callback(self.history)

    @contextmanager
    def ending(self) -> Iterator[Callable[[], None]]:
        """However the run ends, leave history, file, callbacks and model in order."""
        history = self.history
        try:
            with _interrupts_wait() as stop_if_asked:
                yield stop_if_asked
            if history.stopped == "running":
                history.stopped = "finished"
        except KeyboardInterrupt as stop:
            if checkpoints.processes()[1] > 1:  # torchrun ends the others: the last file stays
                raise
            self.read_losses()
            if history.stopped == "running":
                history.stopped = "interrupted"
                total = self.epochs * len(self.train)
                print(f"Interrupted after step {len(history.steps)} of {total}: history kept.")
            if not isinstance(stop, _AtOnce):  # or half a step would be in the file
                self.save()
        except BaseException as error:
            if history.stopped == "running":
                history.stopped = f"failed: {type(error).__name__}"
            raise
        finally:
            for callback in self.callbacks:
                getattr(callback, "finish", lambda history: None)(history)
        if self.best_state:
            self.inner.load_state_dict(self.best_state)
        self.model.eval()


def adamw(parameters: list[nn.Parameter], lr: float, weight_decay: float) -> torch.optim.AdamW:
    """Make an AdamW that updates all weights at once (fused)."""
    return torch.optim.AdamW(parameters, lr, weight_decay=weight_decay, fused=True)


def clip_grad_norm_(parameters: list[nn.Parameter], longest: float) -> None:
    """Do what PyTorch's ``clip_grad_norm_`` does, but on a CPU without multiplying by 1."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if gradients and gradients[0].device.type == "cpu":
        norms = torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients])
        if torch.linalg.vector_norm(norms) + 1e-6 <= longest:
            return
    nn.utils.clip_grad_norm_(parameters, longest)


def mean_of_processes(losses: Tensor) -> list[float]:
    """Give losses (steps,) as numbers; of several processes, the means over their shares."""
    _, world = checkpoints.processes()
    if world > 1:
        losses = losses.double()
        distributed.all_reduce(losses)
        losses /= world
    return losses.tolist()


class _AtOnce(KeyboardInterrupt):
    """A second Ctrl-C, in the middle of a step."""


@contextmanager
def _interrupts_wait() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C wait until the function given is called; a second Ctrl-C doesn't wait."""
    asked: list[int] = []

    def note(number: int, frame: object) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise _AtOnce

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


def _diverged(history: History) -> DivergedError:
    history.stopped = "diverged"
    last, settings = history.steps[-1], history.settings
    tips = f"a lower learning rate (now {settings['lr']:g})"
    if settings["clip_norm"] is None:
        tips += ", clip_norm=1.0"
    if settings["precision"] == "float16":
        tips += ", precision='bfloat16'"
    epoch = (last.step - 1) // settings["steps_per_epoch"] + 1
    return DivergedError(
        f"the loss is {last.loss} at step {last.step} (epoch {epoch}). Try {tips}; if it happens "
        "at step 1, look for NaN or infinite numbers in the input, the weights or your loss_fn",
        history,
    )
