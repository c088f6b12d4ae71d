"""A notebook's exercises: which cells they need, what an answer is worth.

The tests ask this of our own answers (``tests/test_exercises.py``), and ``make marks`` of the
students'. An exercise is a cell tagged ``exercise``, the stub, and the cells after it up to the
one tagged ``check``. Of the other cells, only those run that bind a name the exercise uses.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import symtable
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, SupportsFloat

import nbformat

from llm_helpers import checks
from llm_helpers.training import seed_everything

HEADING = re.compile(r"^### Exercise \d+ · (.+?) \(\d+ minutes", re.MULTILINE)
# Training changes a model in place and binds no new name, so the cell that trains is asked for by
# what it leaves behind: notebook 00's `positive` is meant with the model after these losses.
ALSO = {"positive": "losses"}
CODE = compile(Path(checks.__file__).read_text(encoding="utf-8"), checks.__file__, "exec")
FUNCTIONS = {name: f for name, f in vars(checks).items() if inspect.isfunction(f)}
OURS = {"exercise", "check", "solution"}


class Cell(NamedTuple):
    """A code cell: its source, its tags, its id."""

    source: str
    tags: frozenset[str]
    id: str


class Exercise(NamedTuple):
    """What an exercise asks for, and the code around the answer."""

    title: str
    names: list[str]  # what the stub defines
    stub: str
    stub_id: str
    check: str  # all cells after the stub up to the check


class Verdict(NamedTuple):
    """What an answer is worth: ``right``, ``wrong``, ``not tried`` or ``error``, and why."""

    kind: str
    hint: str = ""


class Book:
    """A notebook as far as its exercises need it."""

    def __init__(self, path: Path) -> None:
        notebook = nbformat.from_dict(json.loads(path.read_text(encoding="utf-8")))
        self.name: str = path.stem
        self.cells = code_cells(notebook)
        self.exercises: dict[int, Exercise] = {}  # numbered from 1
        prose = "\n".join(text_of(c) for c in notebook.cells if c.cell_type == "markdown")
        titles = HEADING.findall(prose)
        for start, (stub, tags, cell_id) in enumerate(self.cells):
            if "exercise" in tags:
                rest = self.cells[start + 1 :]
                end = next(i for i, cell in enumerate(rest) if "check" in cell.tags)
                check = "\n".join(cell.source for cell in rest[: end + 1])
                title = titles[len(self.exercises)] if titles else ""
                exercise = Exercise(title, bound(stub), stub, cell_id, check)
                self.exercises[len(self.exercises) + 1] = exercise

    def needed(
        self,
        numbers: Iterable[int],
        answers: Iterable[str],
        instead: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Find the cells on which exercises and their answers depend.

        Args:
            numbers: the exercises that are to be judged.
            answers: sources of their answers.
            instead: name -> source that takes the place of the cells which bind it.
        """
        instead, asked = instead or {}, [self.exercises[number] for number in numbers]
        wanted = set().union(*(free(e.stub) | free(e.check) for e in asked))
        wanted = wanted.union(*map(free, answers), *map(free, instead.values()))
        to_check = [exercise.check for exercise in self.exercises.values()]
        chosen: list[str] = []
        for source, tags, _ in reversed(self.cells):
            if tags & OURS or any(source in check for check in to_check):
                continue
            wanted |= {more for name, more in ALSO.items() if name in wanted - {*instead}}
            if here := [name for name in instead if name in bound(source) and name in wanted]:
                chosen += [instead[name] for name in here]
                wanted -= {*here}
            elif wanted & {*bound(source)} - {*instead} or wanted & changed(source) - {*instead}:
                chosen.append(source)
                wanted = (wanted - {*bound(source)}) | free(source)
        return chosen[::-1]


def text_of(cell: nbformat.NotebookNode) -> str:
    """Give a cell's source, which a file holds as a list of lines."""
    return cell.source if isinstance(cell.source, str) else "".join(cell.source)


