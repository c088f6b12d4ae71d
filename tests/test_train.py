"""Training from a terminal, in one process and in several."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llm_helpers.runs import History, load_runs


def in_terminal(folder: Path, name: str, processes: int, *options: str) -> History:
    launcher = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--max-restarts=2",
        f"--nproc-per-node={processes}",
    ]
    command = [sys.executable, *(launcher if processes > 1 else []), "-m", "llm_helpers.train"]
    command += ["--epochs=1", "--lr=0.01", f"--name={name}", f"--folder={folder}", *options]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"kept as {(folder / name).as_posix()}.json" in done.stdout
    return load_runs(folder)[name]


def test_two_processes_are_one_with_the_same_batch(tmp_path: Path) -> None:
    options = ("--dropout=0", "--float64", "--sentences=3001")
    one, two = (in_terminal(tmp_path, f"run {n}", n, *options) for n in (1, 2))
    # the last batch has 57 rows: one process gets more of it than the other
    assert len(one.steps) == len(two.steps) == 47 and two.settings["processes"] == 2
    for a, b in zip(one.steps, two.steps, strict=True):
        assert b.loss == pytest.approx(a.loss, abs=1e-9)
    assert one.steps[-1].loss < 0.9 * one.steps[0].loss  # it has learned on the way
    a, b = one.epochs[0], two.epochs[0]
    assert b.train_loss == pytest.approx(a.train_loss, abs=1e-9)
    assert b.validation_loss == pytest.approx(a.validation_loss, abs=1e-9)


def test_a_run_in_a_terminal_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    options = ("--sentences=400", f"--checkpoint={tmp_path / 'run.pt'}")
    first = in_terminal(tmp_path, "first", 1, *options)
    again = in_terminal(tmp_path, "again", 1, *options, "--epochs=2")
    assert [r.loss for r in again.steps[:7]] == [r.loss for r in first.steps]
    assert len(again.steps) == 14
