"""Exercises are judged by what is printed; proofs by what is raised."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from llm_helpers.checks import check_function, check_that, check_value, compare, same

Printed = Callable[[], str]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """Give the one line that was printed."""

    def read() -> str:
        (line,) = capsys.readouterr().out.splitlines()
        return line

    return read


# ---------------------------------------------------------------- same

ONES = torch.ones(2, 3)
ROWS = [[1.0, 2.0], [3.0, 4.0]]
ALIKE: list[tuple[Any, Any]] = [
    (1, 1.0),
    (0.1 + 0.2, 0.3),
    (1e9 + 1, 1e9),
    (5e-7, 0.0),
    (True, True),
    ("word", "word"),
    (None, None),
    ([1, (2.0, "a")], (1, [2, "a"])),
    ({"a": 1.0 + 1e-9}, {"a": 1.0}),
    ({"a": ONES, "b": [1]}, {"b": [1], "a": ONES}),
    (ONES, ONES + 1e-8),
    (ONES.double(), ONES),
    (torch.tensor(2), torch.tensor(2.0)),
    (math.inf, math.inf),
    (math.nan, math.nan),
    # numbers in other clothes
    (np.float64(0.5), 0.5),
    (np.float32(0.5), 0.5),
    (np.int64(7), 7),
    (np.array(0.5), 0.5),
    (torch.tensor(0.5), 0.5),
    (torch.tensor(7, dtype=torch.int32), 7),
    (torch.tensor(7.0), 7),
    (torch.tensor(0.5, requires_grad=True), 0.5),
    (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
    (Fraction(1, 3), 1 / 3),
    (Decimal("0.25"), 0.25),
    (6400.000000000001, 6400),
    (0.5, np.float64(0.5)),
    (0.5, torch.tensor(0.5)),
    # truth values
    (np.bool_(True), True),
    (torch.tensor(False), False),
    (torch.tensor(1.0) > 0, True),
    ([np.bool_(True), torch.tensor(False)], [True, False]),
    # lists, arrays, tensors, iterators
    (np.array([1.0, 2.0]), [1, 2]),
    (np.array(ROWS), torch.tensor(ROWS)),
    (ROWS, torch.tensor(ROWS)),
    (torch.tensor(ROWS), ROWS),
    (torch.tensor(ROWS), [torch.tensor(row) for row in ROWS]),
    ([torch.tensor(row) for row in ROWS], torch.tensor(ROWS)),
    (([1, 2], (3, 4)), torch.tensor([[1, 2], [3, 4]])),
    ([torch.tensor(1.0), np.float64(2)], [1, 2]),
    (range(3), [0, 1, 2]),
    (iter([0, 1]), [0, 1]),
    ((x * x for x in (1, 2)), (1, 4)),
    (map(float, "12"), torch.tensor([1.0, 2.0])),
    (zip("ab", (1, 2), strict=True), [("a", 1), ("b", 2)]),
    ({"a": 1, "b": 2}.values(), [1, 2]),
    (Counter("aab"), {"a": 2, "b": 1}),
    (defaultdict(list, a=[np.int64(1)]), {"a": [1]}),
    (torch.Size([2, 3]), (2, 3)),
    (ONES.shape, [2, 3]),
    (np.array(["a", "b"]), ["a", "b"]),
    (np.str_("word"), "word"),
    ((torch.tensor(0.8), np.float64(0.4)), (0.8, 0.4)),
    ([True, False], torch.tensor([True, False])),
    (ONES.requires_grad_(False).clone().requires_grad_(), ONES),
    ({1, 2}, {2, 1}),
    ([], ()),
    (torch.zeros(0), []),
]
DIFFERENT: list[tuple[Any, Any]] = [
    (1, 2),
    (1.00001, 1.0),
    (1e9 + 2000, 1e9),
    (5e-6, 0.0),
    (2_000_001, 2_000_000),
    (550914.4, 550914),
    ([2_000_001, 5_000_001], [2_000_000, 5_000_000]),
    (torch.tensor([2_000_001]), torch.tensor([2_000_000])),
    (True, 1),
    (0, False),
    (1.0, True),
    (True, False),
    (np.bool_(True), False),
    (torch.tensor(True), 1),
    ("1", 1),
    (b"word", "word"),
    ("word", "Word"),
    ("word", list("word")),
    (None, 0),
    (0, None),
    ([1, 2], [1, 2, 3]),
    ([1, 2], [2, 1]),
    ([], [1]),
    ([1], 1),
    (1, [1]),
    ((550, 914), 550914),
    ({"a": 1.0}, {"a": 1.1}),
    ({"a": 1.0}, {"b": 1.0}),
    ({"a": 1.0}, {"a": 1.0, "b": 1.0}),
    ({"a": 1.0, "b": 1.0}, {"a": 1.0}),
    ({"a": 1.0}, [1.0]),
    ({"a": ONES}, {"a": ONES + 1}),
    (ONES, ONES.T),
    (ONES, torch.ones(3)),
    (ONES, 1.0),
    (torch.tensor([1.0]), 1.0),
    (1.0, torch.tensor([1.0])),
    ([[1.0], [2.0, 3.0]], torch.ones(2, 2)),
    (["a", "b"], torch.ones(2)),
    ([True, False], [1, 0]),
    ((True, True, 2.5), (1.0, 1.0, 2.5)),
    (ONES, ONES * math.nan),
    (math.nan, 1.0),
    (1.0, math.nan),
    (math.inf, 1.0),
    (1.0, math.inf),
    (-math.inf, math.inf),
    (np.float64(0.51), 0.5),
    (Fraction(1, 2), 1 / 3),
    (range(3), [0, 1, 3]),
    ({1, 2}, {1, 3}),
    (abs, 1.0),
    (float, 1.0),
    (10**400, 1.0),
    (itertools.count(), [0, 1]),
    ((1, ...), (1, 2)),
]


@pytest.mark.parametrize(("answer", "expected"), ALIKE)
def test_equal_answers_are_the_same(answer: Any, expected: Any) -> None:
    assert same(answer, expected) is True


@pytest.mark.parametrize(("answer", "expected"), DIFFERENT)
def test_other_answers_are_not(answer: Any, expected: Any) -> None:
    assert same(answer, expected) is False


@pytest.mark.parametrize(
    "wrap", [float, torch.tensor, lambda x: [x]], ids=["float", "tensor", "list"]
)
def test_the_tolerance_is_the_one_given(wrap: Callable[[float], Any]) -> None:
    assert same(wrap(1.009), wrap(1.0), tolerance=0.01)
    assert not same(wrap(1.03), wrap(1.0), tolerance=0.01)
    assert same(wrap(109.0), wrap(110.0), tolerance=0.01)
    assert not same(wrap(107.0), wrap(110.0), tolerance=0.01)


# ---------------------------------------------------------------- check_value


@pytest.mark.parametrize("answer", [..., (..., ...), [[..., ...], ...]])
def test_an_untouched_value_is_not_tried_yet(printed: Printed, answer: Any) -> None:
    check_value(answer, 3)
    assert "not tried yet" in printed()


def test_a_right_value_gets_a_tick(printed: Printed) -> None:
    check_value(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]))
    assert printed() == "✔ right"


def test_a_wrong_value_gets_the_hint_of_its_mistake(printed: Printed) -> None:
    check_value(10, 8, {"You counted the padding.": 12, "You forgot the bias.": 10})
    line = printed()
    assert line.startswith("✘ 10 is not it")
    assert "You forgot the bias." in line
    assert "padding" not in line


def test_a_mistake_is_known_in_other_clothes(printed: Printed) -> None:
    check_value(np.int64(10), 8, {"You forgot the bias.": 10})
    assert "You forgot the bias." in printed()


def test_a_wrong_value_without_a_hint_is_not_given_away(printed: Printed) -> None:
    check_value(10, 8, {"You counted the padding.": 12})
    line = printed()
    assert line.startswith("✘ 10 is not it") and "8" not in line and "padding" not in line


CLUES: list[tuple[Any, Any, str]] = [
    (torch.ones(2, 3), torch.ones(3, 2) / 7, r"shape is \[2, 3\] and should be \[3, 2\]"),
    (torch.arange(6.0).view(2, 3), torch.arange(6.0).view(2, 3).T, "transpose"),
    (torch.arange(4.0).view(2, 2), torch.arange(4.0).view(2, 2).T, "transpose"),
    (torch.arange(3.0)[:, None], torch.arange(3.0), r"shape is \[3, 1\].*numbers are right"),
    (3, torch.ones(3), r"a table of shape \[3\], not a number"),
    ("0.5", 0.5, "a number, not a text"),
    (1, True, "True or False, not a number"),
    (None, 1, "missing"),
    (abs, 1, "a number, not a function"),
    (lambda: 1, 1, "call it"),
    ((550, 914), 550914, r"a number, not a table of shape \[2\]"),
    (-0.5, 0.5, "sign"),
    (98, 0.98, "100 times"),
    (0.0098, 0.98, "0.01 times"),
    (2.5, 1.25, "2 times"),
    (0.125, 0.25, "0.5 times"),
    (8, 7, "1 too large"),
    (6, 7, "1 too small"),
    (4.0, 0.25, "upside down"),
    (0.4, 0.6, "left over"),
    (0.69, math.log(2), "more digits"),
    (3, 2.98, "more digits"),
    (1.0, 0.97, "too large"),
    (0.3, 0.693, "too small"),
    (5, 3, "too large"),
    (0.2, 0.7, "too small"),
    (math.nan, 0.7, "nan"),
    (torch.tensor([-1.0, 2.0]), torch.tensor([1.0, -2.0]), "sign"),
    (torch.tensor([0.25, 0.5]), torch.tensor([1.0, 2.0]), "0.25 times"),
    (ONES + 4 * torch.eye(3)[:2], 5 * ONES, r"4 of 6 .*\[0, 1\].*too small"),
    (torch.tensor([1.0, 9.0, 3.0]), torch.tensor([1.0, 2.0, 3.0]), "Item 2: It's too large"),
    ([1, 2], [1, 2, 3], "length is 2 and should be 3"),
    ([1, 9, 3], [1, 2, 3], "Item 2: .*too large.*others are right"),
    (["a", "c", "b"], ["a", "b", "c"], "order"),
    ([0.3, 0.6], [0.1, 0.2], "3 times"),
    ((1, ...), (1, 2), "Item 2: Not tried yet. The others are right"),
    ((ONES, torch.ones(4)), (ONES, torch.zeros(2)), "Item 2: Its length is 4"),
    ([("a", 5), ("b", 2)], [("a", 3), ("b", 2)], "it. Item 1, item 2: It's too large.$"),
    ([("x", 5), ("b", 2)], [("a", 3), ("b", 2)], "Item 1, item 1: 'x' is wrong from the start."),
    ([("a", 3), ("b", 9)], [("a", 3), ("b", 2)], "it. Item 2, item 2: It's too large.$"),
    ({"k": [(1, "x")]}, {"k": [(1, "y")]}, "it. Item k, item 1, item 2: 'x' is wrong"),
    ({"a": 1, "b": 5}, {"a": 1, "b": 3}, "Item b: .*too large"),
    ({"a": 1}, {"a": 1, "b": 3}, "key 'b' is missing"),
    ({"a": 1, "b": 1}, {"a": 1}, "key 'b' is one too many"),
    ({"a": 1}, [1], "not of the type dict"),
    ("right-1", "left-1", "'right-1' is wrong from the start"),
    ("start left-1", "start right-1", "right up to 'start '"),
]


@pytest.mark.parametrize(("answer", "expected", "clue"), CLUES)
def test_a_wrong_value_gets_a_clue(printed: Printed, answer: Any, expected: Any, clue: str) -> None:
    check_value(answer, expected)
    line = printed()
    assert line.startswith("✘") and re.search(clue, line), line


@pytest.mark.parametrize("wrong", [np.float64(3.3), torch.tensor(3.3), Fraction(10, 3)])
def test_clothes_are_not_blamed(printed: Printed, wrong: Any) -> None:
    check_value(wrong, 1.0)
    assert "too large" in printed()


def test_a_long_answer_is_cut(printed: Printed) -> None:
    check_value(list(range(1000)), 1)
    assert len(printed()) < 200


def test_the_tolerance_reaches_answers_and_mistakes(printed: Printed) -> None:
    check_value(0.51, 0.5, tolerance=0.02)
    assert printed().startswith("✔")
    check_value(0.69, 0.5, {"That is log 2.": 0.6931}, tolerance=0.02)
    assert "That is log 2." in printed()


def test_a_mistake_to_the_last_digit_counts_within_the_tolerance(printed: Printed) -> None:
    mistakes = {"You left out the biases.": 0.983_177}
    check_value(0.983_177, 0.982_835, mistakes, tolerance=1e-3)
    assert "biases" in printed()
    check_value(0.983, 0.982_835, mistakes, tolerance=1e-3)
    assert printed() == "✔ right"


class Hostile:
    """An answer at which every question fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]


