"""Training from a terminal, in one process and in several."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from torch import distributed

from llm_helpers import data, train
from llm_helpers.runs import History, load_runs

# PyTorch for Windows lacks the server at which torchrun's processes meet: there, a file will do.
WINDOWS = os.name == "nt"
FILE = ("--rdzv-backend=c10d", "--rdzv-conf=store_type=file")
MEET = FILE if WINDOWS else ("--standalone",)


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
        *MEET,
        "--local-addr=127.0.0.1",
        "--max-restarts=2",
        f"--nproc-per-node={processes}",
    ]
    command = [sys.executable, *(launcher if processes > 1 else []), *program]
    command += ["--epochs=1", "--lr=0.01", "--device=cpu"]
    command += [f"--name={name}", f"--folder={folder}", *options]
    if WINDOWS:
        variables["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    log = folder / "log.txt"  # a pipe would be held open by any process that is left over
    with (
        log.open("w") as file,
        subprocess.Popen(
            command, stdout=file, stderr=file, env=os.environ | variables, start_new_session=True
        ) as process,
    ):
        try:
            code = process.wait(timeout=600)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert code == 0, log.read_text()[-2000:]
    assert f"kept as {(folder / name).as_posix()}.json" in log.read_text()
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


def names_in_the_store(monkeypatch: pytest.MonkeyPatch, restarts: str, world: str) -> dict:
    """Join a process group that isn't there; give back what was written, by its full name."""
    kept, given = distributed.HashStore(), {}
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", restarts)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr(
        distributed, "rendezvous", lambda url, timeout: iter([(kept, 0, int(world))])
    )
    monkeypatch.setattr(
        distributed, "init_process_group", lambda backend, **options: given.update(options)
    )
    train.join_the_others("gloo")
    given["store"].set("address", "here")
    return {name: kept.check([name]) for name in ("address", "0/address", "1/address")}


def test_each_start_on_one_machine_has_names_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    first = names_in_the_store(monkeypatch, "0", "2")
    again = names_in_the_store(monkeypatch, "1", "2")
    several_machines = names_in_the_store(monkeypatch, "1", "4")
    assert first == {"address": False, "0/address": True, "1/address": False}
    assert again == {"address": False, "0/address": False, "1/address": True}
    assert several_machines == {"address": True, "0/address": False, "1/address": False}


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
    # both processes each time; the second life went on after the first epoch
    assert lives.read_text().splitlines() == ["0 21"] * 2 + ["1 14"] * 2
    assert killed == whole
    one = [*options, "--lr=0.01", f"--folder={tmp_path}", f"--checkpoint={checkpoint}"]
    with pytest.raises(ValueError, match=r"^run\.pt is of .*processes: 2 in the file, 1 here$"):
        train.main(one)


@pytest.mark.parametrize(("rows", "size"), [(4, 1), (65, 64)])
def test_a_batch_too_small_for_all_processes_is_refused(rows: int, size: int) -> None:
    batches = data.BucketBatches([[2, 3]] * rows, [0] * rows, size)
    train.Shard(batches, 0, 1)
    with pytest.raises(ValueError, match="too small for 2 processes"):
        train.Shard(batches, 0, 2)
