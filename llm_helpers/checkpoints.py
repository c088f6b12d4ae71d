"""A run kept in a file that is whole at any moment, and taken up again. Built in notebook 06."""

from __future__ import annotations

import io
import os
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed, nn

from .files import write_atomically
from .runs import History


def save_checkpoint(
    path: str | Path, model: nn.Module, history: History | None = None, **run: Any
) -> None:
    """Save weights and history so that the file is whole at any moment.

    ``run`` is what else :func:`fit` needs to go on: optimizer, scheduler, scaler, random states.
    """
    buffer = io.BytesIO()
    text = history.to_json() if history else None
    torch.save({"model": model.state_dict(), "history": text, "run": run}, buffer)
    path = Path(path)
    os.makedirs(path.parent, exist_ok=True)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: str | Path, model: nn.Module) -> History | None:
    """Load what :func:`save_checkpoint` saved into ``model``; return the history in it.

    Only tensors and plain values are read (``weights_only=True``): a checkpoint from a
    stranger can't run code.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a damaged file, or weights of another model: the message says which differ.
    """
    content = read_checkpoint(path, model)
    model.load_state_dict(content["model"])
    text = content.get("history")
    return History.from_json(text) if text else None


def read_checkpoint(path: str | Path, model: nn.Module) -> dict[str, Any]:
    """Read a checkpoint whole and see that it fits the model, before anything is changed."""
    try:
        with zipfile.ZipFile(path) as file:
            if file.testzip():  # torch.load itself doesn't look at the checksums
                raise ValueError("a checksum is wrong")
        content = torch.load(path, map_location="cpu", weights_only=True)
        weights = content["model"]
        theirs = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    except FileNotFoundError:
        raise
    except Exception:  # PyTorch's own message advises to switch the protection off
        problem = "it is damaged, or holds more than tensors and plain values"
        raise ValueError(f"{Path(path).name} is not a readable checkpoint: {problem}") from None
    own = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if own != theirs:
        differing = sorted(n for n in own.keys() | theirs.keys() if own.get(n) != theirs.get(n))
        lines = [f"{n}: {theirs.get(n)} in the file, {own.get(n)} here" for n in differing]
        raise ValueError(f"{Path(path).name} is of another model: " + "; ".join(lines))
    return content


def history_to_go_on(content: dict[str, Any], settings: dict[str, Any], name: str) -> History:
    """Give the history in a checkpoint, ready to go on, or say why this run can't."""
    if not content["run"]:
        raise ValueError(f"{name} holds weights but no run that could go on")
    past = History.from_json(content["history"])
    free = {"device"} if settings["decay"] else {"device", "epochs"}  # may differ
    was = {key: past.settings.get(key) for key in settings.keys() - free}
    differing = [key for key in settings if key in was and was[key] != settings[key]]
    if differing:
        lines = [f"{key}: {was[key]!r} in the file, {settings[key]!r} here" for key in differing]
        tip = " (data: other sentences, or another vocab)" if "data" in differing else ""
        raise ValueError(f"{name} is of another run: {'; '.join(lines)}{tip}")
    longer = past.stopped == "finished" and len(past.epochs) < settings["epochs"]
    if longer or past.stopped == "interrupted":
        past.stopped = "running"
    past.settings = settings
    return past


def processes() -> tuple[int, int]:
    """Give this process's number and how many train together: (0, 1) without torchrun."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def random_states(device: torch.device) -> list[dict[str, Any]]:
    """Give the state of every random generator that training may use, for each process."""
    name, keys, *rest = np.random.get_state()
    state = {"python": random.getstate(), "torch": torch.get_rng_state()}
    state["numpy"] = [name, torch.from_numpy(keys.astype(np.int64)), *rest]
    if device.type != "cpu":
        state[device.type] = getattr(torch, device.type).get_rng_state()
    states = [state] * processes()[1]
    if len(states) > 1:
        distributed.all_gather_object(states, state)
    return states


def set_random_state(states: list[dict[str, Any]], device: torch.device) -> None:
    """Put this process's random generators back to what :func:`random_states` gave."""
    state = states[processes()[0]]
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"].cpu())
    if device.type in state:
        getattr(torch, device.type).set_rng_state(state[device.type].cpu())