LOOP: list[Any] = []
LOOP.append(LOOP)
ODD = [Hostile(), LOOP, itertools.count(), object(), torch.nn.Linear(1, 1), int, print, 1j, b"x"]
ODD += [{1: LOOP}, "", [], {}, (), torch.zeros(0), torch.zeros(2, dtype=torch.complex64), 10**400]


@pytest.mark.parametrize("expected", [1, 0.5, True, "a", [1, 2], {"a": 1}, ONES, None])
@pytest.mark.parametrize("answer", ODD, ids=range(len(ODD)))
def test_no_answer_makes_a_check_raise(printed: Printed, answer: Any, expected: Any) -> None:
    check_value(answer, expected)
    assert printed().startswith("✘")
    check_function(lambda: answer, [expected], [()])
    assert printed().startswith("✘")
    check_that(answer, lambda a: a == expected, like=expected)
    assert printed().startswith("✘")


# ---------------------------------------------------------------- check_function


def double(x: float) -> float:
    return 2 * x


CASES = [(2,), (0,), (-3.5,)]


@pytest.mark.parametrize("reference", [double, [4, 0, -7.0]], ids=["function", "list"])
def test_a_right_function_gets_a_tick_with_the_number_of_cases(
    printed: Printed, reference: Any
) -> None:
    check_function(lambda x: x + x, reference, CASES)
    assert printed() == "✔ right, in all 3 cases"
    check_function(lambda x: torch.tensor(x + x), reference, CASES)
    assert printed() == "✔ right, in all 3 cases"


