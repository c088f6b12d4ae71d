"""Exercises are judged by what is printed; proofs by what is raised."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from llm_helpers.checks import check_function, check_value, compare, same

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
]
DIFFERENT: list[tuple[Any, Any]] = [
    (1, 2),
    (1.00001, 1.0),
    (1e9 + 2000, 1e9),
    (5e-6, 0.0),
    (True, 1),
    (0, False),
    (1.0, True),
    (True, False),
    ("1", 1),
    ("word", "Word"),
    (None, 0),
    ([1, 2], [1, 2, 3]),
    ([1, 2], [2, 1]),
    ([], [1]),
    ({"a": 1.0}, {"a": 1.1}),
    ({"a": 1.0}, {"b": 1.0}),
    ({"a": 1.0}, {"a": 1.0, "b": 1.0}),
    ({"a": ONES}, {"a": ONES + 1}),
    (ONES, ONES.T),
    (ONES, torch.ones(3)),
    (ONES, 1.0),
    (1.0, torch.tensor(1.0)),
    (ONES, ONES * math.nan),
    (math.nan, 1.0),
    (1.0, math.nan),
    (math.inf, 1.0),
    (1.0, math.inf),
    (-math.inf, math.inf),
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


def test_an_untouched_value_is_not_tried_yet(printed: Printed) -> None:
    check_value(..., 3)
    assert "not tried yet" in printed()


def test_a_right_value_gets_a_tick(printed: Printed) -> None:
    check_value(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]))
    assert printed().startswith("✔")


def test_a_wrong_value_gets_the_hint_of_its_mistake(printed: Printed) -> None:
    check_value(10, 8, {"You counted the padding.": 12, "You forgot the bias.": 10})
    line = printed()
    assert line.startswith("✘ 10 is not it")
    assert "You forgot the bias." in line
    assert "padding" not in line


def test_a_wrong_value_without_a_hint_is_not_given_away(printed: Printed) -> None:
    check_value(10, 8, {"You counted the padding.": 12})
    line = printed()
    assert line.startswith("✘") and "8" not in line and "padding" not in line


@pytest.mark.parametrize(
    ("answer", "expected", "clue"),
    [
        (torch.ones(2, 3), torch.ones(3, 2), r"shape \(2, 3\).*should be \(3, 2\)"),
        (3, torch.ones(3), "Expected is a Tensor, not a int"),
        ("0.5", 0.5, "Expected is a float, not a str"),
        (1, True, "Expected is a bool, not a int"),
    ],
)
def test_a_wrong_shape_or_type_is_named(
    printed: Printed, answer: Any, expected: Any, clue: str
) -> None:
    check_value(answer, expected)
    line = printed()
    assert line.startswith("✘") and re.search(clue, line)


def test_a_wrong_whole_number_is_not_blamed_for_its_type(printed: Printed) -> None:
    check_value(1, 1.5)
    line = printed()
    assert line.startswith("✘ 1 is not it") and "int" not in line


def test_a_long_answer_is_cut(printed: Printed) -> None:
    check_value(list(range(1000)), 1)
    assert len(printed()) < 200


def test_the_tolerance_reaches_answers_and_mistakes(printed: Printed) -> None:
    check_value(0.51, 0.5, tolerance=0.02)
    assert printed().startswith("✔")
    check_value(0.69, 0.5, {"That is log 2.": 0.6931}, tolerance=0.02)
    assert "That is log 2." in printed()


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


def test_an_untouched_function_is_not_tried_yet(printed: Printed) -> None:
    check_function(lambda x: ..., double, CASES)
    assert "not tried yet" in printed()


@pytest.mark.parametrize("mistake", [lambda x: x**2, [4, 0, 12.25]], ids=["function", "list"])
def test_a_wrong_function_gets_the_hint_it_agrees_with_in_every_case(
    printed: Printed, mistake: Any
) -> None:
    check_function(lambda x: x * x, double, CASES, {"You halved.": [1, 0, -1.75], "Sq.": mistake})
    assert printed() == "✘ Sq."


def test_a_hint_that_fits_some_cases_only_is_not_given(printed: Printed) -> None:
    check_function(lambda x: x * x, double, CASES, {"You halved.": [4, 0, 99]})
    line = printed()
    assert line.startswith("✘ for (-3.5,) you answer 12.25")
    assert "halved" not in line


def test_the_first_wrong_case_is_shown(printed: Printed) -> None:
    check_function(lambda x: abs(2 * x), double, CASES)
    assert printed().startswith("✘ for (-3.5,) you answer 7.0")


def test_an_exception_in_the_function_is_told_and_goes_no_further(printed: Printed) -> None:
    def broken(x: float) -> float:
        return {2: 4}[x]

    check_function(broken, double, CASES)
    line = printed()
    assert line.startswith("✘ it raised KeyError: 0") and "(0,)" in line


def test_a_function_with_other_parameters_is_told_so(printed: Printed) -> None:
    check_function(lambda: 1, double, CASES)
    line = printed()
    assert line.startswith("✘ it raised TypeError") and "argument" in line


def test_a_wrong_shape_in_one_case_is_named(printed: Printed) -> None:
    check_function(lambda x: x.sum(0), lambda x: x.sum(1), [(torch.ones(2, 3),)])
    line = printed()
    assert line.startswith("✘ for") and "shape should be (2,)" in line


def test_a_function_that_changes_its_arguments_cannot_move_the_target(printed: Printed) -> None:
    def shorten(tokens: list[int]) -> list[int]:
        tokens.pop()
        return list(tokens)

    check_function(shorten, lambda tokens: tokens[:-1], [([1, 2, 3],)])
    assert printed().startswith("✔")


# ---------------------------------------------------------------- compare


def test_equal_tensors_compare_with_a_tick(printed: Printed) -> None:
    reference = torch.tensor([1.0, -4.0], dtype=torch.float64, requires_grad=True)
    difference = compare("dW", reference + 1e-13, reference)
    assert difference == pytest.approx(2.5e-14, rel=0.01)
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
    assert compare("x", reference + 0.5, reference, tolerance=1e-3) == pytest.approx(5e-4)
    with pytest.raises(AssertionError):
        compare("x", reference + 1.5, reference, tolerance=1e-3)


def test_a_reference_of_zeros_can_be_met() -> None:
    zeros = torch.zeros(3, dtype=torch.float64)
    assert compare("x", zeros.clone(), zeros) == 0
    with pytest.raises(AssertionError):
        compare("x", zeros + 1e-9, zeros)
