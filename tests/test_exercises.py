"""Answer every exercise as students do: right in other styles, wrong in plausible ways.

``tests/exercises/nbNN.py`` holds the answers to notebook NN, each the text that would replace
the stub. Only the cells on which an exercise depends are run, found by the names they use.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import runpy
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from exercise_cells import Book, Exercise, Verdict, judge, run_check

mpl.use("Agg")
HERE = Path(__file__).parent
NOTEBOOKS = {path.name[:2]: path for path in sorted((HERE.parent / "notebooks").glob("*.ipynb"))}
BOOKS = {path.stem[2:]: runpy.run_path(str(path)) for path in sorted(HERE.glob("exercises/nb*.py"))}
EMPTY = re.compile(r"^.?$|(is not it|is wrong|Not yet|Look again at the hint below)\.?$")
ODD = ["None", "'text'", "''", "()", "[[1, 2], [3]]", "{}", "float('nan')", "object()", "int"]
ODD += ["lambda: 1", "lambda *a: None", "lambda *a: a", "lambda *a: 1 / 0", "lambda *a: 'text'"]

COMMON = "F X x y Y W b B h H n p P T word words lengths after real loss total counts mean median"
COMMON += " sizes size result answer share error a c k s z rows letters characters logits weights"


@lru_cache
def book(nb: str) -> Book:
    return Book(NOTEBOOKS[nb])


def exercises(nb: str) -> dict[int, Exercise]:
    return book(nb).exercises


def every(nb: str) -> list[tuple[int, str]]:
    """Give all answers of a notebook with the number of their exercise."""
    groups = [*BOOKS[nb]["RIGHT"].items(), *BOOKS[nb]["WRONG"].items()]
    return [(number, text) for number, group in groups for text in group]


def answer_cell(nb: str, number: int, text: str) -> str:
    """Make a cell of an answer; an expression becomes the value of the stub's names."""
    with contextlib.suppress(SyntaxError):
        ast.parse(text.strip(), mode="eval")
        return " = ".join([*exercises(nb)[number].names, text.strip()])
    return text


@lru_cache
def namespace(nb: str) -> dict[str, Any]:
    """Run the cells that the exercises need, once."""
    names: dict[str, Any] = {"__name__": "__main__", "display": print}
    answers = [answer_cell(nb, number, text) for number, text in every(nb)]
    for source in book(nb).needed(exercises(nb), answers, BOOKS[nb].get("INSTEAD")):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, f"notebook {nb}", "exec"), names)
    return names


def verdict(nb: str, number: int, source: str) -> Verdict:
    return judge(namespace(nb), exercises(nb)[number], source)


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(nb, number, text, id=f"{nb}.{number}-{i}")
        for nb, book in BOOKS.items()
        for number, group in book[kind].items()
        for i, text in enumerate(group)
    ]


ALL = [(nb, number) for nb in BOOKS for number in BOOKS[nb]["RIGHT"]]


@pytest.mark.parametrize("nb", BOOKS)
def test_every_exercise_has_three_right_and_three_wrong_answers(nb: str) -> None:
    for kind in ("RIGHT", "WRONG"):
        assert BOOKS[nb][kind].keys() == exercises(nb).keys()
        assert min(len(set(group)) for group in BOOKS[nb][kind].values()) >= 3


@pytest.mark.parametrize(("nb", "number"), ALL)
def test_an_untouched_stub_is_not_tried_yet(nb: str, number: int) -> None:
    assert verdict(nb, number, exercises(nb)[number].stub).kind == "not tried"


@pytest.mark.parametrize(("nb", "number", "text"), cases("RIGHT"))
def test_a_right_answer_is_accepted(nb: str, number: int, text: str) -> None:
    said = verdict(nb, number, answer_cell(nb, number, text))
    assert said.kind == "right", said


@pytest.mark.parametrize(("nb", "number", "text"), cases("WRONG"))
def test_a_wrong_answer_is_rejected_with_a_sentence(nb: str, number: int, text: str) -> None:
    said = verdict(nb, number, answer_cell(nb, number, text))
    assert said.kind == "wrong", said
    assert len(said.hint) > 18 and not EMPTY.search(said.hint), said


@pytest.mark.parametrize(("nb", "number"), ALL)
def test_no_odd_answer_is_accepted_or_raises(nb: str, number: int) -> None:
    for odd in ODD:
        said = verdict(nb, number, answer_cell(nb, number, odd))
        assert said.kind == "wrong", f"{odd}: {said}"


@pytest.mark.parametrize(("nb", "number"), ALL)
def test_a_check_needs_no_name_that_a_reader_may_use(nb: str, number: int) -> None:
    exercise, names = exercises(nb)[number], dict(namespace(nb))
    others = sorted({*COMMON.split()} - {*exercise.names})
    exec(f"{' = '.join(others)} = 3\n{exercise.stub}", names)
    assert run_check(names, exercise, {}).kind == "not tried"
