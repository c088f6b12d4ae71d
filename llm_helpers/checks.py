"""Tell a reader at once whether an answer is right, and prove our own gradients.

A check judges values, not their Python types, and prints ✔, ✘ with a hint, or "not tried yet"
for an untouched stub. It never raises, so a notebook runs to its end with every exercise open.
:func:`compare`, the proof of a gradient, was built in the open in notebook 03, and does raise.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from copy import deepcopy
from itertools import islice
from typing import Any, SupportsFloat

import torch
from torch import Tensor

NOT_TRIED = "… not tried yet: replace the `...` above, then run this cell again"
UNTRIED = "Not tried yet."
FORM_ONLY = 1e300  # a tolerance within which any number will do
# What may be said of wrong numbers -> what would mend them; the first that fits is the clue.
RELATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "The size is right, the sign isn't.": lambda a: -a,
    "It's 1 too large.": lambda a: a - 1,
    "It's 1 too small.": lambda a: a + 1,
    "It's upside down: 1 divided by it is right.": lambda a: 1 / a,
    "It's what is left over: 1 minus it is right.": lambda a: 1 - a,
    "It's the transpose of what it should be.": lambda a: a.mT if a.dim() > 1 else a,
}
WORDS = {bool: "True or False", int: "a number", float: "a number", str: "a text"}
WORDS |= {type(None): "None"}


@contextlib.contextmanager
def _never_raising() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        print(f"✘ the check fails: {error!r}. Restart the kernel and run all cells above.")


def _plain(value: Any) -> Any:
    """Undress a value: numbers of any kind, texts, and lists of them, however they come."""
    if hasattr(value, "__array__") and hasattr(value, "tolist"):  # a tensor, NumPy, pandas
        value = value.tolist()
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | set | frozenset | type):
        most = len(value) if isinstance(value, Sized) else 10_000  # it may have no end
        items = [_plain(item) for item in islice(value, most)]
        return tuple(items) if isinstance(value, tuple) else items
    other = isinstance(value, SupportsFloat) and not isinstance(value, int | float | type)
    return float(value) if other else value  # Fraction, Decimal


def _numbers(value: Any) -> Tensor | None:
    """Make a tensor of a plain number, or of numbers in rows; None of anything else."""
    try:
        return torch.tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def _untried(value: Any) -> bool:
    return value is ... or (isinstance(value, list | tuple) and {*map(_untried, value)} == {True})


def _kind(value: Any) -> str:
    if isinstance(value, list | tuple):
        n = _numbers(value)
        return f"a table of shape {[*n.shape]}" if n is not None else f"a list of {len(value)}"
    other = "a function (call it)" if callable(value) else f"of the type {type(value).__name__}"
    return WORDS.get(type(value), other)


def _finding(answer: Any, expected: Any, tolerance: float) -> str:
    """Say in what a plain answer (or an exception) differs from a plain value: "" for nothing."""
    if answer is ...:
        return UNTRIED
    if isinstance(answer, BaseException) or isinstance(expected, BaseException):
        return "" if isinstance(answer, type(expected)) else f"{type(answer).__name__}: {answer}"
    if isinstance(expected, dict) and isinstance(answer, dict):
        for key in [*expected, *answer]:
            if key not in expected or key not in answer:
                return f"The key {key!r} {'is missing' if key in expected else 'is one too many'}."
        values = [answer[key] for key in expected], [*expected.values()]
        return _items(*values, tolerance, expected)
    if isinstance(expected, list | tuple) and isinstance(answer, list | tuple):
        return _items(answer, expected, tolerance, range(1, len(expected) + 1))
    if _kind(answer) != _kind(expected):
        missing = " (is a `return` missing?)" * (answer is None)
        return f"It should be {_kind(expected)}, not {_kind(answer)}{missing}."
    number, right = _numbers(answer), _numbers(expected)
    if isinstance(expected, bool) or number is None or right is None:
        if answer == expected or tolerance == FORM_ONLY:
            return ""
        text = isinstance(expected, str)
        places = range(len(expected), 0, -1) if text else ()
        if alike := next((expected[:n] for n in places if answer.startswith(expected[:n])), ""):
            return f"It's right up to {alike!r}."
        return f"{_show(answer)} is wrong{' from the start' * text}."
    return _unlike(number, right, tolerance, tolerance * isinstance(expected, float))


def _items(answer: Sequence, expected: Sequence, tolerance: float, names: Iterable) -> str:
    numbers, right = _numbers(answer), _numbers(expected)
    table = numbers is not None and right is not None
    if table and numbers.shape != right.shape and numbers.dim() + right.dim() > 2:
        return _unlike(numbers, right, tolerance, tolerance)
    if len(answer) != len(expected):
        return f"Its length is {len(answer)} and should be {len(expected)}."
    findings = [_finding(a, e, tolerance) for a, e in zip(answer, expected, strict=True)]
    wrong = [f"Item {name}: {said}" for name, said in zip(names, findings, strict=True) if said]
    if len(wrong) > 1 and sorted(map(repr, answer)) == sorted(map(repr, expected)):
        return "The items are right, their order isn't."
    if clue := len(wrong) > 1 and table and _unlike(numbers, right, tolerance, 0):
        return clue
    others = " The others are right."
    first = "".join(wrong[:1]).replace(": Item ", ", item ", 1).removesuffix(others)
    return first + others * (len(wrong) == 1 < len(expected) and ", item " not in first)


def _unlike(answer: Tensor, right: Tensor, tolerance: float, relative: float) -> str:
    """Say in what numbers differ from the right ones, as far as it can be told cheaply."""

    def close(a: Tensor, b: Tensor, least: float = FORM_ONLY) -> bool:
        limits = min(relative, least), min(tolerance, least)
        return a.shape == b.shape and torch.allclose(a, b, *limits, equal_nan=True)

    if close(answer, right):
        return ""
    for clue, mend in RELATIONS.items():
        if close(mend(answer), right, 1e-4):
            return clue
    if answer.shape != right.shape:
        alike = tolerance < 1 and close(answer.flatten(), right.flatten())
        shapes = f"The shape is {[*answer.shape]} and should be {[*right.shape]}."
        return shapes + " The numbers are right." * alike
    factor = (answer / right).flatten()[0]
    telling = answer.dim() or f"{factor:.4g}" in ("0.01", "0.5", "2", "100")
    if telling and factor.isfinite() and close(answer, factor * right):
        return f"It's {factor:.4g} times what it should be."
    if answer.dim():
        wrong = ~answer.isclose(right, relative, tolerance, equal_nan=True)
        at = wrong.nonzero()[0].tolist()
        first = _unlike(answer[*at], right[*at], tolerance, relative)
        return f"{int(wrong.sum())} of {answer.numel()} numbers are wrong, first {at}: {first}"
    if abs(factor - 1) < 0.01 and any(round(right.item(), n) == answer for n in range(9)):
        return "It's right as far as it goes: give more digits."
    return f"It's {'nan' if answer.isnan() else 'too large' if answer > right else 'too small'}."


def _show(value: Any, width: int = 100, digits: int = 7) -> str:
    text = f"{value:.{digits}g}" if isinstance(value, float) else repr(value).replace("\n", "")
    if isinstance(value, list | tuple):
        items = [_show(item, max(20, width // len(value)), 4) for item in value]
        text, numbers = text[0] + ", ".join(items) + text[-1], _numbers(value)
        if numbers is not None and numbers.dim() > 1 and (len(text) > width or numbers.numel() > 9):
            return "×".join(map(str, numbers.shape)) + " numbers"
    return text if len(text) <= width else text[: width - 1] + "…"


def same(answer: Any, expected: Any, tolerance: float = 1e-6) -> bool:
    """Compare numbers, tensors, texts, lists and dicts, in whatever form they come.

    The tolerance is relative above 1, absolute below, and absolute for whole numbers.
    """
    return not _finding(_plain(answer), _plain(expected), tolerance)


@_never_raising()
def check_value(
    answer: Any, expected: Any, mistakes: Mapping[str, Any] | None = None, tolerance: float = 1e-6
) -> None:
    """Judge one value.

    Args:
        answer: the reader's; ``...`` counts as not tried.
        expected: the right value.
        mistakes: hint -> the wrong value it belongs to.
        tolerance: see :func:`same`.
    """
    answer = _plain(answer)
    finding = _finding(answer, _plain(expected), tolerance)
    near = tolerance if finding else 1e-6  # a mistake to the last digit, however near, is one
    hints = [hint for hint, wrong in (mistakes or {}).items() if same(answer, wrong, near)]
    wrong = f"✘ {_show(answer)} is not it. {[*hints, finding][0]}"
    print(NOT_TRIED if _untried(answer) else wrong if hints or finding else "✔ right")


@_never_raising()
def check_function(
    function: Callable[..., Any],
    reference: Callable[..., Any] | Sequence[Any],
    cases: Sequence[tuple[Any, ...]],
    mistakes: Mapping[str, Callable[..., Any] | Sequence[Any]] | None = None,
    tolerance: float = 1e-6,
) -> None:
    """Judge a function case by case, up to the first that it gets wrong.

    Args:
        function: the reader's; one that returns ``...`` counts as not tried. Every function here
            gets copies of the arguments, so it may change them.
        reference: a function to agree with on every case, or the list of right answers.
        cases: a tuple of arguments each.
        mistakes: hint -> a wrong function, its list of answers, or a type of exception. The hint
            is given where the reader's function agrees in all cases in which it answers; if
            it raises in the first case that goes wrong, in all cases in which it raises.
        tolerance: see :func:`same`.
    """
    right, answers = _outcomes(reference, cases), [_outcome(function, case) for case in cases]
    if broken := [outcome for outcome in right if isinstance(outcome, BaseException)]:
        raise broken[0]
    findings = [_finding(a, r, tolerance) for a, r in zip(answers, right, strict=True)]
    wrong = [i for i, finding in enumerate(findings) if finding]
    if not wrong or all(map(_untried, answers)):
        many = f", in all {len(cases)} cases" * (len(cases) > 1)
        print(NOT_TRIED if wrong else f"✔ right{many}")
        return
    first, raised = wrong[0], [isinstance(answer, BaseException) for answer in answers]
    judged = [i for i in range(len(cases)) if raised[i] == raised[first]]
    for hint, mistake in (mistakes or {}).items():
        theirs = _outcomes(mistake, cases)
        if not any(_finding(answers[i], theirs[i], tolerance) for i in judged):
            print(f"✘ {hint}")
            return
    name = getattr(function, "__name__", "f").replace("<lambda>", "f")
    call = f"{name}({', '.join(_show(_plain(a), 40) for a in cases[first])})"
    answer, wanted = _show(answers[first]), _show(right[first])
    values = f"gives {answer}{f', not {wanted}' * (answer != wanted)}."
    before = f"{first} of {len(cases)} cases right, but " * (first > 0)
    print(f"✘ {before}{call} {'raises' if raised[first] else values} {findings[first]}")


def _outcomes(by: Any, cases: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Give the plain answers, or what was raised; a type of exception gives itself."""
    return [_outcome(by, case) for case in cases] if callable(by) else [_plain(a) for a in by]