def test_one_case_is_not_counted(printed: Printed) -> None:
    check_function(lambda x: x + x, double, CASES[:1])
    assert printed() == "✔ right"


@pytest.mark.parametrize("untried", [lambda x: ..., lambda x: (..., ...)])
def test_an_untouched_function_is_not_tried_yet(
    printed: Printed, untried: Callable[[float], Any]
) -> None:
    check_function(untried, double, CASES)
    assert "not tried yet" in printed()


def test_a_branch_that_was_not_tried_is_named(printed: Printed) -> None:
    check_function(lambda x: 2 * x if x >= 0 else ..., double, CASES)
    assert re.search(r"f\(-3\.5\).*Not tried yet", printed())


@pytest.mark.parametrize("mistake", [lambda x: x**2, [4, 0, 12.25]], ids=["function", "list"])
def test_a_wrong_function_gets_the_hint_it_agrees_with_in_every_case(
    printed: Printed, mistake: Any
) -> None:
    check_function(lambda x: x * x, double, CASES, {"You halved.": [1, 0, -1.75], "Sq.": mistake})
    assert printed() == "✘ Sq."


def test_a_hint_that_fits_some_cases_only_is_not_given(printed: Printed) -> None:
    check_function(lambda x: x * x, double, CASES, {"You halved.": [4, 0, 99]})
    line = printed()
    assert "f(-3.5) gives 12.25, not -7" in line
    assert "halved" not in line


