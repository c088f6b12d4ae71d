"""Find a student's answers in a notebook that was handed in, whatever became of its cells."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Sequence

import nbformat
from exercise_cells import Book, Cell, Exercise, bound, called, changed, code_cells, free

# What Python may raise when it reads a cell: the last two come of thousands of brackets.
BROKEN = (SyntaxError, ValueError, RecursionError, MemoryError)
MAGIC = re.compile(r"^\s*(%%?[A-Za-z]|!|\?)|^\s*[\w.]+\?\??\s*$")


def read(content: bytes) -> list[Cell]:
    """Read the code cells of a file, without the lines that only IPython understands.

    Raises:
        ValueError: it isn't a notebook.
    """
    try:
        notebook = nbformat.reads(content.decode("utf-8-sig"), as_version=4)
        return [cell._replace(source=plain(cell.source)) for cell in code_cells(notebook)]
    except Exception as error:  # of many kinds: what is in the file is anybody's
        raise ValueError("This file isn't a notebook.") from error


def plain(source: str) -> str:
    """Leave magics, shell commands and questions to IPython out of what isn't Python otherwise."""
    try:
        ast.parse(source)
    except BROKEN:
        return "\n".join(line for line in source.splitlines() if not MAGIC.search(line))
    return source


def best_match(cells: list[Cell], books: Sequence[Book]) -> Book | None:
    """Find the notebook of ours that this one began as: by cells, else by the stubs' names."""
    ids, sources = {cell.id for cell in cells}, {cell.source.strip() for cell in cells}

    def kept(book: Book) -> int:
        return sum(cell.id in ids or cell.source.strip() in sources for cell in book.cells)

    def named(book: Book) -> int:
        return sum(defines(cell, e.names) for e in book.exercises.values() for cell in cells)

    for likeness, least in ((kept, 3), (named, 1)):
        best = max(books, key=likeness)
        if likeness(best) >= least:
            return best
    return None


def defines(cell: Cell, names: list[str]) -> bool:
    """Say whether a cell gives these names a value, as far as a broken cell lets one see."""
    try:
        return {*names} <= {*bound(cell.source)}
    except BROKEN:
        looks = r"(?m)^(?:def\s+{0}\s*\(|class\s+{0}\b|{0}\s*(?:[:,=]))"
        return all(re.search(looks.format(re.escape(name)), cell.source) for name in names)


def find_answer(book: Book, exercise: Exercise, cells: list[Cell]) -> Cell | None:
    """Give the cell with the answer to an exercise, None where it wasn't tried.

    It's the stub's cell, known by its id, or any other that defines what the stub defines. The
    last one counts, as after Run All. Cells that are still ours are no answers.
    """
    ours = {cell.source.strip() for cell in book.cells} | {""}
    tried = [
        cell
        for cell in cells
        if cell.source.strip() not in ours
        and (cell.id == exercise.stub_id or defines(cell, exercise.names))
    ]
    return tried[-1] if tried else None


def with_helpers(book: Book, answer: Cell, cells: list[Cell]) -> str:
    """Put before an answer what it uses from elsewhere in the student's notebook.

    Those are imports, functions and values that our notebook doesn't define, and everything in
    cells that the student added.

    Raises:
        BROKEN: the answer isn't Python.
    """
    ours = {cell.source.strip() for cell in book.cells}
    ids = {cell.id for cell in book.cells}
    known = {*dir(builtins)}.union(*(bound(cell.source) for cell in book.cells))
    added = [s for cell in cells if cell.id not in ids for s in statements_of(cell.source)]
    mine = {name for s in added if "import " not in s for name in bound(s)} - known
    statements: list[tuple[str, set[str]]] = []  # source, names for which it may be wanted
    for cell in cells:
        if cell is answer or cell.source.strip() in ours:
            continue
        for statement in statements_of(cell.source):
            names = {*bound(statement)} | changed(statement) | (called(statement) & mine)
            statements.append((statement, names if cell.id not in ids else names - known))
    wanted, chosen = free(answer.source), set()
    while more := [
        i for i, (_, names) in enumerate(statements) if names & wanted and i not in chosen
    ]:
        chosen.update(more)
        wanted = wanted.union(*(free(statements[i][0]) for i in more))
    return "\n".join([*(statements[i][0] for i in sorted(chosen)), answer.source])


def statements_of(source: str) -> list[str]:
    """Cut a cell into its statements; a broken cell has none."""
    try:
        return [ast.unparse(statement) for statement in ast.parse(source).body]
    except BROKEN:
        return []
