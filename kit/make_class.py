"""Write the notebooks of a class: ``make class``.

``build/class/`` then holds ``students/``, ``teacher/``, a README, and ``class.zip`` with all
three, byte for byte the same whenever the notebooks are.

Students get no solutions. Of every cell between a **Predict** and the next paragraph, the one
that reads the result, the output is out too, and that paragraph is folded. Exercises keep their
checks: a check has to know the answer, so its code stays, folded. Teachers see all, solutions
open.
"""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbconvert.preprocessors import Preprocessor, TagRemovePreprocessor
from nbformat import NotebookNode
from traitlets.config import Config

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TARGET = ROOT / "build" / "class"
EXERCISE_TAGS = {"exercise", "check", "solution"}
PROMPT = re.compile(r"\*\*Predict(:?\*\*:?,?) (?!asks)")
FOLDED_SOLUTION = re.compile(r"\n*<details><summary>Solution</summary>.*?</details>\n*", re.DOTALL)
UNFOLD = " Click the bar at its left to unfold it."
ABOUT_SOLUTIONS = re.compile(
    rf"[^.!?\n]*\b(?:folded solution|solution cell)\b[^.!?\n]*[.!?](?:{UNFOLD})?"
)
READ_ON = "Run the cell above, then read on"


class NoSolutions(Preprocessor):
    """Leave out what the prose says of solutions, as their cells are out."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple:
        """Edit one cell of Markdown."""
        if cell.cell_type == "markdown":
            text = FOLDED_SOLUTION.sub("", cell.source).replace("Hints and solutions", "Hints")
            cell.source = ABOUT_SOLUTIONS.sub("", text)
        return cell, resources


class AskFirst(Preprocessor):
    """Clear the outputs that a Predict asks about, and fold the paragraph that reads them."""

    def preprocess(self, notebook: NotebookNode, resources: dict) -> tuple:
        """Edit a whole notebook."""
        asking = False
        for cell in notebook.cells:
            if cell.cell_type == "code":
                exercise = EXERCISE_TAGS & {*cell.metadata.get("tags", [])}
                if asking and not exercise:
                    cell.outputs, cell.execution_count = [], None
                asking = asking and not exercise
            else:
                if asking:
                    cell.source = with_first_folded(cell.source)
                asking = PROMPT.search(cell.source) is not None
        notebook.metadata.pop("widgets", None)  # sliders come back when their cell runs
        return notebook, resources


def with_first_folded(source: str) -> str:
    """Fold a cell's first paragraph, unless it's a heading or a line that only leads on."""
    first, gap, rest = source.partition("\n\n")
    leads_on = first.endswith(":") and not re.search(r"[.!?] ", first)
    if leads_on or first.startswith(("#", "|", "<", "- ")) or not re.search(r"[.!?:)*`]$", first):
        return source
    return f"<details><summary>{READ_ON}</summary>\n\n{first}\n\n</details>{gap}{rest}"


class OpenSolutions(Preprocessor):
    """Unfold the solutions and what they print."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple:
        """Edit one cell."""
        if "solution" in cell.metadata.get("tags", []):
            cell.metadata.pop("jupyter", None)
        elif cell.cell_type == "markdown":
            text = FOLDED_SOLUTION.sub("", cell.source).replace(UNFOLD, "")
            text = text.replace("Hints and solutions are folded", "Hints are folded")
            cell.source = text.replace("folded solution", "solution")
        return cell, resources


def exporter(*preprocessors: type[Preprocessor]) -> NotebookExporter:
    """Make an exporter that applies these; cells tagged as solutions go where asked."""
    config = Config()
    config.TagRemovePreprocessor.remove_cell_tags = ("solution",)
    return NotebookExporter(config=config, preprocessors=[*preprocessors])


def write_notebooks(target: Path) -> None:
    """Write both folders."""
    kinds = {
        "students": exporter(NoSolutions, AskFirst, TagRemovePreprocessor),
        "teacher": exporter(OpenSolutions),
    }
    for folder, export in kinds.items():
        (target / folder).mkdir(parents=True)
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            text, _ = export.from_filename(str(path))
            (target / folder / path.name).write_text(
                text.rstrip() + "\n", encoding="utf-8", newline="\n"
            )


def write_zip(target: Path) -> None:
    """Pack everything, in order and without the time of day."""
    files = sorted(path for path in target.rglob("*") if path.is_file())
    with zipfile.ZipFile(target / "class.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            name = Path("class") / path.relative_to(target)
            entry = zipfile.ZipInfo(name.as_posix())  # dated 1980
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, path.read_bytes())


def main(target: Path = TARGET) -> None:
    """Write the folder, after removing the class that was there."""
    ours = target == TARGET or (target / "class.zip").exists()
    if target.exists() and any(target.iterdir()) and not ours:
        sys.exit(f"{target} is there and isn't a class of ours: nothing was changed")
    shutil.rmtree(target, ignore_errors=True)
    write_notebooks(target)
    shutil.copy(HERE / "class-readme.md", target / "README.md")
    write_zip(target)
    count = len([*(target / "students").glob("*.ipynb")])
    print(f"{target}: {count} notebooks for students and for the teacher, and class.zip")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
