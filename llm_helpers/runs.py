"""What happened in a training run, and how it is kept on disk. Built in notebook 06."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from .files import write_atomically


class StepRecord(NamedTuple):
    """One optimizer step."""

    step: int  # from 1, over the whole run
    loss: float  # of this batch, before the step
    seconds: float  # since the start of the run
    tokens: int  # real tokens read so far


class EpochRecord(NamedTuple):
    """One pass over the training data."""

    epoch: int  # from 1
    step: int  # steps taken so far
    seconds: float
    train_loss: float  # mean over the epoch's batches, dropout on
    validation_loss: float | None = None
    validation_accuracy: float | None = None


@dataclass
class History:
    """What happened in a run of :func:`fit`."""

    settings: dict[str, Any] = field(default_factory=dict)
    steps: list[StepRecord] = field(default_factory=list)
    epochs: list[EpochRecord] = field(default_factory=list)
    stopped: str = "running"  # then finished, early stopping, interrupted, diverged

    @property
    def best(self) -> EpochRecord:
        """The epoch of the lowest validation loss (without validation: the last epoch).

        Raises:
            ValueError: no epoch was completed.
        """
        if not self.epochs:
            raise ValueError("no epoch was completed")
        judged = [e for e in self.epochs if e.validation_loss is not None]
        return min(judged, key=lambda e: e.validation_loss) if judged else self.epochs[-1]

    def column(self, name: str) -> list[float]:
        """One column as a list: ``train_loss``, ``validation_accuracy``, ..., by epoch."""
        return [getattr(record, name) for record in self.epochs]

    def to_json(self) -> str:
        """Write the whole history as JSON text, a line for each record."""
        parts = [f'"{name}": {json.dumps(getattr(self, name))}' for name in ("settings", "stopped")]
        for name in ("epochs", "steps"):
            rows = ",\n  ".join(map(json.dumps, getattr(self, name)))
            parts.append(f'"{name}": [\n  {rows}\n ]')
        return "{" + ",\n ".join(parts) + "}\n"

    @classmethod
    def from_json(cls, text: str) -> History:
        """Read what :meth:`to_json` wrote."""
        content = json.loads(text)
        content["steps"] = [StepRecord(*row) for row in content["steps"]]
        content["epochs"] = [EpochRecord(*row) for row in content["epochs"]]
        return cls(**content)


def save_run(history: History, name: str, folder: str | Path = "runs") -> Path:
    """Keep a history on disk as ``folder/name.json``, for :func:`load_runs` on another day.

    Raises:
        ValueError: a name that can't be a file's on every system.
    """
    if not name.strip(" .") or set(name) & set('<>:"/\\|?*\n'):
        raise ValueError(f"{name!r} can't be a file's name: letters, digits, space, . , = - _ can")
    os.makedirs(folder, exist_ok=True)
    path = Path(folder) / f"{name}.json"
    write_atomically(path, history.to_json().encode())
    return path


def load_runs(folder: str | Path = "runs") -> dict[str, History]:
    """Read all runs kept in a folder, by name; a damaged file is named in a warning and left."""
    runs = {}
    for path in sorted(Path(folder).glob("*.json")):
        try:
            runs[path.stem] = History.from_json(path.read_text(encoding="utf-8"))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            problem = f"{type(error).__name__}: {error}"
            warnings.warn(f"{path.name} is no run and was left alone ({problem})", stacklevel=2)
    return runs


def export_tensorboard(history: History, folder: str | Path) -> None:
    """Write a run for TensorBoard: ``tensorboard --logdir`` with the folder above ``folder``.

    Raises:
        ImportError: tensorboard isn't installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ImportError("TensorBoard is missing: pip install tensorboard") from error
    with SummaryWriter(str(folder)) as writer:
        for record in [*history.steps, *history.epochs]:
            for name, value in record._asdict().items():
                if name.endswith(("loss", "accuracy")) and value is not None:
                    writer.add_scalar(name, value, record.step, record.seconds)
