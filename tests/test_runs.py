"""What a run measured: its history, in memory and on disk."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from toy import STEPS, tiny, train

from llm_helpers.data import BucketBatches
from llm_helpers.runs import (
    EpochRecord,
    History,
    StepRecord,
    export_tensorboard,
    load_runs,
    save_run,
)


def epochs(*validation_losses: float | None) -> History:
    records = [EpochRecord(i, i, 0.1, 0.5, v) for i, v in enumerate(validation_losses, start=1)]
    return History(epochs=records)


def test_a_history_survives_json(toy: BucketBatches, toy_validation: BucketBatches) -> None:
    for history in (train(tiny(), toy, toy_validation), train(tiny(), toy), History()):
        again = History.from_json(history.to_json())
        assert again == history
        assert all(isinstance(record, StepRecord) for record in again.steps)
        assert all(isinstance(record, EpochRecord) for record in again.epochs)


def test_the_best_epoch_has_the_lowest_validation_loss() -> None:
    assert epochs(0.9, 0.3, 0.5).best.epoch == 2
    assert epochs(0.9, 0.3, 0.3).best.epoch == 2
    assert epochs(None, None).best.epoch == 2
    assert epochs(None, 0.7, None).best.epoch == 2


def test_no_epoch_has_no_best() -> None:
    with pytest.raises(ValueError, match="no epoch was completed"):
        _ = History().best


def test_a_column_goes_by_epoch() -> None:
    assert epochs(0.9, None, 0.5).column("validation_loss") == [0.9, None, 0.5]


# ---------------------------------------------------------------- on disk


def test_runs_come_back_equal_and_can_be_read(toy: BucketBatches, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    runs = {"lr 0.1, monday": train(tiny(), toy, lr=0.1), "lr=0.2": train(tiny(), toy, lr=0.2)}
    for name, run in runs.items():
        path = save_run(run, name, folder)
        assert path.stat().st_size < 5_000
    assert load_runs(folder) == runs
    text = path.read_text(encoding="utf-8")
    assert json.loads(text)["settings"]["lr"] == 0.2 and text.count("\n") > 2 * STEPS


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"steps": [[1]], "epochs": []}', "\x00"])
def test_a_damaged_run_is_named_and_left_alone(
    toy: BucketBatches, tmp_path: Path, content: str
) -> None:
    save_run(train(tiny(), toy), "good", tmp_path)
    (tmp_path / "bad.json").write_text(content)
    with pytest.warns(UserWarning, match=r"^bad\.json is no run and was left alone"):
        assert list(load_runs(tmp_path)) == ["good"]
    assert (tmp_path / "bad.json").read_text() == content


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "a:b", "what?", "a\nb"])
def test_a_name_that_cannot_be_a_files_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="can't be a file's name"):
        save_run(History(), name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_folder_is_no_runs(tmp_path: Path) -> None:
    assert load_runs(tmp_path / "none") == {}


# ---------------------------------------------------------------- TensorBoard


def test_a_run_is_exported_for_tensorboard(tmp_path: Path) -> None:
    reason = "tensorboard is not installed: pip install tensorboard"
    reading = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason=reason
    )
    run = History(steps=[StepRecord(1, 0.9, 0.5, 10), StepRecord(2, 0.7, 1.0, 20)])
    run.epochs.append(EpochRecord(1, 2, 1.0, 0.8, 0.6))  # no accuracy
    export_tensorboard(run, tmp_path / "a run")
    read = reading.EventAccumulator(str(tmp_path / "a run")).Reload()
    assert sorted(read.Tags()["scalars"]) == ["loss", "train_loss", "validation_loss"]
    losses = [
        (event.step, round(event.value, 3), event.wall_time) for event in read.Scalars("loss")
    ]
    assert losses == [(1, 0.9, 0.5), (2, 0.7, 1.0)]
    assert read.Scalars("validation_loss")[0].step == 2


def test_what_is_exported_has_its_step_and_its_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the package: what the writer is given."""
    written = []

    class Writer(nullcontext):
        def __enter__(self) -> Writer:
            return self

        def add_scalar(self, *row: object) -> None:
            written.append(row)

    module = SimpleNamespace(SummaryWriter=Writer)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    run = History(steps=[StepRecord(1, 0.9, 0.5, 10), StepRecord(2, 0.7, 1.0, 20)])
    run.epochs.append(EpochRecord(1, 2, 1.25, 0.8, 0.6))  # no accuracy
    export_tensorboard(run, tmp_path)
    assert written == [
        ("loss", 0.9, 1, 0.5),
        ("loss", 0.7, 2, 1.0),
        ("train_loss", 0.8, 2, 1.25),
        ("validation_loss", 0.6, 2, 1.25),
    ]


def test_without_tensorboard_the_export_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ImportError, match="pip install tensorboard"):
        export_tensorboard(History(), tmp_path)
