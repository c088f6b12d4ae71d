"""Tell a reader at once whether an answer is right, and prove our own gradients.

A check prints ✔, ✘ with a hint, or "not tried yet" for an untouched stub; it never raises,
so a notebook runs to its end with every exercise still open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

NOT_TRIED = "… not tried yet: replace the `...` above, then run this cell again"


def same(answer: Any, expected: Any, tolerance: float = 1e-6) -> bool:
    """Compare numbers and tensors within a tolerance, everything else exactly.

    Lists and dicts are compared item by item; a tensor must also have the same shape.
    """
    if isinstance(answer, Tensor) or isinstance(expected, Tensor):
        if not (isinstance(answer, Tensor) and isinstance(expected, Tensor)):
            return False
        if answer.shape != expected.shape:
            return False
        return torch.allclose(answer.double(), expected.double(), rtol=tolerance, atol=tolerance)
    if isinstance(answer, bool) or isinstance(expected, bool):
        return answer is expected
    if isinstance(answer, int | float) and isinstance(expected, int | float):
        return math.isclose(answer, expected, rel_tol=tolerance, abs_tol=tolerance)
    if isinstance(answer, dict) and isinstance(expected, dict):
        return answer.keys() == expected.keys() and all(
            same(answer[key], expected[key], tolerance) for key in expected
        )
    if isinstance(answer, list | tuple) and isinstance(expected, list | tuple):
        return len(answer) == len(expected) and all(
            same(a, e, tolerance) for a, e in zip(answer, expected, strict=True)
        )
    return type(answer) is type(expected) and answer == expected


def check_value(
    answer: Any, expected: Any, mistakes: Mapping[str, Any] | None = None, tolerance: float = 1e-6
) -> None:
    """Judge one value.

    Args:
        answer: the reader's; ``...`` counts as not tried.
        expected: the right value.
        mistakes: hint -> the wrong value it belongs to.
        tolerance: relative above 1, absolute below.
    """
    if answer is ...:
        print(NOT_TRIED)
    elif same(answer, expected, tolerance):
        print("✔ right")
    else:
        hints = [hint for hint, wrong in (mistakes or {}).items() if same(answer, wrong, tolerance)]
        print(f"✘ {_show(answer)} is not it. {hints[0] if hints else _clue(answer, expected)}")


def check_function(
    function: Callable[..., Any],
    reference: Callable[..., Any] | Sequence[Any],
    cases: Sequence[tuple[Any, ...]],
    mistakes: Mapping[str, Callable[..., Any] | Sequence[Any]] | None = None,
    tolerance: float = 1e-6,
) -> None:
    """Judge a function by its answers to ``cases``.

    Args:
        function: the reader's; one that returns ``...`` counts as not tried.
        reference: a function to agree with on every case, or the list of right answers.
        cases: a tuple of arguments each.
        mistakes: hint -> a wrong function, or its list of answers; the hint is given where
            the reader's function agrees with it on every case.
        tolerance: see :func:`same`.
    """
    expected = _answers(reference, cases)  # before the reader's function can change the cases
    wrongs = {hint: _answers(wrong, cases) for hint, wrong in (mistakes or {}).items()}
    answers = []
    for case in cases:
        try:
            answers.append(function(*case))
        except Exception as error:
            print(f"✘ it raised {type(error).__name__}: {error}, for {_show(case)}")
            return
    if any(answer is ... for answer in answers):
        print(NOT_TRIED)
        return
    if same(answers, expected, tolerance):
        print(f"✔ right, in all {len(cases)} cases")
        return
    for hint, wrong in wrongs.items():
        if same(answers, wrong, tolerance):
            print(f"✘ {hint}")
            return
    for case, answer, right in zip(cases, answers, expected, strict=True):
        if not same(answer, right, tolerance):
            print(f"✘ for {_show(case)} you answer {_show(answer)}. {_clue(answer, right)}")
            return


def _answers(by: Callable[..., Any] | Sequence[Any], cases: Sequence[tuple[Any, ...]]) -> list[Any]:
    return [by(*case) for case in cases] if callable(by) else list(by)


def _show(value: Any) -> str:
    text = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
    if isinstance(value, tuple):
        text = f"({', '.join(map(_show, value))}{',' * (len(value) == 1)})"
    return text if len(text) < 80 else text[:77] + "…"


def _clue(answer: Any, expected: Any) -> str:
    numbers = type(answer) in (int, float) and type(expected) in (int, float)
    if type(answer) is not type(expected) and not numbers:
        return f"Expected is a {type(expected).__name__}, not a {type(answer).__name__}."
    if isinstance(answer, Tensor) and answer.shape != expected.shape:
        return f"The shape should be {tuple(expected.shape)}."
    return "Look again at the hint below." if isinstance(answer, Tensor) else "Not yet."


def compare(name: str, ours: Tensor, reference: Tensor, tolerance: float = 1e-12) -> float:
    """Print the largest difference between two tensors and fail where it is too large.

    The difference is relative to the largest entry of the reference: max|Δ| / max|g|.

    Raises:
        AssertionError: another shape, or a difference of ``tolerance`` or more.
    """
    assert ours.shape == reference.shape, (
        f"{name}: shape {tuple(ours.shape)}, not {tuple(reference.shape)}"
    )
    ours, reference = ours.detach(), reference.detach()
    scale = reference.abs().max().clamp_min(torch.finfo(reference.dtype).tiny)
    difference = float((ours - reference).abs().max() / scale)
    assert difference < tolerance, f"{name}: max|Δ|/max|g| = {difference:.1e}, not < {tolerance}"
    print(f"✔ {name:<17} {tuple(ours.shape)!s:<11} max|Δ|/max|g| < {tolerance:.0e}")
    return difference
