"""The notebooks of a class: students' without answers, the teacher's with all of them."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import make_class
import nbformat
import pytest
from exercise_cells import Book, bound, free

ROOT = Path(__file__).parents[1]
NAMES = [path.name for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("class") / "class"
    make_class.main(folder)
    return folder


def tagged(notebook: nbformat.NotebookNode, tag: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def prose(notebook: nbformat.NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("name", NAMES)
def test_students_get_stubs_checks_and_hints_but_no_solution(folder: Path, name: str) -> None:
    ours = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    theirs = nbformat.read(folder / "students" / name, as_version=4)
    nbformat.validate(theirs)
    assert not tagged(theirs, "solution")
    for tag in ("exercise", "check"):
        assert [c.source for c in tagged(theirs, tag)] == [c.source for c in tagged(ours, tag)]
        assert [c.id for c in tagged(theirs, tag)] == [c.id for c in tagged(ours, tag)]
    for check in tagged(theirs, "check"):
        assert check.metadata.jupyter.source_hidden
        assert "not tried yet" in "".join(output.get("text", "") for output in check.outputs)
    text = prose(theirs)
    assert text.count("<summary>Hint</summary>") == len(tagged(ours, "exercise"))
    assert not re.search(r"folded solution|solution cell|and solutions|Solution</summary>", text)
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("name", NAMES)
def test_no_cell_of_the_students_needs_a_name_from_a_solution(folder: Path, name: str) -> None:
    theirs = Book(folder / "students" / name).cells
    kept = set().union(*(bound(cell.source) for cell in theirs))
    for cell in Book(ROOT / "notebooks" / name).cells:
        if "solution" in cell.tags:
            gone = {*bound(cell.source)} - kept
            assert not [other.id for other in theirs if free(other.source) & gone], gone


@pytest.mark.parametrize("name", NAMES)
def test_what_a_predict_asks_for_is_out_up_to_the_next_paragraph(folder: Path, name: str) -> None:
    ours = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    theirs = {c.id: c for c in nbformat.read(folder / "students" / name, as_version=4).cells}
    asked, asking, kept = 0, False, 0
    for cell in ours.cells:
        tags = {*cell.metadata.get("tags", [])}
        if cell.cell_type == "markdown":
            asking = (
                bool(re.search(r"\*\*Predict", cell.source)) and "## Exercises" not in cell.source
            )
            asked += asking
        elif asking and not tags:
            assert theirs[cell.id].outputs == [] and theirs[cell.id].execution_count is None
        elif not asking and "solution" not in tags:
            assert theirs[cell.id].outputs == cell.outputs
            kept += bool(cell.outputs)
    assert asked >= 1 and kept >= 3


def test_the_paragraph_that_gives_it_away_is_folded(folder: Path) -> None:
    notebook = nbformat.read(folder / "students" / "01_concepts.ipynb", as_version=4)
    cell = next(cell for cell in notebook.cells if "Infinite!" in cell.source)
    fold = f"<details><summary>{make_class.READ_ON}</summary>\n\nInfinite!"
    assert cell.source.startswith(fold)
    assert make_class.with_first_folded("Here are four:\n\nMore.") == "Here are four:\n\nMore."
    assert make_class.with_first_folded("## 2 · Next") == "## 2 · Next"


@pytest.mark.parametrize("name", NAMES)
def test_the_teacher_has_everything_with_solutions_open(folder: Path, name: str) -> None:
    ours = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    theirs = nbformat.read(folder / "teacher" / name, as_version=4)
    for mine, other in zip(ours.cells, theirs.cells, strict=True):
        assert mine.id == other.id and mine.get("outputs") == other.get("outputs")
        assert mine.cell_type == "markdown" or mine.source == other.source
    assert tagged(theirs, "solution")
    assert not [c for c in tagged(theirs, "solution") if c.metadata.get("jupyter")]


def test_the_zip_is_the_same_every_time_and_holds_it_all(folder: Path, tmp_path: Path) -> None:
    make_class.main(tmp_path / "again")
    packed = (folder / "class.zip").read_bytes()
    assert packed == (tmp_path / "again" / "class.zip").read_bytes()
    with zipfile.ZipFile(folder / "class.zip") as archive:
        wanted = [f"class/{who}/{name}" for who in ("students", "teacher") for name in NAMES]
        assert archive.namelist() == ["class/README.md", *wanted]
        assert archive.read("class/README.md") == (folder / "README.md").read_bytes()


def test_the_readme_names_commands_that_are_there(folder: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`make (\w+)", (folder / "README.md").read_text())):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SystemExit, match="isn't a class of ours: nothing was changed"):
        make_class.main(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
