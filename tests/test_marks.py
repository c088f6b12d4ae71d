"""Mark a class that does everything a class can do, and some things that it shouldn't."""

from __future__ import annotations

import csv
import html
import shutil
import subprocess
import sys
from pathlib import Path

import exercise_cells
import handed_in
import nbformat
import psutil
import pytest
import sandbox
from make_marks import MEMORY, NOTEBOOKS, collect, place, restored

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows: no fork, no links")

ROOT = Path(__file__).parents[1]
SECONDS = 6
BOOK = exercise_cells.Book(ROOT / "notebooks" / "02_linear_layer.ipynb")
COUNT, LAYER, LINE, GATES, POINTS = (exercise.stub_id for exercise in BOOK.exercises.values())
COUNT_CHECK = next(c.id for c in BOOK.cells if c.source == BOOK.exercises[1].check)

RIGHT = "def numbers_to_learn(inputs, outputs):\n    return (inputs + 1) * outputs"
WRONG = "def numbers_to_learn(inputs, outputs):\n    return inputs * outputs"
RIGHT_LAYER = "def linear_layer(X, W, b):\n    return torch.sigmoid(X @ W.T + b)"
LONG_SLEEP = "86431.5"  # seconds, by which a process that should be gone is recognized
# By exercise: a notebook of 02 with these answers, and what the table has to say of them.
HANDED_IN = {
    "right": ({COUNT: RIGHT, LAYER: RIGHT_LAYER}, ["right", "right"]),
    "wrong": ({COUNT: WRONG}, ["wrong: You forgot the biases: there is one per output."]),
    "untouched": ({}, ["not tried"] * 5),
    "syntax-error": (
        {COUNT: "def numbers_to_learn(inputs, outputs)\n    return 1", LAYER: RIGHT_LAYER},
        ["error: SyntaxError: expected ':' (line 1 of the cell)", "right"],
    ),
    "endless-loop": (
        {COUNT: RIGHT.replace("return", "while True: pass\n    return"), LAYER: RIGHT_LAYER},
        [f"error: It ran for more than {SECONDS} seconds.", "right"],
    ),
    "prints-100-MB": (
        {COUNT: f"for _ in range(100):\n    print('✔ right' * 125_000)\n{RIGHT}"},
        ["right"],
    ),
    "prints-a-tick": (
        {COUNT: f"print('✔ right')\n{WRONG}", COUNT_CHECK: "print('✔ right')"},
        ["wrong: You forgot the biases: there is one per output."],
    ),
    "patches-the-check": (
        {
            COUNT: "from llm_helpers import checks\n"
            f"checks.check_function = lambda *a, **k: print('✔ right')\n{WRONG}",
            LAYER: "torch.allclose = lambda *a, **k: True\n"
            "def linear_layer(X, W, b):\n    return X @ W.T + b",
        },
        ["wrong: You forgot", "error: After this answer ran, the check accepts wrong ones, too."],
    ),
    "exits": (
        {
            COUNT: "import sys\nsys.exit()",
            LAYER: "import os\nos._exit(0)",
            GATES: f"AND = OR = {'-' * 20_000}1",
        },
        ["error: SystemExit", "error: It stopped Python.", "not tried", "error: "],
    ),
    "fills-the-memory": (
        # in one piece: filling it bit by bit would be a race against the limit on seconds
        {COUNT: f"much = bytearray({2 * MEMORY})\n{RIGHT}"},
        ["error: MemoryError"] if Path("/proc/self/status").is_file() else ["right"],
    ),
    "leaves-processes": (
        {
            COUNT: "import os, subprocess, sys, time\n"
            f"sleep = [sys.executable, '-c', 'import time; time.sleep({LONG_SLEEP})']\n"
            "subprocess.Popen(sleep, start_new_session=True)\n"
            "if os.fork() == 0:\n    os.setsid()\n    os.execv(sleep[0], sleep)\n"
            f"{RIGHT}"
        },
        ["right"],
    ),
}


