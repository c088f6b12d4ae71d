"""The house style of the notebooks, as far as nbval can't check it."""

from __future__ import annotations

import ast
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TAGS = {"exercise", "check", "solution", "nbval-ignore-output"}


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def notebook(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: NotebookNode, tag: str | None = None) -> list[NotebookNode]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [c for c in cells if tag is None or tag in c.metadata.get("tags", [])]


def printed(cell: NotebookNode) -> str:
    return "".join(out.text for out in cell.outputs if out.output_type == "stream")


def test_there_are_notebooks() -> None:
    assert [path.name[:2] for path in PATHS] == sorted({path.name[:2] for path in PATHS})
    assert PATHS[0].name == "00_start_here.ipynb"


def test_stored_from_one_run_without_an_error_or_stderr(notebook: NotebookNode) -> None:
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error", output
            assert output.get("name") != "stderr", output
    nbformat.validate(notebook)


def test_any_python_kernel_opens_it(notebook: NotebookNode) -> None:
    assert notebook.metadata.kernelspec.name == "python3"


def test_every_figure_says_in_words_what_it_shows(notebook: NotebookNode) -> None:
    figures = 0
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                figures += 1
                assert len(output.metadata["image/png"]["alt"]) >= 20
    assert figures >= 2


def test_opens_with_question_aims_needs_and_run_time(notebook: NotebookNode, path: Path) -> None:
    first = notebook.cells[0].source
    assert first.startswith(f"# {path.name[:2]} · ")
    assert "**The question:" in first and "**You need:**" in first
    assert re.search(r"\*\*Run time:\*\* about \d+ (seconds|minutes) on 2 CPU cores", first)
    aims = first.split("**You will be able to**")[1].split("**You need:**")[0]
    assert len(re.findall(r"^- \*\w+\*", aims, flags=re.MULTILINE)) == 3


def test_setup_cell_is_imports_and_a_seed(notebook: NotebookNode) -> None:
    statements = ast.parse(code_cells(notebook)[0].source).body
    assert len(statements) <= 10
    *imports, last = statements
    assert all(isinstance(node, ast.Import | ast.ImportFrom) for node in imports)
    assert ast.unparse(last).endswith("seed_everything(0)")


def test_cells_are_short(notebook: NotebookNode) -> None:
    lengths = [
        len([line for line in cell.source.splitlines() if line.strip()])
        for cell in code_cells(notebook)
    ]
    assert max(lengths) <= 30
    assert statistics.median(lengths) <= 10


def test_paragraphs_are_short(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for paragraph in re.split(r"\n\s*\n|\n- |\n\d\. |\n\|", cell.source):
                assert len(paragraph.split()) <= 120, paragraph


def test_exercises_check_themselves(notebook: NotebookNode) -> None:
    stubs, checks = code_cells(notebook, "exercise"), code_cells(notebook, "check")
    solutions = code_cells(notebook, "solution")
    headings = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    titles = re.findall(r"^### Exercise \d · .+ \(\d+ minutes, ★{1,3}", headings, re.MULTILINE)
    assert len(titles) == len(stubs) == len(checks) == len(solutions) >= 3
    assert headings.count("<summary>Hint</summary>") == len(stubs)
    for check in checks:
        assert "not tried yet" in printed(check)
        assert check.metadata.jupyter.source_hidden
    for solution in solutions:
        verdicts = re.findall(r"^[✔✘]", printed(solution), re.MULTILINE)
        assert verdicts[0] == "✔" and "✘" in verdicts[1:]
        assert solution.metadata.jupyter.source_hidden
        assert solution.metadata.jupyter.outputs_hidden


def test_closes_with_what_was_learned(notebook: NotebookNode) -> None:
    last = notebook.cells[-1].source
    assert last.startswith("## What you now own") and "New words:" in last
    assert len(re.findall(r"^- ", last, re.MULTILINE)) >= 5


def test_links_lead_somewhere(notebook: NotebookNode, path: Path) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)#]+)", cell.source):
                assert (path.parent / target).is_file(), target


