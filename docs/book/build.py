"""Build the book: ``build/book/``, a site of all notebooks from their stored outputs, offline.

The notebooks are staged first, as copies that carry what MyST-NB needs to know; then the pages
beside this file are filled in (they are Jinja templates), and then Sphinx writes the site.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import jinja2
from sphinx.cmd.build import build_main

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PARTS = {
    "I · First principles": range(0, 4),
    "II · A model that reads and writes": range(4, 9),
    "III · What it’s good for": range(9, 14),
    "IV · Large": range(14, 18),
}
PAGES = ("index", "questions", "glossary", "teachers")
EXPLORER = re.compile(r"^\(Run this cell and controls appear here: (.*)\.\)\n?", re.M)
DOWNLOAD = (
    '<p class="download"><a href="../{name}.ipynb" download>Download this notebook</a>, '
    "or open it with <code>make lab</code>.</p>\n"
)
CHART = "application/vnd.vegalite.v5+json"
# package, folder in it, files: what the browser needs and the network would otherwise give
VENDORED = (
    ("sphinx-mathjax-offline", "sphinx-mathjax-offline/static/mathjax", "mathjax", "tex-svg.js"),
    ("django-js-lib-vega-embed", "js_lib_vega_embed/static/js_lib_vega_embed", "vega", "*-full.js"),
)

Notebook = dict[str, Any]
Cell = dict[str, Any]


class BookError(Exception):
    """A page asks for something that the notebooks don't hold (any more)."""


# ---------------------------------------------------------------- what the notebooks say


def text_of(value: str | list[str]) -> str:
    """Join the lines as which a notebook's file keeps a text."""
    return value if isinstance(value, str) else "".join(value)


def printed(cell: Cell) -> str:
    """Return all text that a cell printed or displayed."""
    pieces = []
    for output in cell.get("outputs", []):
        text = text_of(output.get("text") or output.get("data", {}).get("text/plain", ""))
        # a kernel may cut what a cell prints anywhere, even within a line
        pieces.append(text if output["output_type"] == "stream" else f"\n{text}\n")
    return "".join(pieces)


def anchor(cell: Cell) -> str:
    """Return the name by which a page of the book links to a cell."""
    return f"cell-{cell['id']}"