def test_the_call_and_both_values_are_shown_and_what_is_right(printed: Printed) -> None:
    check_function(abs, double, [(0,), (2.0,)])
    assert printed() == (
        "✘ 1 of 2 cases right, but abs(2) gives 2, not 4. It's 0.5 times what it should be."
    )


@pytest.mark.parametrize("size", [(), (3,)])
def test_nan_is_called_nan_and_no_multiple_of_the_right_number(
    printed: Printed, size: tuple[int, ...]
) -> None:
    check_function(lambda x: x * torch.nan, lambda x: x, [(torch.ones(size),)])
    line = printed()
    assert line.startswith("✘") and "It's nan." in line and "times" not in line


def test_small_tensors_are_shown_and_large_ones_are_not(printed: Printed) -> None:
    check_function(lambda x: x + 1, lambda x: x, [(torch.tensor([1.0, 2.0]),)])
    assert "f([1, 2]) gives [2, 3], not [1, 2]" in printed()
    check_function(lambda x: x + 1, lambda x: x, [(torch.zeros(9, 9),)])
    assert "f(9×9 numbers) gives 9×9 numbers. It's 1" in printed()


def test_an_exception_in_the_function_is_told_with_its_call(printed: Printed) -> None:
    def broken(x: float) -> float:
        return {2: 4}[x]

    check_function(broken, double, CASES)
    assert printed() == "✘ 1 of 3 cases right, but broken(0) raises KeyError: 0"


