"""The README's pictures show the pages of today."""

from __future__ import annotations

import re

import pytest
from pictures import DOCS, PICTURES, ROOT, state, stored


def test_every_picture_of_the_readme_is_made_by_the_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"!\[[^\]]+\]\(docs/([^)]+)\)", readme))
    assert shown == set(PICTURES) == set(stored()) == {path.name for path in DOCS.glob("*.png")}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_the_readme_shows_the_page_of_today(name: str) -> None:
    assert state(name) == stored().get(name), (
        f"docs/{name} was made from another state of the page; make it again: make pictures"
    )