class Book:
    """All notebooks, and what the pages ask them: figures, prompts, exercises, new words."""

    def __init__(self, folder: Path) -> None:
        self.notebooks: dict[str, Notebook] = {
            path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))
        }

    def cells(self, name: str, kind: str) -> list[Cell]:
        """Return a notebook's cells of one kind, "code" or "markdown"."""
        return [c for c in self.notebooks[name]["cells"] if c["cell_type"] == kind]

    def texts(self, name: str) -> list[tuple[Cell, str]]:
        """Return the Markdown cells of a notebook, each with its text."""
        return [(cell, text_of(cell["source"])) for cell in self.cells(name, "markdown")]

    def part(self, number: int) -> list[str]:
        """Return the names of the notebooks in a part of the collection, 0 to 3."""
        return [n for n in self.notebooks if int(n[:2]) in list(PARTS.values())[number]]

    def head(self, name: str, pattern: str) -> str:
        """Return what a pattern's group finds in the first cell of a notebook."""
        found = re.search(pattern, self.texts(name)[0][1], re.S)
        if found is None:
            raise BookError(f"{name}: its first cell has no {pattern!r}")
        return found[1]

    def title(self, name: str) -> str:
        """Return a notebook's title, such as "06 · Training"."""
        return self.head(name, r"# ([^\n]+)")

    def question(self, name: str) -> str:
        """Return the question that a notebook answers."""
        question = self.head(name, r"\*\*The question: (.+?)\*\*")
        return question[0].upper() + question[1:]

    def time(self, name: str) -> str:
        """Return a notebook's run time as its first cell says, such as "4 minutes"."""
        time = self.head(name, r"\*\*Run time:\*\* about (\d+ (?:second|minute)s?)")
        return time.replace(" ", "\N{NO-BREAK SPACE}")

    def seconds(self, name: str) -> int:
        """Return a notebook's run time in seconds."""
        number, unit = self.time(name).split()
        return int(number) * (60 if unit.startswith("minute") else 1)

    def figure(self, name: str, pattern: str) -> str:
        """Return a number that a notebook printed, as a link to the cell that printed it.

        Raises:
            BookError: not exactly one cell of the notebook prints what the pattern describes.
        """
        notebook = next((n for n in self.notebooks if n.startswith(name)), None)
        if notebook is None:
            raise BookError(f"there is no notebook {name}")
        cells = [(cell, re.search(pattern, printed(cell))) for cell in self.cells(notebook, "code")]
        found = [(cell, match) for cell, match in cells if match]
        if len(found) != 1:
            raise BookError(f"{notebook}: {len(found)} cells print {pattern!r}; one was expected")
        cell, match = found[0]
        address = f"notebooks/{notebook}.html#{anchor(cell)}"
        return f'<a class="measured" href="{address}">{html.escape(match[1].strip())}</a>'

    def prompts(self, name: str) -> list[tuple[str, str, str]]:
        """Return the **Predict** prompts of a notebook: address, section, and text."""
        found, section = [], self.title(name)
        for cell, text in self.texts(name):
            for paragraph in text.split("\n\n"):
                if heading := re.match(r"##+ (.+)", paragraph):
                    section = heading[1]
                prompt = re.search(r"\*\*Predict(:?)\*\*(?! asks you)(.+)", paragraph, re.S)
                if prompt:
                    colon, words = prompt[1], " ".join(prompt[2].rstrip().split("\n"))
                    words = first_upper(words.strip()) if colon else f"Predict{words}"
                    found.append((f"notebooks/{name}.html#{anchor(cell)}", section, words))
        return found

    def exercises(self, name: str) -> list[dict[str, str]]:
        """Return a notebook's exercises: their titles, minutes and stars."""
        heading = r"^### Exercise (\d+) · (.+) \((\d+) minutes, (★+)(, open)?\)$"
        keys = ("number", "title", "minutes", "stars", "open")
        lines = [line for _, text in self.texts(name) for line in text.splitlines()]
        found = [match for line in lines if (match := re.match(heading, line))]
        return [dict(zip(keys, match.groups(""), strict=True)) for match in found]

    def minutes(self, name: str) -> int:
        """Estimate a lesson's minutes: reading, looking at code, predicting, and the run time."""
        words = sum(len(text.split()) for text in self.lesson(name, "markdown"))
        lines = sum(len(text.splitlines()) for text in self.lesson(name, "code"))
        minutes = words / 130 + lines / 15 + len(self.prompts(name)) + self.seconds(name) / 60
        return 5 * round(minutes / 5)

    def lesson(self, name: str, kind: str) -> list[str]:
        """Return what a class sees of a notebook: nothing folded, none of the exercises."""
        found = []
        for cell in self.notebooks[name]["cells"]:
            text = text_of(cell["source"])
            if re.search("^## Exercises", text, re.M):
                break
            folded = cell["metadata"].get("jupyter", {}).get("source_hidden")
            if cell["cell_type"] == kind and not folded:
                found.append(text)
        return found

    def new_words(self) -> dict[str, list[str]]:
        """Map each new word to the notebooks that list it, the first one first."""
        words: dict[str, list[str]] = {}
        for name in self.notebooks:
            listed = re.search(r"^- New words: (.+)\.$", self.texts(name)[-1][1], re.M)
            if listed is None:
                raise BookError(f"{name}: its last cell lists no new words")
            for word in listed[1].split(", "):
                words.setdefault(word, []).append(name)
        return words

    def introduction(self, word: str, name: str) -> str:
        """Return the address of the cell in which a notebook introduces a word.

        That's the first one that prints the word in bold, or else the first one that uses it.
        """
        plain = word.split(" (")[0].strip("`").removeprefix("(truncated) ").removesuffix("s")
        stem = re.compile(rf"(?<!\w){re.escape(plain)}".replace(r"\ ", r"[\s-]"), re.I)
        cells = [(c, t) for c, t in self.texts(name) if not t.startswith("## What you now own")]
        bold = [(cell, " ".join(re.findall(r"\*\*([^*]+)\*\*", text))) for cell, text in cells]
        for cell, text in (*bold, *cells):
            if stem.search(text):
                first = cell is self.cells(name, "markdown")[0]
                return f"notebooks/{name}.html" + ("" if first else f"#{anchor(cell)}")
        return f"notebooks/{name}.html#what-you-now-own"

    def glossary(self) -> dict[str, list[tuple[str, str, str]]]:
        """Return the new words by their first letter: word, sentence, links to its notebooks."""
        sentences, words = glossary(), self.new_words()
        if missing := [word for word in words if word not in sentences]:
            raise BookError(f"the glossary lacks {', '.join(missing)}")
        found: dict[str, list[tuple[str, str, str]]] = {}
        for word in sorted(words, key=sort_key):
            letter = sort_key(word)[0].upper()
            entry = (word, sentences[word], self.places(word, words[word]))
            found.setdefault(letter, []).append(entry)
        return found

    def places(self, word: str, names: list[str]) -> str:
        """Return links to where a word is introduced, and to where later notebooks take it up."""
        links = [f'<a href="{self.introduction(word, n)}">{self.title(n)}</a>' for n in names]
        return " and again in ".join(links) if len(links) < 3 else ", ".join(links)

    def weeks(self) -> list[tuple[int, list[str]]]:
        """Return the plan of a term: the notebooks of each week."""
        plan = ("00 01", "02", "03", "04 05", "06", "07", "08", "09 10", "11", "12", "13")
        plan += ("14", "15", "16", "17")
        weeks = [[n for n in self.notebooks if n[:2] in week.split()] for week in plan]
        if sorted(name for week in weeks for name in week) != list(self.notebooks):
            raise BookError("the plan of the term doesn't hold each notebook once")
        return list(enumerate(weeks, 1))

    def links(self, names: list[str]) -> str:
        """Return links to notebooks, by their titles."""
        return ", ".join(f"[{self.title(name)}](notebooks/{name}.ipynb)" for name in names)

    def by_stars(self, name: str, stars: str) -> str:
        """Return a notebook's exercises of one difficulty, with the minutes of each."""
        found = [e for e in self.exercises(name) if e["stars"] == stars]
        return ", ".join(f"{e['number']} · {e['title']} ({e['minutes']} min)" for e in found) or "–"