def code_cells(notebook: nbformat.NotebookNode) -> list[Cell]:
    """Give the code cells of a notebook, in order."""
    return [
        Cell(text_of(cell), frozenset(cell.metadata.get("tags", [])), cell.get("id", ""))
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


# ---------------------------------------------------------------- names


@cache
def bound(source: str) -> list[str]:
    """Give the names to which a cell gives a value at its top level."""
    top = symtable.symtable(source, "cell", "exec")
    names = [s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()]
    return [name for name in names if name not in counters(source)]


@cache
def counters(source: str) -> set[str]:
    """Give the names that live in comprehensions alone: symtable shows them since Python 3.12."""
    nodes = list(ast.walk(ast.parse(source)))
    inside = {id(n) for c in nodes if isinstance(c, ast.comprehension) for n in ast.walk(c.target)}
    stores = [n for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    others = {n.id for n in stores if id(n) not in inside}
    return {n.id for n in stores if id(n) in inside} - others


@cache
def free(source: str) -> set[str]:
    """Give the names that a cell takes from the cells before it."""
    names: set[str] = set()
    known: set[str] = set()
    for statement in ast.parse(source).body:
        one = ast.unparse(statement)
        own = {*bound(one)}
        if isinstance(statement, ast.Assign):  # its right side comes first: x = x + 1 takes x
            own = {*bound(one)} - referenced(ast.unparse(statement.value))
        names |= (referenced(one) - own | augmented(statement)) - known
        known |= {*bound(one)}
    return names


def augmented(node: ast.AST) -> set[str]:
    """Give the names that a statement changes by ``+=`` and the like, so needs from before."""
    if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
        return set()
    plus = isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    own = {node.target.id} if plus else set()
    return own.union(*map(augmented, ast.iter_child_nodes(node)))


def referenced(source: str) -> set[str]:
    """Give the global names that a piece of code reads, those inside functions included."""

    def global_names(table: symtable.SymbolTable, top: bool) -> Iterator[str]:
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                yield symbol.get_name()
        for child in table.get_children():
            yield from global_names(child, False)

    return {*global_names(symtable.symtable(source, "cell", "exec"), True)} - counters(source)


def called(source: str) -> set[str]:
    """Give the names of which a method is called, such as ``words.append(word)``: it may change."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    values = [function.value for function in calls if isinstance(function, ast.Attribute)]
    return {value.id for value in values if isinstance(value, ast.Name)}


def changed(source: str) -> set[str]:
    """Give the names of which a cell sets an item or an attribute."""
    targets = (node for node in ast.walk(ast.parse(source)) if hasattr(node, "ctx"))
    stores = (
        node
        for node in targets
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)
    )
    return {node.value.id for node in stores if isinstance(node.value, ast.Name)}


# ---------------------------------------------------------------- judging


def fresh_checks(said: list[str]) -> types.ModuleType:
    """Load ``llm_helpers.checks`` from its file, with a ``print`` that notes what it says.

    Only the module's own code gets a hearing: what an answer prints, patches in the module that
    it imports, or has the module's ``print`` say, counts for nothing.
    """
    module = types.ModuleType(checks.__name__)
    own = {*codes_in(CODE)}

    def note(*words: object, **_: object) -> None:
        if sys._getframe(1).f_code in own:
            said.append(" ".join(map(str, words)))

    module.print = note
    exec(CODE, vars(module))
    return module


def codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    """Give a code object and all those inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_in(constant)


def with_checks(names: dict[str, Any], fresh: types.ModuleType) -> dict[str, Any]:
    """Copy a notebook's names; those that come from ``llm_helpers.checks`` come from this one."""
    instead: dict[int, Any] = {id(old): getattr(fresh, name) for name, old in FUNCTIONS.items()}
    instead[id(checks)] = fresh
    return {name: instead.get(id(value), value) for name, value in names.items()}


def run_check(names: dict[str, Any], exercise: Exercise, answer: Mapping[str, Any]) -> Verdict:
    """Run an exercise's check on the values of the stub's names, away from all other names."""
    said: list[str] = []
    place = with_checks(names, fresh_checks(said)) | answer
    exec(compile(exercise.check, "check", "exec"), place)
    lines = [line for line in said if line[:1] in ("✔", "✘", "…")]
    if wrong := [line for line in lines if line.startswith("✘")]:
        kind = "error" if wrong[0].startswith("✘ the check fails") else "wrong"
        return Verdict(kind, wrong[0].removeprefix("✘ "))
    if not lines:
        return Verdict("error", "The check gave no verdict.")
    return Verdict("not tried" if any(line.startswith("…") for line in lines) else "right")


def judge(names: dict[str, Any], exercise: Exercise, source: str) -> Verdict:
    """Run an answer and our check of it; the notebook's names are afterwards as before.

    After an answer that is accepted, the check gets two that it must reject: the same one spoiled,
    and something that is no answer at all. If it accepts one of them, the answer has tampered
    with what the check relies on.

    Raises:
        BaseException: whatever the answer's cell raises.
    """
    seed_everything(0)
    mine = dict(names)
    exec(compile(source, "answer", "exec"), mine)
    if missing := [name for name in exercise.names if name not in mine]:
        return Verdict("error", f"The cell doesn't define {' and '.join(missing)}.")
    answer = {name: mine[name] for name in exercise.names}
    verdict = run_check(names, exercise, answer)
    if verdict.kind == "right":
        spoiled = {name: spoil(value) for name, value in answer.items()}
        for control in (spoiled, dict.fromkeys(answer, object())):
            if run_check(names, exercise, control).kind == "right":
                return Verdict("error", "After this answer ran, the check accepts wrong ones, too.")
    return verdict


def spoil(value: Any) -> Any:
    """Make a wrong answer of a right one that has the same form."""
    if callable(value) and not isinstance(value, type):
        return lambda *case: spoil(value(*deepcopy(case)))  # nor does it change what it's given
    if hasattr(value, "__array__") and hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, bool):
        return not value
    if isinstance(value, SupportsFloat) or value is None:
        return 1e6 if value is None else 1.5 * float(value) + 1e6
    if isinstance(value, list | tuple):
        return type(value)([spoil(item) for item in value]) if type(value) in (list, tuple) else ()
    if isinstance(value, dict):
        return {key: spoil(item) for key, item in value.items()}
    return "" if isinstance(value, str) else object()
