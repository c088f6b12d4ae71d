"""A checkpoint brings everything back, is whole at any moment, and runs no stranger's code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from toy import equal, tiny, train, weights

from llm_helpers.checkpoints import load_checkpoint, save_checkpoint
from llm_helpers.data import BucketBatches


class RunsCode:
    """A pickle that creates a file where it is loaded without care."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def test_a_checkpoint_brings_everything_back(
    toy: BucketBatches, toy_validation: BucketBatches, tmp_path: Path
) -> None:
    model, other = tiny(), tiny()
    history = train(model, toy, toy_validation)
    path = tmp_path / "new" / "folder" / "run.pt"
    save_checkpoint(path, model, history)
    assert load_checkpoint(path, other) == history
    assert equal(weights(other), weights(model))


def test_a_checkpoint_of_weights_alone_has_no_history(tmp_path: Path) -> None:
    model, other = tiny(), tiny()
    save_checkpoint(tmp_path / "run.pt", model)
    assert load_checkpoint(tmp_path / "run.pt", other) is None
    assert equal(weights(other), weights(model))


def test_the_checkpoint_of_a_run_is_its_last_epoch(toy: BucketBatches, tmp_path: Path) -> None:
    model = tiny()
    history = train(model, toy, epochs=3, checkpoint=tmp_path / "run.pt")
    other = tiny()
    assert load_checkpoint(tmp_path / "run.pt", other) == history
    assert (history.stopped, len(history.epochs)) == ("finished", 3)
    assert equal(weights(other), weights(model))


@pytest.mark.parametrize("how", ["truncated", "another file", "empty", "a bit of a weight"])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path: Path, how: str) -> None:
    model, path = tiny(), tmp_path / "run.pt"
    save_checkpoint(path, model)
    content = bytearray(path.read_bytes())
    if how == "a bit of a weight":
        place = content.index(model.embedding.weight.detach().numpy().tobytes())
        content[place + 100] ^= 64
    shortened = {"truncated": content[: len(content) // 2], "another file": b"text", "empty": b""}
    path.write_bytes(shortened.get(how, content))
    other = tiny()
    before = weights(other)
    with pytest.raises(ValueError, match=r"^run\.pt is not a readable checkpoint"):
        load_checkpoint(path, other)
    assert equal(weights(other), before)


@pytest.mark.parametrize("content", [{"weights": 1}, {"model": 5}, [1, 2]], ids=str)
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "run.pt")
    with pytest.raises(ValueError, match=r"^run\.pt is not a readable checkpoint"):
        load_checkpoint(tmp_path / "run.pt", tiny())


def test_another_models_checkpoint_is_refused_with_what_differs(tmp_path: Path) -> None:
    other = tiny(pooling="meanmax")
    other.register_parameter("extra", nn.Parameter(torch.zeros(8, 8)))
    save_checkpoint(tmp_path / "run.pt", other)
    model = tiny()
    before = weights(model)
    with pytest.raises(ValueError) as caught:
        load_checkpoint(tmp_path / "run.pt", model)
    message = str(caught.value)
    assert message.startswith("run.pt is of another model: ")
    assert "fc.weight: (2, 16) in the file, (2, 8) here" in message
    assert "extra: (8, 8) in the file, None here" in message
    assert "embedding.weight" not in message
    assert equal(weights(model), before)


def test_a_checkpoint_of_another_size_is_refused_too(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "run.pt", tiny(hidden_dim=16))
    with pytest.raises(ValueError, match=r"fc\.weight: \(2, 16\) in the file, \(2, 8\) here"):
        load_checkpoint(tmp_path / "run.pt", tiny())


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("kind", ["torch.save", "pickle"])
def test_a_checkpoint_with_code_in_it_is_not_run(tmp_path: Path, kind: str) -> None:
    marker, path = tmp_path / "ran", tmp_path / "run.pt"
    content = {"model": RunsCode(marker)}
    if kind == "torch.save":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r"^run\.pt is not a readable checkpoint") as caught:
        load_checkpoint(path, tiny())
    assert not marker.exists()
    assert "weights_only" not in str(caught.value), "no advice to switch the protection off"


def test_a_missing_checkpoint_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"run\.pt"):
        load_checkpoint(tmp_path / "run.pt", tiny())


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_crash_while_saving_leaves_the_old_checkpoint_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, function: str, error: BaseException
) -> None:
    def crash(*args: Any) -> None:
        raise error

    path = tmp_path / "run.pt"
    save_checkpoint(path, tiny())
    before = path.read_bytes()
    monkeypatch.setattr(os, function, crash)
    with pytest.raises(type(error)):
        save_checkpoint(path, tiny())
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]