def first_upper(text: str) -> str:
    """Return a text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def sort_key(word: str) -> str:
    """Return what a word is sorted by: "(truncated) backpropagation…" is found under B."""
    return re.sub(r"\W", "", word.replace("(truncated) ", "").replace("ε", "e")).lower()


def glossary() -> dict[str, str]:
    """Read the glossary: one line for each word, the word and its sentence."""
    lines = (HERE / "glossary.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


# ---------------------------------------------------------------- staging


def chart_html(output: Cell) -> str:
    """Return a chart to touch as HTML: its picture, and what the browser draws over it."""
    data, about = output["data"], output.get("metadata", {})
    drawn = {"spec": data[CHART], "options": about.get(CHART, {}).get("embed_options", {})}
    script = json.dumps(drawn).replace("<", "\\u003c")
    picture = "".join(text_of(data["image/png"]).split())
    alt = html.escape(about["image/png"]["alt"])
    return (
        f'<div class="chart"><img src="data:image/png;base64,{picture}" alt="{alt}">'
        f'<script type="application/json">{script}</script></div>'
    )


def explorer_html(controls: str) -> str:
    """Return what the book shows in the place of an explorer's controls."""
    return (
        f'<p class="explorer">Controls for <em>{html.escape(controls)}</em> appear here when you '
        "run this cell: <code>make lab</code> opens the notebook, and "
        "<em>Run → Run All Cells</em> brings them to life.</p>"
    )


def staged_outputs(cell: Cell) -> tuple[list[Cell], list[str]]:
    """Return a cell's outputs for the book, and the alt texts of its figures in their order."""
    outputs, alts = [], []
    for output in cell["outputs"]:
        data = output.get("data", {})
        text = text_of(output.get("text", ""))
        if CHART in data:
            outputs.append(html_output(chart_html(output)))
        elif "image/png" in data:
            alts.append(output["metadata"].get("image/png", {}).get("alt", ""))
            outputs.append({**output, "data": {"image/png": data["image/png"]}})
        elif (found := EXPLORER.search(text)) is not None:
            outputs.append(html_output(explorer_html(found[1])))
            rest = EXPLORER.sub("", text)
            outputs += [{**output, "text": rest}] if rest.strip() else []
        else:
            outputs.append(output)
    return outputs, alts


