"""Whatever an author writes is an expression or a sentence about why not; whatever fails is not a value."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chassis.conditions import (
    FLAG,
    INTEGER,
    MOMENT,
    NUMBER,
    SOURCE_LENGTH_MAX,
    TEXT,
    TOGETHER_MAX,
    ExpressionFailed,
    InvalidExpression,
    Vocabulary,
)

WORDS = Vocabulary({"a.whole": INTEGER, "a.real": NUMBER, "a.text": TEXT, "a.flag": FLAG, "at": MOMENT})
VALUES = WORDS.values(
    {"a.whole": 0, "a.real": float("nan"), "a.text": "(", "a.flag": False, "at": datetime(2026, 2, 28, tzinfo=UTC)}
)
FAILS = "1 / a.whole == 1"
# Pieces of the language, so that more than a few of the texts made of them compile.
PIECES = st.sampled_from(
    [
        *("a.whole", "a.real", "a.text", "a.flag", "at", "x", "0", "1", "1.5", "-9223372036854775808", "'x'", "b'x'"),
        *("true", "false", "null", "(", ")", "[", "]", "{", "}", ",", ":", "?", "!", ".", "+", "-", "*", "/", "%"),
        *("==", "<", ">=", "&&", "||", "in", "size", "int", "string", "matches", "exists", "map", "//", "\n"),
        *("timestamp", "duration('1s')"),
    ]
)
SOURCES = st.lists(PIECES, max_size=12).map(" ".join) | st.text(max_size=40)


@given(SOURCES)
@example("\x00")
@example("a.whole //")
@example("(" * 100)
@example("[" * 20 + "]" * 20)
@example("1" * SOURCE_LENGTH_MAX)
@settings(max_examples=400, deadline=None)
def test_any_text_compiles_or_is_an_invalid_expression_with_a_reason(source: str) -> None:
    for compile_source in (WORDS.condition, WORDS.amount):
        try:
            compile_source(source)
        except InvalidExpression as refusal:
            reason = str(refusal)
        else:
            continue
        assert reason


@given(SOURCES)
@example(FAILS)
@example("a.whole % a.whole == 0")
@example("a.text.matches(a.text)")
@settings(max_examples=400, deadline=None)
def test_what_compiles_is_true_false_or_failed_and_a_whole_number_or_failed(source: str) -> None:
    for compile_source, ask, kind in ((WORDS.condition, _holds, bool), (WORDS.amount, _of, int)):
        try:
            found = compile_source(source)
        except InvalidExpression:
            continue
        try:
            value = ask(found)
        except ExpressionFailed:
            continue
        assert type(value) is kind


def _holds(found: Any) -> Any:
    return found.holds(VALUES)


def _of(found: Any) -> Any:
    return found.of(VALUES)


@pytest.mark.parametrize(
    "source",
    [
        FAILS,
        f"{FAILS} || false",
        f"!({FAILS})",
        f"{FAILS} ? true : true",
        "[1][a.whole + 1] == 1",
        "int('many') > 0",
        "9223372036854775807 + a.whole + 1 > 0",
        "a.text.matches(a.text)",
        "timestamp('yesterday') < at",
        "{'one': 1}['two'] == 1",
    ],
)
def test_a_run_time_error_never_counts_as_true(source: str) -> None:
    condition = WORDS.condition(source)
    with pytest.raises(ExpressionFailed):
        condition.holds(VALUES)
    failures: list[int] = []
    assert WORDS.amounts([(source, "7")]).of(VALUES, lambda place, _: failures.append(place)) == [0]
    assert failures == [0]


def test_a_value_that_was_not_given_is_a_failure() -> None:
    with pytest.raises(ExpressionFailed):
        WORDS.condition("a.whole == 0").holds(WORDS.values({}))
    with pytest.raises(ExpressionFailed):
        WORDS.amount("a.whole").of(WORDS.values({}))


def test_no_condition_always_holds() -> None:
    assert WORDS.condition("").holds(VALUES)
    assert WORDS.condition(" \n").holds(VALUES)


@pytest.mark.parametrize("source", ["1", "'true'", "a.whole", "null", "[true]", "dyn(true)"])
def test_a_condition_that_is_not_true_or_false_is_invalid(source: str) -> None:
    with pytest.raises(InvalidExpression, match="not true or false"):
        WORDS.condition(source)


@pytest.mark.parametrize("source", ["1.0", "true", "a.real", "'1'", "1u"])
def test_an_amount_that_is_no_whole_number_is_invalid(source: str) -> None:
    with pytest.raises(InvalidExpression, match="not a whole number"):
        WORDS.amount(source)


def test_an_amount_is_needed_and_has_a_length() -> None:
    with pytest.raises(InvalidExpression, match="is empty"):
        WORDS.amount("  ")
    with pytest.raises(InvalidExpression, match="longer than"):
        WORDS.amount("1" + " " * SOURCE_LENGTH_MAX)


def test_an_unknown_name_is_told_with_its_place() -> None:
    with pytest.raises(InvalidExpression, match=r"^at 2:2: undeclared reference to 'a\.hole'"):
        WORDS.condition("a.whole > 0 &&\na.hole > 0")


# Many at once


@given(st.lists(st.tuples(st.just("") | SOURCES, SOURCES), max_size=25))
@example([("a.whole == 0 //", "7 //"), ("", "1 //"), (FAILS, "1"), ("true", "1 / a.whole"), ("false", "1 / a.whole")])
@example([("true", "1")] * (TOGETHER_MAX + 1))
@settings(max_examples=150, deadline=None)
def test_amounts_together_are_what_they_are_alone(written: list[tuple[str, str]]) -> None:
    guarded = [pair for pair in written if _compiles(*pair)]
    expected, failing = [], set()
    for place, (condition, amount) in enumerate(guarded):
        try:
            holds = WORDS.condition(condition).holds(VALUES)
            expected.append(WORDS.amount(amount).of(VALUES) if holds else 0)
        except ExpressionFailed:
            expected.append(0)
            failing.add(place)
    told: set[int] = set()
    assert WORDS.amounts(guarded).of(VALUES, lambda place, _: told.add(place)) == expected
    assert told == failing


def _compiles(condition: str, amount: str) -> bool:
    try:
        WORDS.condition(condition)
        WORDS.amount(amount)
    except InvalidExpression:
        return False
    return True


@pytest.mark.parametrize(
    "nested",
    [
        lambda depth: "(" * depth + "1" + ")" * depth,
        lambda depth: "true ? (" * depth + "1" + ") : 0" * depth,
        lambda depth: "[" * depth + "1" + "]" * depth + "[0]" * depth,
        lambda depth: "1" + " + 1" * depth,
        lambda depth: "-(" * depth + "1" + ")" * depth,
    ],
    ids=["parentheses", "choices", "lists", "sums", "signs"],
)
def test_what_is_accepted_alone_is_accepted_together_however_deep_it_is(nested: Any) -> None:
    refused = 0
    for depth in range(1, 40):
        for condition, amount in (("", nested(depth)), (f"{nested(depth)} == 1", "1")):
            if not _compiles(condition, amount):
                refused += 1
                continue
            assert len(WORDS.amounts([(condition, amount)] * TOGETHER_MAX).of(VALUES, print)) == TOGETHER_MAX
    assert refused or nested(2) == "1 + 1 + 1"


def test_the_longest_sources_are_accepted_together() -> None:
    amount = "a.whole + 1".ljust(SOURCE_LENGTH_MAX)
    condition = "a.whole == 0".ljust(SOURCE_LENGTH_MAX)
    assert WORDS.amounts([(condition, amount)] * TOGETHER_MAX).of(VALUES, print) == [1] * TOGETHER_MAX


@given(st.sets(st.sampled_from(["a.whole", "a.real", "a.text", "a.flag", "at"])))
@settings(deadline=None)
def test_amounts_know_every_variable_that_they_read(names: set[str]) -> None:
    guarded = [(f"{name} == {name}", "1") for name in sorted(names)]
    assert WORDS.amounts(guarded).variables >= names
