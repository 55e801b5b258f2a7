from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import SeverityNumber

from tollspan.otlp import _encode_py
from tollspan.sdk.log_records import DEPTH_MAX, exception_attributes, recordable, severity, text_of

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=5)
    | st.text(st.characters(), max_size=5) | st.just("\ud800") | st.builds(object) | st.just(Exception("x")),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    | st.tuples(inner, inner),
    max_leaves=20,
)  # fmt: skip


@given(anything)
def test_whatever_is_logged_can_be_encoded(value: Any) -> None:
    assert _encode_py.key_value("key", recordable(value), 0)


@pytest.mark.parametrize("value", [None, True, 7, 2.5, "a", b"b", ["a", 1], {"a": {"b": 1}}])
def test_what_otlp_can_say_stays_as_it_is(value: Any) -> None:
    assert recordable(value) == value


def test_a_number_that_otlp_has_no_place_for_is_text() -> None:
    assert recordable([2**63, -(2**63), -(2**63) - 1]) == [
        "9223372036854775808",
        -(2**63),
        "-9223372036854775809",
    ]
    assert recordable(10**5000) == "<int>"


def test_what_is_nested_deeper_or_wider_is_shown_as_text() -> None:
    nested: Any = "core"
    for _ in range(DEPTH_MAX + 1):
        nested = [nested]
    assert recordable(nested) == [[[["['core']"]]]]
    assert recordable(list(range(1000))).startswith("[0, 1, 2")


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (0, SeverityNumber.UNSPECIFIED),
        (5, SeverityNumber.TRACE4),
        (10, SeverityNumber.DEBUG),
        (20, SeverityNumber.INFO),
        (25, SeverityNumber.INFO4),
        (30, SeverityNumber.WARN),
        (41, SeverityNumber.ERROR2),
        (50, SeverityNumber.FATAL),
        (9999, SeverityNumber.FATAL4),
    ],
)
def test_each_level_has_its_severity(level: int, expected: SeverityNumber) -> None:
    assert severity(level) is expected


def test_an_exception_without_a_text_has_the_name_of_its_type() -> None:
    class SulkyError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    attributes = exception_attributes((SulkyError, SulkyError(), None))
    assert attributes["exception.message"] == "<SulkyError>"
    assert text_of(SulkyError()) == "<SulkyError>"
    assert exception_attributes((None, None, None)) == {}
    assert exception_attributes((KeyError, KeyError("a"), None))["exception.type"] == "KeyError"
