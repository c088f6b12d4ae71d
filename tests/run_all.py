"""Run every test and every notebook, whatever fails on the way, and end with one summary.

``make test`` calls it; ``python tests/run_all.py`` does the same in an environment of your own.
Further arguments go to pytest. The processor's arithmetic decides whether the notebooks' outputs
are compared or their cells only run: see ``arithmetic.py`` beside this file.
"""

from __future__ import annotations

import codecs
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
NBVAL = ["--nbval-current-env", "--nbval-sanitize-with", "tests/nbval_sanitize.cfg"]
NBVAL += ["--nbval-cell-timeout", "600", "--dist", "loadfile"]
NBVAL += ["--no-loadscope-reorder"]  # tests/conftest.py puts the longest first
COUNT = re.compile(r"(\d+) (passed|failed|error|skipped)")


class Part(NamedTuple):
    """What one part of the tests came to."""

    name: str
    code: int  # exit status
    words: str  # its last line
    minutes: float


def run(name: str, *arguments: str) -> Part:
    """Run one part, show its output as it comes, and keep its last line."""
    print(f"\n---- {name} ----", flush=True)
    start, text = time.perf_counter(), ""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        while chunk := process.stdout.read1():  # not by lines: a row of dots takes minutes
            print(shown := decode(chunk), end="", flush=True)
            text = (text + shown)[-5000:]
    lines = [line.strip(" =") for line in text.splitlines() if line.strip(" =")]
    minutes = (time.perf_counter() - start) / 60
    return Part(name, process.returncode, lines[-1] if lines else "", minutes)


def summary(parts: list[Part], verdict: str) -> str:
    """Say in a few lines what passed and what failed; the last one counts the tests."""
    counts: dict[str, int] = {}
    for part in parts:
        for number, kind in COUNT.findall(part.words):
            counts[kind] = counts.get(kind, 0) + int(number)
    failed = counts.get("failed", 0) + counts.get("error", 0)
    rows = [
        f"{'✔' if part.code == 0 else '✘'} {part.name:<20} {part.words} ({part.minutes:.1f} min)"
        for part in parts
    ]
    end = f"{counts.get('passed', 0)} passed, {failed} failed, {counts.get('skipped', 0)} skipped"
    return "\n".join(["", "==== summary ====", verdict, *rows, end])


def main(options: list[str]) -> int:
    """Run all parts and print the summary; exit 1 if one of them failed."""
    # A debugger's hint about frozen modules would otherwise appear in the kernels' logs.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("PYTHONIOENCODING", "utf-8")  # as `run` reads what they print
    sys.stdout.reconfigure(errors="replace")  # on Windows, a pipe may lack ✔
    workers = os.environ.get("WORKERS", "2")
    asked = subprocess.run(
        [sys.executable, "tests/arithmetic.py"], cwd=ROOT, capture_output=True, text=True,
        encoding="utf-8", env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    verdict = asked.stdout.strip() or f"arithmetic: not measured: {asked.stderr.strip()}"
    print(verdict, flush=True)
    compare = "--nbval" if asked.returncode == 0 else "--nbval-lax"
    parts = [
        run("style", "ruff", "check", "."),
        run("format", "ruff", "format", "--check", "."),
        run(
            "tests, notebooks", "pytest", "tests", "notebooks", "-m", "not browser", compare,
            *NBVAL, "-n", workers, *options,
        ),
        # The browser's tests measure times, so they run alone.
        run("browser", "pytest", "tests", "-m", "browser", *options),
    ]  # fmt: skip
    print(summary(parts, verdict), flush=True)
    return int(asked.stdout == "" or any(part.code for part in parts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