def test_few_outputs_are_ignored_and_tags_are_known(notebook: NotebookNode) -> None:
    cells = code_cells(notebook)
    assert {tag for cell in cells for tag in cell.metadata.get("tags", [])} <= TAGS
    ignored = code_cells(notebook, "nbval-ignore-output")
    assert len(ignored) <= 0.15 * len(cells)


def test_file_is_light_and_shows_no_path_of_a_machine(notebook: NotebookNode, path: Path) -> None:
    assert path.stat().st_size <= 2**20
    for cell in code_cells(notebook):
        for output in cell.outputs:
            text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            assert not re.search(r"/(home|root|tmp|Users|work|private)/|[A-Z]:\\", text), text


def test_readme_lists_every_notebook_with_its_run_time(notebook: NotebookNode, path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    number, unit = re.search(r"about (\d+) (seconds|minutes)", notebook.cells[0].source).groups()
    short = {"seconds": "s", "minutes": "min"}[unit]
    row = next(line for line in readme.splitlines() if f"(notebooks/{path.name})" in line)
    assert f"| {number} {short} |" in row


def test_the_table_of_00_gives_each_notebook_its_own_question(
    notebook: NotebookNode, path: Path
) -> None:
    table = nbformat.read(PATHS[0], as_version=4)
    rows = [r for cell in table.cells for r in cell.source.splitlines() if r.startswith("| ")]
    name = f"({path.name})" if path != PATHS[0] else "**00 · Start here**"
    row = next(row for row in rows if name in row)
    question = re.search(r"\*\*The question: (.+)\*\*", notebook.cells[0].source)[1]
    question = question.replace("$", "")
    assert row.endswith(f"| {question[0].upper()}{question[1:]} |")


def test_first_cell_leads_to_the_notebooks_before_and_after(
    notebook: NotebookNode, path: Path
) -> None:
    place, first = PATHS.index(path), notebook.cells[0].source
    for word, other in (("Before", place - 1), ("Next", place + 1)):
        if 0 <= other < len(PATHS):
            assert re.search(rf"\*\*{word}:\*\* \[.+?\]\({PATHS[other].name}\)", first)


def test_notebook_14_compares_with_what_08_printed() -> None:
    of_08, of_14 = (nbformat.read(PATHS[number], as_version=4) for number in (8, 14))
    found = "\n".join(printed(cell) for cell in code_cells(of_08))
    measured = dict(re.findall(r"^(Kneser–Ney \w+) +validation perplexity ([\d.]+)$", found, re.M))
    by_epoch = re.search(r"^validation perplexity by epoch: \[.*, ([\d.]+)\]$", found, re.M)
    measured["GRU, read three times"] = by_epoch[1]
    code = "\n".join(cell.source for cell in code_cells(of_14))
    quoted = ast.literal_eval(re.search(r"^FROM_08 = (\{.+\})$", code, re.M)[1])
    assert quoted == {name: float(value) for name, value in measured.items()}


def nbval(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    command += ["--nbval", "--nbval-current-env", "--nbval-sanitize-with"]
    command += [
        str(ROOT / "tests" / "nbval_sanitize.cfg"),
        "--rootdir",
        str(path.parent),
        str(path),
    ]
    return subprocess.run(command, capture_output=True, text=True, cwd=path.parent)


def test_one_changed_digit_fails_validation(tmp_path: Path) -> None:
    source = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    output = nbformat.v4.new_output("stream", name="stdout", text="accuracy 0.81\n")
    cell = nbformat.v4.new_code_cell("print('accuracy', 0.81)", execution_count=1, outputs=[output])
    source.cells = [cell]
    right, wrong = tmp_path / "right.ipynb", tmp_path / "wrong.ipynb"
    nbformat.write(source, right)
    shutil.copy(right, wrong)
    wrong.write_text(wrong.read_text().replace("accuracy 0.81\\n", "accuracy 0.82\\n"))
    assert nbval(right).returncode == 0
    failed = nbval(wrong)
    assert failed.returncode == 1 and "0.82" in failed.stdout