def _outcome(function: Callable[..., Any], case: tuple[Any, ...]) -> Any:
    try:
        return _plain(function(*deepcopy(case)))
    except (Exception, SystemExit) as error:
        return error


@_never_raising()
def check_that(answer: Any, *conditions: Callable[[Any], Any], like: Any = None) -> None:
    """Judge an answer that can be right in many ways.

    Args:
        answer: the reader's value or function; ``...`` counts as not tried.
        conditions: functions of the answer, asked in turn until one isn't met. Each gives True, or
            a hint: ``lambda s: praise(s) > 0.8 or "The model isn't fooled."``; ``...`` says that
            the answer wasn't tried.
        like: an answer of the right form; one that differs in form is told so. The conditions get
            plain numbers, texts and lists, whatever the answer was made of.
    """
    answer = _plain(answer)
    finding = "" if like is None else _finding(answer, _plain(like), FORM_ONLY)
    outcomes = (_outcome(condition, (answer,)) for condition in conditions)
    hints = (o if isinstance(o, str) else _finding(o, True, 0) for o in outcomes)
    finding = finding or next(filter(None, hints), "")
    untried = _untried(answer) or finding == UNTRIED
    print(NOT_TRIED if untried else f"✘ {finding}" if finding else "✔ right")


def compare(name: str, ours: Tensor, reference: Tensor, tolerance: float = 1e-12) -> None:
    """Print that two tensors agree, and fail where they don't.

    The difference is relative to the largest entry of the reference: max|Δ| / max|g|.

    Raises:
        AssertionError: another shape, or a difference of ``tolerance`` or more.
    """
    shapes = tuple(ours.shape), tuple(reference.shape)
    assert shapes[0] == shapes[1], f"{name}: shape {shapes[0]}, not {shapes[1]}"
    scale = reference.abs().max().clamp_min(torch.finfo(reference.dtype).tiny)
    difference = ((ours - reference).abs().max() / scale).item()
    assert difference < tolerance, f"{name}: max|Δ|/max|g| = {difference:.1e}, not < {tolerance}"
    print(f"✔ {name:<17} {shapes[0]!s:<11} max|Δ|/max|g| < {tolerance:.0e}")
