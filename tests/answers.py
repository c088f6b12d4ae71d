"""What the files of answers in ``tests/exercises`` share."""

from __future__ import annotations


def changed(answer: str, *changes: tuple[str, str]) -> str:
    """Give an answer with a few of its lines changed; each must occur once."""
    for old, new in changes:
        assert answer.count(old) == 1, old
        answer = answer.replace(old, new)
    return answer
