"""Query parameters as callers write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tollspan.gateway.storage.attribute_conditions import AttributeCondition
from tollspan.gateway.web.parameters import CONDITION_CHARS_MAX, Condition, Instant

INSTANT = TypeAdapter(Instant)
CONDITION = TypeAdapter(Condition)

moments = st.datetimes(datetime(1970, 1, 1), datetime(2242, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments)
def test_a_moment_means_the_same_as_a_date_and_as_seconds(moment):
    as_date = INSTANT.validate_python(moment.isoformat())
    as_seconds = INSTANT.validate_python(str(moment.timestamp()))

    assert as_date == as_seconds == pytest.approx(moment.timestamp() * 1e9, abs=1000)


def test_an_offset_counts():
    east = INSTANT.validate_python("2026-01-31T13:00:00+01:00")

    assert east == INSTANT.validate_python("2026-01-31T12:00:00Z") == 1769860800 * 10**9


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-01-31T12:00:00", "nan", "inf", "-1", "1e300", "99999999999", "3000-01-01T00:00:00Z"],
)
def test_what_is_no_moment_is_refused_with_a_sentence(text):
    with pytest.raises(ValidationError, match=r"a time (is|lies)"):
        INSTANT.validate_python(text)


@given(key=st.text(min_size=1, max_size=20), value=st.text(max_size=20))
def test_any_key_and_value_can_be_asked_for(key, value):
    escaped = key.replace("\\", "\\\\").replace("=", "\\=")
    assert CONDITION.validate_python(f"{escaped}={value}") == AttributeCondition(key, value)


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [("k=", "k", ""), ("k=a=b", "k", "a=b"), (r"a\=b=c", "a=b", "c"), ("k=\\", "k", "\\")],
)
def test_the_key_ends_at_the_first_bare_equals_sign(text, key, value):
    assert CONDITION.validate_python(text) == AttributeCondition(key, value)


@pytest.mark.parametrize("text", ["", "k", "=v", r"k\=v", "a\\b=c", "k=" + CONDITION_CHARS_MAX * "v"])
def test_what_is_no_condition_is_refused_with_what_to_write(text):
    with pytest.raises(ValidationError, match=r"write (key=value|at most)"):
        CONDITION.validate_python(text)