def code(source: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_code_cell(source)


def with_answers(answers: dict[str, str]) -> nbformat.NotebookNode:
    notebook = nbformat.read(ROOT / "notebooks" / "02_linear_layer.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
        if cell.cell_type == "code":
            cell.outputs = []
    return notebook


def hand_in(folder: Path) -> None:
    """Write what the class hands in."""
    for student, (answers, _) in HANDED_IN.items():
        nbformat.write(with_answers(answers), folder / f"{student}.ipynb")

    renamed = with_answers({COUNT: RIGHT, LAYER: RIGHT_LAYER})
    for number, cell in enumerate(renamed.cells):
        cell.id = f"other-{number}"
    nbformat.write(renamed, folder / "renamed-cells.ipynb")

    few = [code("import torch"), code("%%time\n" + WRONG), code(f"{RIGHT}\n!ls"), code(RIGHT_LAYER)]
    nbformat.write(nbformat.v4.new_notebook(cells=few), folder / "new-cells-alone.ipynb")

    extra = with_answers({COUNT: "numbers_to_learn = lambda i, o: times(i, o) + total(o)"})
    extra.cells.insert(3, code("from math import prod as p\n\ndef times(*n):\n    return p(n)"))
    extra.cells.insert(40, code("print(1 / 0)\ntotal = sum  # a first try"))
    extra.cells.append(code("def total(n):\n    return sum([1] * n)"))
    extra.cells.append(code(RIGHT_LAYER))
    nbformat.write(extra, folder / "extra-cells.ipynb")

    piece = with_answers({COUNT: RIGHT.replace("(inputs + 1)", "(inputs + total)")})
    piece.cells.insert(3, code("ones = []\ntotal = 0\nfor n in range(1):\n    ones.append(n + 1)"))
    answer = next(cell for cell in piece.cells if cell.id == COUNT)
    answer.source = f"total += sum(ones)\n{answer.source}"
    nbformat.write(piece, folder / "piece-by-piece.ipynb")

    (folder / "in-a-folder").mkdir()
    start = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
    stub = next(cell for cell in start.cells if cell.source == "loss_of_guessing = ...")
    stub.source = "import math\nloss_of_guessing = math.log(2)"
    nbformat.write(start, folder / "in-a-folder" / "mine.ipynb")

    (folder / "no-notebook.ipynb").write_text("Dear teacher, my dog ate it.")
    whole = (folder / "right.ipynb").read_bytes()
    (folder / "cut-short.ipynb").write_bytes(whole[: len(whole) // 2])
    (folder / "nested.ipynb").write_text("[" * 100_000)
    (folder / "elsewhere.ipynb").symlink_to("/etc/hosts")

    hunt = f"""
from pathlib import Path
for place in ({str(folder)!r}, ".", "..", "../handed-in", "../../handed-in"):
    for path in [Path(place) / "right.ipynb", Path(place) / "vandal.ipynb"]:
        try:
            path.unlink(missing_ok=True)
            path.write_text("gone")
        except OSError:
            pass
{RIGHT}"""
    nbformat.write(with_answers({COUNT: hunt}), folder / "vandal.ipynb")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[str]], str]:
    """Mark them all; give the table's rows by student, and the page."""
    home = tmp_path_factory.mktemp("class")
    (home / "handed-in").mkdir()
    hand_in(home / "handed-in")
    before = {path: path.read_bytes() for path in (home / "handed-in").rglob("*.ipynb")}
    marks = [sys.executable, str(ROOT / "kit" / "make_marks.py"), str(home / "handed-in")]
    marks += ["--out", str(home / "marks"), "--seconds", str(SECONDS)]
    done = subprocess.run(marks, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in (home / "handed-in").rglob("*.ipynb")} == before
    with (home / "marks" / "marks.csv").open(encoding="utf-8-sig") as source:
        rows = {row[0]: row[1:] for row in csv.reader(source)}
    return rows, (home / "marks" / "marks.html").read_text(encoding="utf-8")


def verdicts(table: tuple, student: str) -> list[str]:
    return table[0][student][3:8]


@pytest.mark.parametrize("student", HANDED_IN)
def test_each_answer_gets_its_verdict(table: tuple, student: str) -> None:
    wanted = HANDED_IN[student][1]
    found = verdicts(table, student)
    assert all(f.startswith(w) for f, w in zip(found, wanted, strict=False)), found
    assert set(found[len(wanted) :]) <= {"not tried"}


def test_answers_are_found_wherever_they_are(table: tuple) -> None:
    for student in ("renamed-cells", "new-cells-alone", "extra-cells"):
        assert verdicts(table, student)[:2] == ["right", "right"], student
    assert verdicts(table, "piece-by-piece")[0] == "right"


def test_other_notebooks_and_folders_of_students(table: tuple) -> None:
    assert table[0]["in-a-folder"][:3] == ["00_start_here", "1", "4"]
    assert verdicts(table, "in-a-folder")[:4] == ["not tried", "right", "not tried", "not tried"]


def test_what_is_no_notebook_is_named(table: tuple) -> None:
    for student in ("no-notebook", "cut-short", "nested"):
        assert table[0][student][-1] == "This file isn't a notebook."
    assert table[0]["elsewhere"][-1] == "This isn't a file."


def test_a_vandal_is_right_and_touches_nothing(table: tuple) -> None:
    assert verdicts(table, "vandal")[0] == verdicts(table, "right")[0] == "right"  # and the fixture


def test_no_process_is_left(table: tuple) -> None:
    assert verdicts(table, "leaves-processes")[0] == "right"
    lines = [" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines if LONG_SLEEP in line]


def test_the_page_shows_every_student_and_escapes_what_they_wrote(table: tuple) -> None:
    rows, page = table
    for student in rows.keys() - {"student"}:
        assert html.escape(student) in page
    assert "AND and OR" in page and "You forgot the biases" in page
    assert f"An answer with its check had {SECONDS} seconds" in page and "<script" not in page
    assert len(page) < 200_000


def write_papers(folder: Path, *names: str) -> None:
    """Write files whose whole content is their name."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_a_notebook_is_found_however_deep_and_nothing_beyond_a_link(tmp_path: Path) -> None:
    home, away = tmp_path / "handed-in", tmp_path / "elsewhere"
    write_papers(away, "02.ipynb", "more/02.ipynb")
    write_papers(home, "anna.ipynb", "ben/00.ipynb", "ben/notebooks/01.ipynb", "carla/a/b/02.ipynb")
    write_papers(home, "ben/.ipynb_checkpoints/00-checkpoint.ipynb", "ben/notes.txt")
    write_papers(home, "__MACOSX/ben/._00.ipynb", "__MACOSX/02.ipynb", "ben/._00.ipynb")
    (home / "dora").symlink_to(away)
    (home / "emil").mkdir()
    (home / "emil" / "mine").symlink_to(away)
    (home / "emil" / "03.ipynb").symlink_to(away / "02.ipynb")
    found = [(p.student, p.content.decode(), p.refused) for p in collect(home)]
    assert found == [
        ("anna", "anna.ipynb", ""),
        ("ben", "ben/00.ipynb", ""),
        ("ben", "ben/notebooks/01.ipynb", ""),
        ("carla", "carla/a/b/02.ipynb", ""),
        ("dora", "", "This isn't a file."),
        ("emil", "", "This isn't a file."),
        ("emil", "", "This isn't a file."),
    ]


def test_a_tilde_that_the_shell_left_is_the_home_folder() -> None:
    assert place("~/hw") == Path.home() / "hw" and place("hw~") == Path("hw~")


def test_a_changed_file_is_put_back(tmp_path: Path) -> None:
    write_papers(tmp_path, "anna.ipynb", "ben/notebooks/00.ipynb")
    papers = collect(tmp_path)
    (tmp_path / "anna.ipynb").write_text("gone")
    shutil.rmtree(tmp_path / "ben")
    assert [path.stem for path in restored(papers)] == ["anna", "00"]
    assert [paper.path.read_text() for paper in papers] == ["anna.ipynb", "ben/notebooks/00.ipynb"]
    assert restored(papers) == []


def test_marks_are_given_for_the_trained_model() -> None:
    book = exercise_cells.Book(ROOT / "notebooks" / "00_start_here.ipynb")
    assert "optimizer.step()" in "\n".join(book.needed([1], ["my_sentence = ''"]))
    assert "optimizer.step()" not in "\n".join(book.needed([2], ["loss_of_guessing = 1"]))


def test_only_what_is_no_python_is_left_out() -> None:
    python = 'x = """\n%time\nwhy?\n"""\ny = (7\n     % 4)'
    assert handed_in.plain(python) == python
    assert handed_in.plain("%%time\nx = 1\n!ls\nx?\ny = (7\n% 4)") == "x = 1\ny = (7\n% 4)"


def test_a_folder_of_ours_is_known_by_its_cells() -> None:
    books = [exercise_cells.Book(path) for path in NOTEBOOKS]
    for path in NOTEBOOKS:
        assert handed_in.best_match(handed_in.read(path.read_bytes()), books).name == path.stem


@pytest.mark.skipif(not sandbox.without_network(), reason="unshare isn't allowed here")
def test_the_fence_has_no_network() -> None:
    ask = "import socket; socket.create_connection(('127.0.0.1', 1))"
    done = subprocess.run(
        [*sandbox.without_network(), sys.executable, "-c", ask], capture_output=True, text=True
    )
    assert done.returncode and "unreachable" in done.stderr


def test_landlock_lets_write_in_one_folder_only(tmp_path: Path) -> None:
    for name in ("mine", "other"):
        (tmp_path / name).mkdir()
    program = f"""
import sys
sys.path.insert(0, {str(ROOT / "kit")!r})
from pathlib import Path
import sandbox
if not sandbox.lock_files([Path("mine")]):
    sys.exit(3)
Path("mine/a").write_text("a")
for broken in (lambda: Path("other/a").write_text("a"), lambda: Path("mine").rename("other/b")):
    try:
        broken()
    except OSError:
        pass
    else:
        sys.exit(4)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env={})
    if done.returncode == 3:
        pytest.skip("no Landlock here")
    assert done.returncode == 0 and not list((tmp_path / "other").iterdir())
    shutil.rmtree(tmp_path)
