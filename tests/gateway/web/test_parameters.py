"""Query parameters as callers write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tollspan.gateway.web.parameters import Instant

INSTANT = TypeAdapter(Instant)

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