def test_a_late_exception_does_not_hide_an_earlier_wrong_answer(printed: Printed) -> None:
    def late(x: float) -> float:
        return x * x if x >= 0 else 1 / 0

    check_function(late, double, [(3,), (-1,)], {"Sq.": lambda x: x * x})
    assert printed() == "✘ Sq."
    check_function(late, double, [(3,), (-1,)])
    assert "late(3) gives 9, not 6" in printed()


@pytest.mark.parametrize("mistake", [KeyError, lambda x: {2: 4}[x]], ids=["type", "function"])
def test_a_hint_may_be_keyed_to_an_exception(printed: Printed, mistake: Any) -> None:
    hints = {"Index": IndexError, "Stop at the end.": mistake}
    check_function(lambda x: {2: 4}[x], double, CASES, hints)
    assert printed() == "✘ Stop at the end."
    check_function(lambda x: 1, double, CASES, hints)
    assert "end" not in printed()


@pytest.mark.parametrize(
    "function",
    [
        lambda: 1,
        lambda x: exit(),
        lambda x: undefined,  # noqa: F821
        lambda x: (i / 0 for i in range(3)),
        lambda x: itertools.count(),
        lambda x: Hostile(),
        lambda x: print,
        3,
        None,
        "text",
        torch.nn.Linear(2, 2),
    ],
)
def test_no_function_makes_a_check_raise(printed: Printed, function: Any) -> None:
    check_function(function, double, CASES)
    assert printed().startswith("✘")


def test_a_reference_that_fails_says_what_to_do(printed: Printed) -> None:
    check_function(double, lambda x: undefined, CASES)  # noqa: F821
    assert "Restart the kernel" in printed()


def test_generators_are_answers(printed: Printed) -> None:
    def twice(tokens: list[str]) -> Iterator[str]:
        for token in tokens:
            yield token * 2

    check_function(twice, lambda tokens: [2 * t for t in tokens], [(["a"],), (["b", "c"],)])
    assert printed().startswith("✔")


def test_a_wrong_shape_in_one_case_is_named(printed: Printed) -> None:
    check_function(lambda x: x.sum(0), lambda x: x.sum(1), [(torch.ones(2, 3),)])
    assert "length is 3 and should be 2" in printed()
    check_function(lambda x: x.sum(0), lambda x: x.T, [(torch.ones(2, 3),)])
    assert "shape is [3] and should be [3, 2]" in printed()


def test_every_function_gets_copies_of_the_arguments(printed: Printed) -> None:
    def shorten(tokens: list[int]) -> list[int]:
        tokens.pop()
        return tokens

    cases = [([1, 2, 3],), ([4, 5],)]
    for _ in range(2):
        check_function(shorten, lambda tokens: tokens[:-1], cases)
        assert printed().startswith("✔")
    assert cases == [([1, 2, 3],), ([4, 5],)]

    def clear(states: torch.Tensor) -> torch.Tensor:
        return states.zero_()

    check_function(clear, lambda states: states, [(torch.ones(2),)])
    assert "clear([1, 1]) gives [0, 0], not [1, 1]" in printed()


# ---------------------------------------------------------------- check_that

LINE = (1.0, -1.0, 0.0)


def falls(line: list[float]) -> bool | str:
    w1, _, _ = line
    return w1 < 0 or f"w1 = {w1:g} should be negative."


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (..., "not tried yet"),
        ((-1, 2, 3), "✔ right"),
        (np.array([-1.0, 2, 3]), "✔ right"),
        (torch.tensor([-1.0, 2, 3]), "✔ right"),
        (iter([-1, 2, 3]), "✔ right"),
        ((1, 2, 3), "✘ w1 = 1 should be negative."),
        ("-1, 2, 3", r"✘ .*a table of shape \[3\], not a text"),
        ((1, 2), "✘ .*length is 2 and should be 3"),
        ((1, "b", 3), "✘ .*Item 2: It should be a number, not a text"),
        ((-1, ..., 3), "✘ .*Item 2: Not tried yet"),
        (((1, 2), 3, 4), "✘ .*Item 1"),
        (None, "✘ .*missing"),
        (5, r"✘ .*a table of shape \[3\], not a number"),
    ],
)
def test_an_answer_of_many_is_judged_by_its_conditions(
    printed: Printed, answer: Any, says: str
) -> None:
    check_that(answer, falls, like=LINE)
    assert re.search(says, printed())


