import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.ottl.values import (
    Duration,
    EvaluationError,
    Time,
    arithmetic,
    compare,
    index,
    regex,
    replacement,
    searcher,
    signed,
    text_of,
)

ORDERED = ("<", "<=", "==", "!=", ">=", ">")
values = st.sampled_from([None, True, 1, 1.5, "a", b"a", [1], {"a": 1}, Time(1), Duration(1)])


@pytest.mark.parametrize(
    ("left", "right", "true"),
    [
        (1, 1.0, {"<=", "==", ">="}),
        (1, 2.5, {"<", "<=", "!="}),
        (None, None, {"<=", "==", ">="}),
        (None, 0, {"!="}),
        (True, 1, {"!="}),
        ("1", 1, {"!="}),
        ("a", "b", {"<", "<=", "!="}),
        (b"b", b"a", {">", ">=", "!="}),
        (False, True, {"<", "<=", "!="}),
        ([1], [1], {"=="}),
        ({"a": 1}, {"a": 2}, {"!="}),
        (Time(1), Time(2), {"<", "<=", "!="}),
        (Duration(2), Duration(1), {">", ">=", "!="}),
    ],
)
def test_comparisons_are_those_of_the_collector(left, right, true):
    assert {sign for sign in ORDERED if compare(sign)(left, right)} == true


@given(values, values)
def test_of_two_values_of_different_kinds_only_unequal_is_true(left, right):
    kinds = {float if type(value) is int else type(value) for value in (left, right)}
    if len(kinds) == 2:
        assert [sign for sign in ORDERED if compare(sign)(left, right)] == ["!="]


@pytest.mark.parametrize(
    ("left", "sign", "right", "result"),
    [
        (7, "/", -2, -3),
        (7.0, "/", 2.0, 3.5),
        (2, "*", 3, 6),
        (Time(5), "-", Time(3), Duration(2)),
        (Time(5), "+", Duration(3), Time(8)),
        (Duration(5), "+", Time(3), Time(8)),
        (Time(5), "-", Duration(3), Time(2)),
        (Duration(5), "-", Duration(3), Duration(2)),
    ],
)
def test_arithmetic_on_like_kinds(left, sign, right, result):
    assert arithmetic(sign, left, right) == result


@pytest.mark.parametrize(
    ("left", "sign", "right"), [(1, "+", 1.0), (1, "/", 0), ("a", "+", "b"), (True, "+", 1)]
)
def test_arithmetic_on_anything_else_is_an_error(left, sign, right):
    with pytest.raises(EvaluationError):
        arithmetic(sign, left, right)


def test_only_numbers_have_a_sign():
    assert (signed("-", 3), signed("+", 1.5)) == (-3, 1.5)
    with pytest.raises(EvaluationError):
        signed("-", "3")


def test_maps_and_lists_can_be_indexed_and_nothing_else():
    assert index({"a": 1}, "a") == 1
    assert index({"a": 1}, "b") is None
    assert index([1, 2], 1) == 2
    for container, key in (([1], 1), ([1], -1), ([1], "a"), ("text", 0), ({}, 0), ([1, 2], True)):
        with pytest.raises(EvaluationError):
            index(container, key)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.0, "1"),
        (1.5, "1.5"),
        (b"x", "eA=="),
        (None, ""),
        ({"a": [1, "é"]}, '{"a":[1,"é"]}'),
        (Time(1_500_000_000), "1970-01-01T00:00:01.500000Z"),
        (Duration(1_500_000_000), "1.5s"),
    ],
)
def test_every_value_can_be_written(value, text):
    assert text_of(value) == text


def test_patterns_are_re2():
    assert searcher("^a+$")("aaa")
    assert not searcher("^a+$")("aab")
    assert regex("b(c)").search("abc")[1] == "c"
    for broken in ("(", r"(a)\1", "(?=a)"):
        with pytest.raises(ValueError, match="not an RE2 pattern"):
            searcher(broken)


@pytest.mark.parametrize(
    ("template", "result"), [("<$1>", "<b>"), ("${name}!", "b!"), ("$$", "$"), ("\\", "\\"), ("\\1", "\\1")]
)
def test_replacements_are_written_as_in_go(template, result):
    assert regex("(?P<name>b)").sub(replacement(template), "b") == result
