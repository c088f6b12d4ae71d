"""Mark one notebook that was handed in. ``make_marks.py`` starts this, a process for each.

The job comes through the standard input, verdicts go out through what was the standard output,
one JSON object a line, with a token that the job brought. What an answer prints goes nowhere.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sandbox


def open_channel() -> tuple[dict[str, Any], Callable[..., None]]:
    """Read the job, then give the standard streams away; return it and the way to report."""
    job = json.loads(sys.stdin.buffer.read())
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    for stream, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        nowhere = os.open(os.devnull, mode)
        os.dup2(nowhere, stream)
        os.close(nowhere)
    token = job.pop("token")

    def report(kind: str, **facts: object) -> None:
        print(json.dumps({"token": token, "kind": kind, **facts}), file=channel, flush=True)

    return job, report


def main() -> None:
    """Mark the exercises that the job asks for."""
    job, report = open_channel()
    import matplotlib as mpl
    from exercise_cells import Book, judge
    from handed_in import BROKEN, best_match, find_answer, read, with_helpers

    mpl.use("Agg")
    try:
        cells = read(base64.b64decode(job["content"]))
    except ValueError as error:
        report("refused", why=str(error))
        return
    book = best_match(cells, [Book(Path(path)) for path in job["notebooks"]])
    if book is None:
        report("refused", why="This isn't one of our notebooks.")
        return
    report("notebook", name=book.name)
    tried: dict[int, str] = {}
    for number, exercise in book.exercises.items():
        if number in job["done"]:
            continue
        report("started", number=number)
        if (answer := find_answer(book, exercise, cells)) is None:
            report("verdict", number=number, verdict="not tried", hint="")
            continue
        try:
            tried[number] = with_helpers(book, answer, cells)
        except BROKEN as error:
            report("verdict", number=number, verdict="error", hint=said(error))
    report("preparing")
    sys.modules["__main__"] = types.ModuleType("__main__")
    names: dict[str, Any] = {"__name__": "__main__", "display": print}
    for source in book.needed(tried, tried.values()) if tried else []:
        exec(compile(source, book.name, "exec"), names)
    for name in ("exercise_cells", "handed_in", "sandbox"):  # no handle for an answer
        sys.modules.pop(name)
    sys.path.remove(str(Path(__file__).parent))
    limited = sandbox.limit(job["memory"], job["file_size"])
    report("guarded", landlock=sandbox.lock_files([Path.cwd()]), memory=limited)
    for number, source in tried.items():
        report("started", number=number)
        sandbox.limit_seconds(job["seconds"])
        try:
            verdict = judge(names, book.exercises[number], source)
            report("verdict", number=number, verdict=verdict.kind, hint=verdict.hint)
        except BaseException as error:
            report("verdict", number=number, verdict="error", hint=said(error))
    report("done")


def said(error: BaseException) -> str:
    """Put an exception into a line."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} (line {error.lineno} of the cell)"
    return f"{type(error).__name__}: {error}"[:300]


if __name__ == "__main__":
    main()
    os._exit(0)  # whatever threads an answer has left