def test_conditions_get_plain_values_of_the_right_form(printed: Printed) -> None:
    like = (torch.ones(2, 1), torch.tensor(1.0), "")

    def is_plain(parts: list[Any]) -> bool:
        return parts == ([[1], [2]], 0, "abc")

    check_that((torch.tensor([[1], [2]]), np.float64(0), "abc"), is_plain, like=like)
    assert printed() == "✔ right"
    check_that(([1, 2], 0, "abc"), is_plain, like=like)
    assert "Item 1: The shape is [2] and should be [2, 1]. The others" in printed()


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        (lambda f: f(2) == 4, "✔ right"),
        (lambda f: np.bool_(True), "✔ right"),
        (lambda f: torch.tensor(True), "✔ right"),
        (lambda f: f(2) == 5 or "Not five.", "✘ Not five."),
        (lambda f: f(2) == 5, "✘ False is wrong."),
        (lambda f: f(), "✘ TypeError: .*argument"),
        (lambda f: None, "✘ .*None"),
        (lambda f: ..., "not tried yet"),
    ],
)
def test_a_condition_holds_gives_a_hint_or_fails(
    printed: Printed, condition: Callable[[Any], Any], says: str
) -> None:
    check_that(double, lambda f: True, condition)
    assert re.search(says, printed())


def test_conditions_are_asked_until_one_is_not_met(printed: Printed) -> None:
    asked = []
    check_that(1, lambda a: a < 0 or "Below 0.", asked.append)
    assert printed() == "✘ Below 0." and not asked


# ---------------------------------------------------------------- compare


def test_equal_tensors_compare_with_a_tick(printed: Printed) -> None:
    reference = torch.tensor([1.0, -4.0], dtype=torch.float64, requires_grad=True)
    assert compare("dW", reference + 1e-13, reference) is None
    line = printed()
    assert line.startswith("✔ dW") and "(2,)" in line and "1e-12" in line


@pytest.mark.parametrize(
    ("ours", "problem"),
    [
        ([1.0, -4.0001], r"dW: max\|Δ\|/max\|g\| = 2\.5e-05, not < 1e-12"),
        ([1.0, math.nan], "dW: .*nan"),
        ([[1.0, -4.0]], r"dW: shape \(1, 2\), not \(2,\)"),
        ([1.0, -4.0, 0.0], r"dW: shape \(3,\), not \(2,\)"),
    ],
)
def test_a_difference_fails_and_says_how_large_it_is(ours: Any, problem: str) -> None:
    reference = torch.tensor([1.0, -4.0], dtype=torch.float64)
    with pytest.raises(AssertionError, match=problem):
        compare("dW", torch.tensor(ours, dtype=torch.float64), reference)


def test_the_difference_is_relative_to_the_largest_entry() -> None:
    reference = torch.tensor([1000.0, 1.0], dtype=torch.float64)
    compare("x", reference + 0.5, reference, tolerance=1e-3)
    with pytest.raises(AssertionError):
        compare("x", reference + 1.5, reference, tolerance=1e-3)


def test_a_reference_of_zeros_can_be_met() -> None:
    zeros = torch.zeros(3, dtype=torch.float64)
    compare("x", zeros.clone(), zeros)
    with pytest.raises(AssertionError):
        compare("x", zeros + 1e-9, zeros)


def test_long_answers_are_compared_to_their_end() -> None:
    assert same([0] * 20_000, [0] * 20_000)
    assert not same([0] * 20_000, [0] * 10_500)
    assert not same([0] * 20_000, [*[0] * 19_999, 1])
    assert not same(torch.zeros(20_000), torch.zeros(10_500))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ({"a": 1, "c": 2}, "The key 'b' is missing."),
        ({"a": 1, "b": 2, "c": None}, "'c' is one too"),
    ],
)
def test_a_key_too_few_or_too_many_is_named(
    answer: dict, hint: str, capsys: pytest.CaptureFixture
) -> None:
    check_value(answer, {"a": 1, "b": 2})
    assert hint in capsys.readouterr().out
    assert not same({}, {"a": None})
