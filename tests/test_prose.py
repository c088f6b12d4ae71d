"""A number in a notebook's prose comes from the notebook: from an output, or from its code."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

PATHS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
NUMBER = re.compile(r"(?<![\w.,/^-])\d[\d,]*(?:\.\d+)?(?![\w/]|[.,]\d)")
IN_CODE = re.compile(r"\d[\d,_]*(?:\.\d+)?(?:e[-+]?\d+)?")
# What isn't a measurement: formulas and code, links, years, headings and the lines that count
# sections, exercises, notebooks, minutes or a figure's, a paper's and a chapter's number.
ASIDE = re.compile(
    r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)|<[^>]*>|https?://\S+"
    r"|\b(?:19|20)\d\d\b|^#.*?$|\b(?:[Ss]ections?|[Nn]otebooks?|[Ee]xercises?|[Ss]teps?|[Cc]ells?"
    r"|[Cc]hapters?|PyTorch|Python|torchtext)\s+\d[\d.]*(?:(?:, | and | to |–)\d+)*"
    r"|^\d+\. |\b\d+ (?:min(?:utes?)?|seconds|CPU cores)\b|\[\d\d[ ·]|\b[01]\d\b(?![.,%\d])"
    r"|≈?10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+",
    re.DOTALL | re.MULTILINE,
)
SMALL = 12  # up to here a number is counted on the fingers: "3 of the 7 tokens"

# By notebook: numbers that the sentence works out itself, or takes from elsewhere.
ELSEWHERE = {
    "06": {"52", "29500"},  # the 252 steps of a run less 200; torchrun's usual port
    "07": {"112"},  # 16 bytes for each of 7 billion weights
    "09": {"0.71", "0.60", "0.89", "0.90"},  # two more seeds, and how to train them
    # two more seeds of both networks: validation, then test
    "11": {"36.5", "36.7", "21.9", "23.7", "44.0", "43.3", "40.5", "41.1", "28.3"},
    "12": {"1,199"},  # a batch of 1,200 documents but one
    "14": {"257", "6,000"},  # one place more than 256; 96 pieces of 63 characters
}


def value(text: str) -> float:
    return float(text.replace(",", "").replace("_", ""))


def numbers_behind(notebook: nbformat.NotebookNode) -> set[float]:
    """Find every number that the notebook computes, shows or sets."""
    texts = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        texts.append(cell.source)
        for output in cell.outputs:
            texts.append(output.get("text", ""))
            texts += [str(data) for kind, data in output.get("data", {}).items() if "text" in kind]
            texts.append(output.get("metadata", {}).get("image/png", {}).get("alt", ""))
    found = IN_CODE.findall(" ".join(texts).replace("\u2212", "-"))
    return {value(number) for number in found}


def is_behind(number: str, behind: set[float]) -> bool:
    """Say whether a number, or the percentage that it is, is one of these, rounded."""
    digits = len(number.partition(".")[2])
    half = 0.5 * 10**-digits + 1e-9
    if digits == 0 and number.endswith("00"):  # "about 300", "1,500": to two digits
        half = 0.5 * 10 ** (len(number.replace(",", "")) - 2)
    return any(abs(value(number) - scale * b) <= half for b in behind for scale in (1, 100))


def orphans(notebook: nbformat.NotebookNode) -> list[tuple[int, str, str]]:
    """List the prose's numbers that nothing in the notebook is behind: cell, number, context."""
    behind, found = numbers_behind(notebook), []
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown" or place == 0:
            continue
        text = ASIDE.sub(lambda match: " " * len(match[0]), cell.source)
        for match in NUMBER.finditer(text):
            number = match[0].rstrip(",")
            counted = value(number) <= SMALL and "." not in number
            if not counted and not is_behind(number, behind):
                around = cell.source[max(0, match.start() - 40) : match.end() + 30]
                found.append((place, number, around.replace("\n", " ")))
    return found


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_numbers_in_prose_come_from_the_notebook(path: Path) -> None:
    exempt = ELSEWHERE.get(path.name[:2], set())
    left = [row for row in orphans(nbformat.read(path, as_version=4)) if row[1] not in exempt]
    assert not left, "\n".join(f"cell {place}: {number}: …{text}…" for place, number, text in left)
