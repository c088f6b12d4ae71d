"""Training from a terminal, in one process and in several."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llm_helpers import train
from llm_helpers.runs import History, load_runs


def in_terminal(
    folder: Path,
    name: str,
    processes: int,
    *options: str,
    program: tuple[str, ...] = ("-m", "llm_helpers.train"),
    **variables: str,
) -> History:
    launcher = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--max-restarts=5",
        f"--nproc-per-node={processes}",
    ]
    command = [sys.executable, *(launcher if processes > 1 else []), *program]
    command += ["--epochs=1", "--lr=0.01", f"--name={name}", f"--folder={folder}", *options]
    variables |= {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | variables)
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


# ---------------------------------------------------------------- kill -9, in several processes

DIES_ONCE = """
import os
import signal

from llm_helpers import train

life, steps, loss = os.environ["TORCHELASTIC_RESTART_COUNT"], 0, train.Shard.loss


def count_and_die(shard, logits, labels):
    global steps
    steps += logits.requires_grad  # validation has no gradient
    if (os.environ["RANK"], life, str(steps)) == ("1", "0", os.environ["DIE_AT"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return loss(shard, logits, labels)


train.Shard.loss = count_and_die
train.main()
with open(os.environ["LIVES"], "a") as file:
    print(life, steps, file=file)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_process_killed_in_mid_epoch_changes_no_loss(tmp_path: Path) -> None:
    script, lives, checkpoint = (tmp_path / name for name in ("dies.py", "lives", "run.pt"))
    script.write_text(DIES_ONCE)
    options = ("--sentences=400", "--epochs=3")  # seven batches an epoch

    def run(name: str, die_at: str, *more: str) -> list[tuple]:
        given = {"program": (str(script),), "LIVES": str(lives), "DIE_AT": die_at}
        history = in_terminal(tmp_path, name, 2, *options, *more, **given)
        measured = [record._replace(seconds=0.0) for record in history.steps + history.epochs]
        assert len(measured) == 3 * 7 + 3
        return measured

    whole = run("whole", "never")
    killed = run("killed", "11", f"--checkpoint={checkpoint}")
    # Restart and steps left of each process; the last life went on after the first epoch. On a
    # busy machine a restart may not find its peer in time, and then torchrun starts once more.
    first, *_, one, two = lives.read_text().splitlines()
    assert first.endswith(" 21") and one == two and one.endswith(" 14") and one > first
    assert killed == whole
    one = [*options, "--lr=0.01", f"--folder={tmp_path}", f"--checkpoint={checkpoint}"]
    with pytest.raises(ValueError, match=r"^run\.pt is of .*processes: 2 in the file, 1 here$"):
        train.main(one)
