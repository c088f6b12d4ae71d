"""Mark a folder of notebooks that were handed in: ``make marks FOLDER=…``.

The folder holds ``<student>.ipynb`` or ``<student>/<notebook>.ipynb``, or deeper. Everything is
read before anything runs. Then each notebook gets a process of its own (``mark_one.py``), in an
empty folder that is deleted afterwards. If it ends or has to be stopped, the exercise at hand is an
error and another process goes on with the next. The table is written here alone.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import html
import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import psutil
import sandbox
from exercise_cells import Book, Verdict

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 20 * 2**20  # bytes; a notebook with figures has less than one million
PREPARING = 900.0  # seconds for our own cells, the training in them included
MEMORY, FILE_SIZE = 2 * 2**30, 50 * 2**20  # bytes for an answer; for a file that it writes
TALK = 2**20  # bytes that a process may report
KEPT = ["PATH", "SYSTEMROOT", "LANG", "LD_LIBRARY_PATH", "LLM_HELPERS_DATA", "OMP_NUM_THREADS"]
KEPT += ["MKL_CBWR", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"]
STOPPED = "It stopped Python."
CAUTION = """An answer runs in the same process as its check. What it prints doesn't count, and a
check that a student edited isn't used. Still, someone who studies this program can fool it: read
the code of an answer that surprises you."""
SIGNS = {"right": "✔", "wrong": "✘", "not tried": "…", "error": "!"}


@dataclass
class Paper:
    """One notebook that was handed in, and what became of it."""

    student: str
    path: Path
    content: bytes = b""
    notebook: str = ""  # which of ours it is
    refused: str = ""
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    fence: dict[str, int] = field(default_factory=dict)  # what held an answer back


def collect(folder: Path) -> list[Paper]:
    """Read all notebooks of a folder, each student's in order.

    The first folder inside names the student. What JupyterLab and a Mac's zip leave behind is no
    paper; a link is one, but nothing beyond it is read.
    """
    papers = []
    for path in sorted(folder.rglob("*")):  # it doesn't follow links
        inside = path.relative_to(folder).parts
        linked = any(part.is_symlink() for part in [path, *path.parents][: len(inside)])
        if path.suffix != ".ipynb" and not (linked and path.is_dir()):
            continue
        if any(part.startswith(".") or part == "__MACOSX" for part in inside):
            continue
        paper = Paper(inside[0] if len(inside) > 1 else path.stem, path)
        if linked or not path.is_file():
            paper.refused = "This isn't a file."
        elif path.stat().st_size > LARGEST:
            paper.refused = f"The file is larger than {LARGEST // 2**20} MiB."
        else:
            paper.content = path.read_bytes()
        papers.append(paper)
    return papers


# ---------------------------------------------------------------- one process


class Marker:
    """Runs ``mark_one.py`` on papers, each in a folder and a process group of its own."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds  # that an answer and its check may compute
        self.fence = sandbox.without_network()

    def mark(self, paper: Paper) -> None:
        """Fill in a paper's verdicts."""
        while not paper.refused and not self.go_on(paper):
            pass

    def go_on(self, paper: Paper) -> bool:
        """Mark what is left of a paper; False if a process died and there may be more."""
        with tempfile.TemporaryDirectory(prefix="marks-", ignore_cleanup_errors=True) as folder:
            mark = secrets.token_hex(8)  # by which all that an answer starts is found again
            process = subprocess.Popen(
                [*self.fence, sys.executable, str(HERE / "mark_one.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env=environment(Path(folder), mark),
                start_new_session=True,
            )
            try:
                return Sitting(paper, process, self.seconds).run()
            finally:
                stop(process, mark)


class Sitting:
    """One process at work on one paper: what it has reported, and until when it may go on."""

    def __init__(self, paper: Paper, process: subprocess.Popen, seconds: float) -> None:
        self.paper, self.process, self.seconds = paper, process, seconds
        self.token = secrets.token_hex(16)
        self.current = 0  # the exercise at hand
        self.finished = False
        self.deadline = time.monotonic() + PREPARING

    def run(self) -> bool:
        """Take down all verdicts; False if the process died and another may do the rest."""
        before = len(self.paper.verdicts)
        job = {
            "token": self.token,
            "content": base64.b64encode(self.paper.content).decode(),
            "notebooks": [str(path) for path in NOTEBOOKS],
            "done": [*self.paper.verdicts],
            "seconds": self.seconds,
            "memory": MEMORY,
            "file_size": FILE_SIZE,
        }
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(job).encode())
            self.process.stdin.close()
        for line in self.lines():
            self.note(parsed(line, self.token))
            if self.finished:
                return True
        if self.current and self.current not in self.paper.verdicts:
            late = time.monotonic() > self.deadline or too_long(self.process)
            why = f"It ran for more than {self.seconds:.0f} seconds." if late else STOPPED
            self.paper.verdicts[self.current] = Verdict("error", why)
        elif not self.paper.notebook:
            self.paper.refused = "Reading this file failed."
            return True
        elif len(self.paper.verdicts) == before:
            self.give_up()
            return True
        return False

    def lines(self) -> Iterator[bytes]:
        """Give what the process writes, until its end, the deadline or too much talk."""
        heard: queue.Queue[bytes] = queue.Queue()

        def listen() -> None:
            left = TALK
            while left > 0 and (line := self.process.stdout.readline(TALK)):
                left -= len(line)
                heard.put(line)
            heard.put(b"")

        threading.Thread(target=listen, daemon=True).start()
        with contextlib.suppress(queue.Empty):
            while line := heard.get(timeout=max(0.0, self.deadline - time.monotonic())):
                yield line

    def note(self, event: dict) -> None:
        """Take down one report."""
        match event.get("kind"):
            case "refused":
                self.paper.refused, self.finished = event["why"], True
            case "notebook":
                self.paper.notebook = event["name"]
            case "preparing":
                self.current, self.deadline = 0, time.monotonic() + PREPARING
            case "guarded":
                self.paper.fence = {"landlock": event["landlock"], "memory": event["memory"]}
            case "started":  # who waits computes nothing, so the clock has a say, too
                self.current = event["number"]
                self.deadline = time.monotonic() + 5 * self.seconds + 5
            case "verdict":
                verdict = Verdict(event["verdict"], event["hint"])
                self.paper.verdicts.setdefault(event["number"], verdict)
            case "done":
                self.finished = True

    def give_up(self) -> None:
        """Put down an error for all that is left."""
        book = Book(ROOT / "notebooks" / f"{self.paper.notebook}.ipynb")
        for number in book.exercises.keys() - self.paper.verdicts.keys():
            self.paper.verdicts[number] = Verdict("error", "The cells before it didn't run here.")


def parsed(line: bytes, token: str) -> dict:
    """Read a report; one without the token isn't the process's own."""
    with contextlib.suppress(ValueError):
        event = json.loads(line)
        if isinstance(event, dict) and event.get("token") == token:
            return event
    return {}


def too_long(process: subprocess.Popen) -> bool:
    """Say whether a process ended at the limit of its computing time."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        limit = getattr(signal, "SIGXCPU", None)
        return limit is not None and process.wait(timeout=5) in (-limit, 128 + limit)
    return False


def environment(folder: Path, mark: str) -> dict[str, str]:
    """Give the environment of a process that runs answers: nothing of the teacher's own."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    own = dict.fromkeys(["HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"], str(folder))
    fonts = Path(matplotlib.get_cachedir())
    if fonts.is_dir():  # or every process would look through all fonts
        own["MPLCONFIGDIR"] = str(fonts)
    return kept | own | {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "MARKED_AS": mark,
    }  # fmt: skip


def stop(process: subprocess.Popen, mark: str) -> None:
    """End a process and all that came of it, what left its group included."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    for _ in range(20):  # who is ended may have started another one meanwhile
        left = [p for p in psutil.process_iter() if is_marked(p, mark)]
        for each in left:
            with contextlib.suppress(psutil.Error):
                each.kill()
        if not left:
            break
    process.wait()
    process.stdout.close()


def is_marked(process: psutil.Process, mark: str) -> bool:
    """Say whether a process comes from the one that was started with this mark."""
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ().get("MARKED_AS") == mark
    return False


# ---------------------------------------------------------------- the table


def restored(papers: list[Paper]) -> list[Path]:
    """Compare all files with what was read at first, and put back what has changed."""
    touched = []
    for paper in papers:
        if paper.content and not (
            paper.path.is_file() and paper.path.read_bytes() == paper.content
        ):
            paper.path.parent.mkdir(parents=True, exist_ok=True)
            paper.path.unlink(missing_ok=True)
            paper.path.write_bytes(paper.content)
            touched.append(paper.path)
    return touched


def notes(marker: Marker, papers: list[Paper], touched: list[Path]) -> list[str]:
    """Say how far the answers were fenced in, for the foot of the table."""
    fences = [paper.fence for paper in papers if paper.fence]
    locked = min((fence["landlock"] for fence in fences), default=0)
    network = "No answer could reach the network."
    if not marker.fence:
        network = "The network was NOT cut off: this system has no way that we know of."
        if locked >= 4:
            network = "No answer could open a TCP connection; other traffic was not cut off."
    files = "Answers could write in their own temporary folder only."
    if not locked:
        files = "This system can't protect files, so an answer could have changed some elsewhere."
        files += " The notebooks here were compared with what was read at first."
    limits = f"An answer with its check had {marker.seconds:.0f} seconds"
    limits += f" and {MEMORY / 2**30:.0f} GB of memory."
    if not all(fence["memory"] for fence in fences):
        limits = limits.replace(" and", "; its memory could not be held to")
    said = [network, files, limits]
    said += [f"Changed during the marking, and put back: {path.name}." for path in touched]
    return [*said, CAUTION.replace("\n", " ")]


def write_table(papers: list[Paper], target: Path) -> None:
    """Write a row for each notebook that was handed in."""
    most = max((len(paper.verdicts) for paper in papers), default=0)
    numbers = range(1, most + 1)
    with target.open("w", encoding="utf-8-sig", newline="") as sink:  # as spreadsheets want it
        table = csv.writer(sink)
        table.writerow(["student", "notebook", "right", "of", *numbers, "remark"])
        for paper in papers:
            right = sum(verdict.kind == "right" for verdict in paper.verdicts.values())
            words = [in_words(paper.verdicts.get(number)) for number in numbers]
            head = [harmless(paper.student), paper.notebook, right, len(paper.verdicts)]
            table.writerow([*head, *words, paper.refused])


def in_words(verdict: Verdict | None) -> str:
    """Put a verdict into a cell of the table."""
    return f"{verdict.kind}: {verdict.hint}".removesuffix(": ") if verdict else ""


def harmless(text: str) -> str:
    """Keep a spreadsheet from reading a name as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def write_page(papers: list[Paper], remarks: list[str], target: Path) -> None:
    """Write a page with a table for each notebook that was handed in."""
    page = (HERE / "marks.html").read_text(encoding="utf-8")
    names = sorted({paper.notebook for paper in papers if paper.notebook})
    parts = [table_of(name, [p for p in papers if p.notebook == name]) for name in names]
    if refused := [paper for paper in papers if paper.refused]:
        rows = [
            f"<tr><th scope=row>{html.escape(p.student)}</th><td>{html.escape(p.path.name)}</td>"
            f"<td class=error>! {html.escape(p.refused)}</td></tr>"
            for p in refused
        ]
        parts.append(f"<h2>Not marked</h2><table>{''.join(rows)}</table>")
    foot = "".join(f"<p>{html.escape(remark)}</p>" for remark in remarks)
    target.write_text(
        page.replace("{{tables}}", "\n".join(parts)).replace("{{foot}}", foot), encoding="utf-8"
    )


def table_of(name: str, papers: list[Paper]) -> str:
    """Make the table of one notebook: a row a student, a column an exercise."""
    exercises = Book(ROOT / "notebooks" / f"{name}.ipynb").exercises
    head = "".join(
        f"<th scope=col>{number} · {html.escape(exercise.title)}</th>"
        for number, exercise in exercises.items()
    )
    rows = []
    for paper in papers:
        cells = ""
        for number in exercises:
            kind, hint = paper.verdicts.get(number, Verdict("error"))
            hint = html.escape(hint)
            cells += f'<td class="{kind}"><b>{SIGNS[kind]} {kind}</b> {hint}</td>'
        right = sum(verdict.kind == "right" for verdict in paper.verdicts.values())
        student = html.escape(paper.student)
        rows.append(f"<tr><th scope=row>{student}</th><td>{right}</td>{cells}</tr>")
    return (
        f"<h2>{html.escape(name)}</h2><table><thead><tr><th scope=col>student</th>"
        f"<th scope=col>right</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def place(text: str) -> Path:
    """Read a path; a shell leaves the ``~`` in ``FOLDER=~/hw`` as it is."""
    return Path(text).expanduser()


def main() -> None:
    """Read the folder, mark all notebooks, write the table and the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=place, help="what was handed in")
    parser.add_argument("--out", type=place, default=ROOT / "build" / "marks", help="for the table")
    parser.add_argument("--seconds", type=float, default=60, help="for an answer (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="at a time (%(default)s)")
    asked = parser.parse_args()
    sys.stdout.reconfigure(errors="replace")  # on Windows, a pipe may lack ✔
    if not asked.folder.is_dir():
        parser.error(f"{asked.folder} isn't a folder. Say make marks FOLDER=…")
    papers, marker = collect(asked.folder), Marker(asked.seconds)
    print(f"{len(papers)} notebooks in {asked.folder}", flush=True)

    def mark(paper: Paper) -> None:
        marker.mark(paper)
        signs = " ".join(SIGNS[paper.verdicts[n].kind] for n in sorted(paper.verdicts))
        print(f"{paper.student:<24} {paper.notebook:<24} {signs}{paper.refused}", flush=True)

    with ThreadPoolExecutor(asked.workers) as pool:
        list(pool.map(mark, papers))
    remarks = notes(marker, papers, restored(papers))
    asked.out.mkdir(parents=True, exist_ok=True)
    write_table(papers, asked.out / "marks.csv")
    write_page(papers, remarks, asked.out / "marks.html")
    print("\n".join(remarks[:-1]), f"Written: {asked.out / 'marks.html'} and marks.csv", sep="\n")


if __name__ == "__main__":
    main()
