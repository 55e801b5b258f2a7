from hypothesis import given
from hypothesis import strategies as st

from tollspan.gateway.query.time_range import ALWAYS, TimeRange
from tollspan.gateway.storage.chunks import FUTURE_MAX_NANO

MOMENTS = st.integers(-(2**70), 2**70)


@given(start=MOMENTS, end=MOMENTS)
def test_every_range_fits_the_statements(start, end):
    parameters = TimeRange(start, end).parameters()
    assert 0 <= parameters["start"] < 2**63
    assert 0 <= parameters["end"] < 2**63
    assert 0 <= parameters["received_from"] < 2**63 // 10**9


@given(start=st.integers(0, 2**62), early=st.integers(0, FUTURE_MAX_NANO))
def test_nothing_in_the_range_was_received_before_it_is_looked_for(start, early):
    received = start - early
    assert TimeRange(start).parameters()["received_from"] <= max(0, received // 10**9)


def test_always_is_all_time():
    assert ALWAYS.parameters() == {"start": 0, "end": 2**63 - 1, "received_from": 0}