def html_output(content: str) -> Cell:
    """Return HTML as a notebook's output."""
    return {"output_type": "display_data", "metadata": {}, "data": {"text/html": content}}


def prompts_of(tags: list[str]) -> dict[str, str]:
    """Return what the bar above a folded cell says."""
    what = "solution" if "solution" in tags else "check" if "check" in tags else "code"
    return {"code_prompt_show": f"Show the {what}", "code_prompt_hide": f"Hide the {what}"}


def staged(name: str, notebook: Notebook) -> Notebook:
    """Return a notebook as MyST-NB should read it: folded cells, addresses, alt texts."""
    cells = []
    for number, cell in enumerate(notebook["cells"]):
        cell = {**cell, "metadata": dict(cell["metadata"])}
        if cell["cell_type"] == "markdown":
            source = text_of(cell["source"])
            if number == 0:
                title, _, rest = source.partition("\n")
                source = f"{title}\n\n{DOWNLOAD.format(name=name)}\n{rest}"
            else:
                named = '<div id="{}"></div>\n\n' if source.startswith("<") else "({})=\n"
                source = named.format(anchor(cell)) + source
            cell["source"] = source
        elif cell["cell_type"] == "code":
            folded = cell["metadata"].get("jupyter", {})
            tags = list(cell["metadata"].get("tags", []))
            cell["metadata"]["mystnb"] = prompts_of(tags)
            if folded.get("source_hidden") and folded.get("outputs_hidden"):
                tags.append("hide-cell")
            elif folded.get("source_hidden"):
                tags.append("hide-input")
            cell["metadata"]["tags"] = tags
            cell["outputs"], alts = staged_outputs(cell)
            cell["metadata"]["book"] = {"id": anchor(cell), "alts": alts}
        cells.append(cell)
    return {**notebook, "cells": cells}


def write(path: Path, text: str) -> None:
    """Write a file unless it says so already, so that Sphinx reads only what has changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8", newline="\n")


def copy(source: Path, target: Path) -> None:
    """Copy a file unless it is there already."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)


def stage(source: Path, folder: Path) -> None:
    """Write everything that Sphinx reads into a folder."""
    book = Book(source)
    for name, notebook in book.notebooks.items():
        write(folder / "notebooks" / f"{name}.ipynb", json.dumps(staged(name, notebook)))
        copy(source / f"{name}.ipynb", folder / "extra" / f"{name}.ipynb")
    loader = jinja2.FileSystemLoader(HERE)
    pages = jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False
    )
    pages.filters["minutes_of"] = book.minutes
    for page in PAGES:
        text = pages.get_template(f"{page}.md").render(
            book=book, figure=book.figure, parts=list(PARTS), glossary=glossary()
        )
        write(folder / f"{page}.md", text)
    copy(HERE / "conf.py", folder / "conf.py")
    for name in ("book.css", "book.js"):
        copy(HERE / name, folder / "_static" / name)
    for name in ("compare-runs.png", "llm.png", "agent.png"):
        copy(ROOT / "docs" / name, folder / name)
    for package, inside, name, pattern in VENDORED:
        for path in Path(metadata.distribution(package).locate_file(inside)).glob(pattern):
            copy(path, folder / "_static" / name / path.name)


def main() -> int:
    """Build the book; return 0 if it was built without a warning."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks")
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "book")
    options = parser.parse_args()
    pages = options.to.with_name(f"{options.to.name}-pages")
    try:
        stage(options.notebooks, pages)
    except BookError as error:
        print(f"The book can't be built: {error}", file=sys.stderr)
        return 1
    trees = options.to.with_name(f"{options.to.name}-trees")
    return build_main(["-q", "-W", "--keep-going", "-d", str(trees), str(pages), str(options.to)])


if __name__ == "__main__":
    sys.exit(main())
