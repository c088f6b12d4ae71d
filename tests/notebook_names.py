"""Which cells of a notebook can't depend on a training run: found by names alone.

A cell that trains, or that uses a name from a cell that does, may print other numbers where a
processor adds differently. All others print the same everywhere.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable

# What trains a model, or asks one that is trained, in our package and in others.
TRAINS = {
    *("fit", "fit_transform", "backward", "grad", "step", "minimize", "clone", "reinforce"),
    *("predict", "evaluate", "outputs", "the_agent", "load_checkpoint", "pretrained", "nn"),
    *("TextRNN", "RNNLanguageModel", "BiEncoder", "TransformerLM"),
}


def nodes_of(source: str) -> list[ast.AST]:
    """Parse a cell, its lines for IPython alone left out."""
    lines = ["" if line.startswith(("%", "!")) else line for line in source.splitlines()]
    return list(ast.walk(ast.parse("\n".join(lines))))


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    """Name what a cell imports."""
    return {
        (alias.asname or alias.name).partition(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def untouched_by_training(sources: Iterable[str]) -> list[bool]:
    """Say for each cell, in order, whether nothing that it shows can depend on training.

    A cell may change whatever it names, unless that is a module or built into Python.
    """
    cells = [nodes_of(source) for source in sources]
    fixed = set(dir(builtins)).union(*map(imported, cells))
    depend, untouched = set(TRAINS), []
    for nodes in cells:
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        made = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        untouched.append(not (names | attributes) & depend)
        if not untouched[-1]:
            depend |= (names | made) - fixed
    return untouched
