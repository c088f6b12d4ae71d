"""The fingerprint decides what is compared, and a foreign machine still compares what it can."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import arithmetic
import pytest
import torch
from notebook_names import untouched_by_training
from run_all import Part, summary

from llm_helpers.arithmetic import side_by_side

ROOT = Path(__file__).resolve().parents[1]
STORED = json.loads(arithmetic.STORED.read_text(encoding="utf-8"))


def test_the_fingerprint_repeats() -> None:
    assert arithmetic.fingerprint() == arithmetic.fingerprint()


def test_the_stored_fingerprint_has_every_operation() -> None:
    assert list(STORED) == list(arithmetic.OPERATIONS)


def test_equal_fingerprints_let_everything_be_compared() -> None:
    same, line = arithmetic.verdict(dict(STORED), STORED)
    assert same
    assert "every output" in line and "\n" not in line


@pytest.mark.parametrize("name", arithmetic.OPERATIONS)
def test_one_other_operation_is_named_and_stops_the_comparison(name: str) -> None:
    same, line = arithmetic.verdict({**STORED, name: "0"}, STORED)
    assert not same
    assert f"({name})" in line and "every assertion runs" in line and "\n" not in line


def test_an_operation_that_was_never_stored_stops_the_comparison() -> None:
    assert arithmetic.verdict({**STORED, "convolution": "0"}, STORED)[0] is False


@pytest.mark.parametrize(
    ("variable", "value", "operation"),
    [
        ("MKL_CBWR", "COMPATIBLE", "linear layer"),
        ("ONEDNN_MAX_CPU_ISA", "SSE41", "LSTM"),
        ("ATEN_CPU_CAPABILITY", "default", "softmax"),
    ],
)
def test_each_switch_changes_the_fingerprint(variable: str, value: str, operation: str) -> None:
    if os.environ.get(variable) == value or not arithmetic.switchable():
        pytest.skip("this processor has no such switch, or it is set so already")
    here = arithmetic.fingerprint()
    code = "import arithmetic, json; print(json.dumps(arithmetic.fingerprint()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, variable: value, "PYTHONPATH": os.pathsep.join([str(ROOT), "tests"])},
        cwd=ROOT,
    )
    assert json.loads(done.stdout)[operation] != here[operation]


# ---------------------------------------------------------------- what training can't change


@pytest.mark.parametrize(
    ("cells", "untouched"),
    [
        (["x = 1", "print(x)"], [True, True]),
        (["fit(model)", "print(loss)", "print(2)"], [False, True, True]),
        (["loss = fit(model)", "print(loss)"], [False, False]),
        (["fit(model)", "model"], [False, False]),
        (["a = fit(m)", "b = a + 1", "c = b", "print(c)"], [False] * 4),
        (["def f():\n    return fit(m)", "f()"], [False, False]),
        (["loss.backward()", "%timeit x"], [False, True]),
        (["import torch", "torch.optim.Adam(w).step()", "torch.ones(2)"], [True, False, True]),
    ],
)
def test_what_depends_on_training_is_followed_by_name(
    cells: list[str], untouched: list[bool]
) -> None:
    assert untouched_by_training(cells) == untouched


# ---------------------------------------------------------------- the summary


def test_the_summary_names_what_failed_and_counts_last() -> None:
    parts = [
        Part("style", 0, "All checks passed!", 0.1),
        Part("tests, notebooks", 1, "2 failed, 10 passed, 1 skipped in 12.00s", 9.5),
        Part("browser", 0, "5 passed in 60.00s", 1.0),
    ]
    lines = summary(parts, "arithmetic: as stored").splitlines()
    assert lines[2] == "arithmetic: as stored"
    assert [line[0] for line in lines[3:6]] == ["✔", "✘", "✔"]
    assert lines[-1] == "15 passed, 2 failed, 1 skipped"


def test_jobs_side_by_side_come_back_in_order_with_a_core_each() -> None:
    def job(case: int) -> tuple[int, int, str]:
        time.sleep(0.02 * (3 - case))  # the first one takes longest
        return case, torch.get_num_threads(), threading.current_thread().name

    torch.set_num_threads(2)
    try:
        cases, threads, names = zip(*side_by_side(job, range(4)), strict=True)
    finally:
        torch.set_num_threads(1)
    assert cases == (0, 1, 2, 3) and set(threads) == {1} and len(set(names)) == 2
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda case: 1 / case, [1, 0])


@pytest.mark.parametrize(("asked", "threads"), [("", "1"), ("2,1", "2"), ("2", "2")])
def test_openmps_variable_may_be_empty_or_a_list(asked: str, threads: str) -> None:
    code = "import llm_helpers, torch; print(torch.get_num_threads())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": asked},
    )  # fmt: skip
    assert done.stdout.strip() == threads, done.stderr
