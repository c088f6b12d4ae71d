"""Answer every exercise as students do: right in other styles, wrong in plausible ways.

``tests/exercises/nbNN.py`` holds the answers to notebook NN, each the text that would replace
the stub. Only the cells on which an exercise depends are run, found by the names they use.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import runpy
import symtable
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import pytest

from llm_helpers.training import seed_everything

mpl.use("Agg")
HERE = Path(__file__).parent
NOTEBOOKS = {path.name[:2]: path for path in sorted((HERE.parent / "notebooks").glob("*.ipynb"))}
BOOKS = {path.stem[2:]: runpy.run_path(str(path)) for path in sorted(HERE.glob("exercises/nb*.py"))}
EMPTY = re.compile(r"^.?$|(is not it|is wrong|Not yet|Look again at the hint below)\.?$")
ODD = ["None", "'text'", "''", "()", "[[1, 2], [3]]", "{}", "float('nan')", "object()", "int"]
ODD += ["lambda: 1", "lambda *a: None", "lambda *a: a", "lambda *a: 1 / 0", "lambda *a: 'text'"]

COMMON = "F X x y Y W b B h H n p P T word words lengths after real loss total counts mean median"
COMMON += " sizes size result answer share error a c k s z rows letters characters logits weights"


class Exercise(NamedTuple):
    names: list[str]  # what the stub defines
    stub: str
    check: str  # all cells after the stub up to the check


@lru_cache
def cells(nb: str) -> list[tuple[str, set[str]]]:
    """Give source and tags of a notebook's code cells."""
    book = json.loads(NOTEBOOKS[nb].read_text(encoding="utf-8"))
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    return [("".join(cell["source"]), {*cell["metadata"].get("tags", [])}) for cell in code]


@lru_cache
def exercises(nb: str) -> dict[int, Exercise]:
    found: dict[int, Exercise] = {}
    for start, (stub, tags) in enumerate(cells(nb)):
        if "exercise" in tags:
            end = next(i for i in range(start, len(cells(nb))) if "check" in cells(nb)[i][1])
            check = "\n".join(source for source, _ in cells(nb)[start + 1 : end + 1])
            found[len(found) + 1] = Exercise(bound(stub), stub, check)
    return found


def bound(source: str) -> list[str]:
    """Give the names to which a cell gives a value at its top level."""
    top = symtable.symtable(source, "cell", "exec")
    names = [s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()]
    return [name for name in names if name not in counters(source)]


def counters(source: str) -> set[str]:
    """Give the names that live in comprehensions alone: symtable shows them since Python 3.12."""
    nodes = list(ast.walk(ast.parse(source)))
    inside = {id(n) for c in nodes if isinstance(c, ast.comprehension) for n in ast.walk(c.target)}
    stores = [n for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    others = {n.id for n in stores if id(n) not in inside}
    return {n.id for n in stores if id(n) in inside} - others


def free(source: str) -> set[str]:
    """Give the names that a cell takes from the cells before it."""
    names: set[str] = set()
    known: set[str] = set()
    for statement in ast.parse(source).body:
        one = ast.unparse(statement)
        own = {*bound(one)}
        if isinstance(statement, ast.Assign):  # its right side comes first: x = x + 1 takes x
            own = {*bound(one)} - referenced(ast.unparse(statement.value))
        names |= referenced(one) - own - known
        known |= {*bound(one)}
    return names


def referenced(source: str) -> set[str]:
    def global_names(table: symtable.SymbolTable, top: bool) -> Iterator[str]:
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                yield symbol.get_name()
        for child in table.get_children():
            yield from global_names(child, False)

    return {*global_names(symtable.symtable(source, "cell", "exec"), True)} - counters(source)


def changed(source: str) -> set[str]:
    """Give the names of which a cell sets an item or an attribute."""
    targets = (node for node in ast.walk(ast.parse(source)) if hasattr(node, "ctx"))
    stores = (
        node
        for node in targets
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)
    )
    return {node.value.id for node in stores if isinstance(node.value, ast.Name)}


def needed(nb: str) -> list[str]:
    """Find the cells on which the exercises depend; the sources in INSTEAD take a cell's place."""
    instead: dict[str, str] = BOOKS[nb].get("INSTEAD", {})
    answers = [answer_cell(nb, number, text) for number, text in every(nb)]
    wanted = set().union(*(free(e.stub) | free(e.check) for e in exercises(nb).values()))
    wanted = wanted.union(*map(free, answers), *map(free, instead.values()))
    in_checks = {e.check for e in exercises(nb).values()}
    chosen: list[str] = []
    for source, tags in reversed(cells(nb)):
        if tags & {"exercise", "check", "solution"} or any(source in check for check in in_checks):
            continue
        if here := [name for name in instead if name in bound(source) and name in wanted]:
            chosen += [instead[name] for name in here]
            wanted -= {*here}
        elif wanted & {*bound(source)} - {*instead} or wanted & changed(source) - {*instead}:
            chosen.append(source)
            wanted = (wanted - {*bound(source)}) | free(source)
    return chosen[::-1]


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
    for source in needed(nb):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, f"notebook {nb}", "exec"), names)
    return names


def verdict(nb: str, number: int, source: str) -> str:
    """Run an answer's cell and the check below it, in a notebook that is then as before."""
    names, said = namespace(nb), io.StringIO()
    before = dict(names)
    seed_everything(0)
    try:
        exec(compile(source, "answer", "exec"), names)
        with contextlib.redirect_stdout(said):
            exec(compile(exercises(nb)[number].check, "check", "exec"), names)
    finally:
        names.clear()
        names.update(before)
    marks = re.search(r"(?ms)^[✔✘…].*", said.getvalue())  # after what the answer may print
    return marks[0].strip() if marks else said.getvalue()


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
    assert "not tried yet" in verdict(nb, number, exercises(nb)[number].stub)


@pytest.mark.parametrize(("nb", "number", "text"), cases("RIGHT"))
def test_a_right_answer_is_accepted(nb: str, number: int, text: str) -> None:
    said = verdict(nb, number, answer_cell(nb, number, text))
    assert said.startswith("✔"), said


@pytest.mark.parametrize(("nb", "number", "text"), cases("WRONG"))
def test_a_wrong_answer_is_rejected_with_a_sentence(nb: str, number: int, text: str) -> None:
    said = verdict(nb, number, answer_cell(nb, number, text))
    assert said.startswith("✘") and "the check fails" not in said, said
    assert len(said) > 20 and not EMPTY.search(said), said


@pytest.mark.parametrize(("nb", "number"), ALL)
def test_no_odd_answer_is_accepted_or_raises(nb: str, number: int) -> None:
    for odd in ODD:
        said = verdict(nb, number, answer_cell(nb, number, odd))
        assert said.startswith("✘") and "the check fails" not in said, f"{odd}: {said}"


@pytest.mark.parametrize(("nb", "number"), ALL)
def test_a_check_needs_no_name_that_a_reader_may_use(nb: str, number: int) -> None:
    stub = exercises(nb)[number].stub
    others = sorted({*COMMON.split()} - {*bound(stub)})
    assert "not tried yet" in verdict(nb, number, f"{' = '.join(others)} = 3\n{stub}")
