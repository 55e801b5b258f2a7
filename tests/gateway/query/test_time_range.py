from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tollspan.gateway.query.time_range import ALWAYS, SECONDS_MAX, SLOT_S, TimeRange
from tollspan.gateway.storage.chunks import FUTURE_MAX_NANO

MINUTE = 60 * 10**9
LATEST = SECONDS_MAX * 10**9
MOMENTS = st.integers(-(2**70), 2**70)


@given(start=MOMENTS, end=MOMENTS)
def test_every_range_fits_the_statements(start, end):
    parameters = TimeRange(start, end).parameters()
    assert 0 <= parameters["start"] < 2**63
    assert 0 <= parameters["end"] < 2**63
    assert 0 <= parameters["received_from"] < 2**63 // 10**9
    assert 0 <= parameters["slot_first"] < 2**32
    assert 0 <= parameters["slot_last"] < 2**32


@given(
    start=st.integers(0, LATEST // 2),
    length=st.integers(1, LATEST // 2),
    place=st.floats(0, 1, exclude_max=True),
)
def test_whatever_is_in_the_range_is_in_its_slots(start, length, place):
    moment_s = (start + int(length * place)) // 10**9
    parameters = TimeRange(start, start + length).parameters()
    assert parameters["slot_first"] <= moment_s // SLOT_S * SLOT_S <= parameters["slot_last"]


@given(start=st.integers(0, 2**62), early=st.integers(0, FUTURE_MAX_NANO))
def test_nothing_in_the_range_was_received_before_it_is_looked_for(start, early):
    received = start - early
    assert TimeRange(start).parameters()["received_from"] <= max(0, received // 10**9)


def test_always_is_all_time():
    assert ALWAYS.parameters() == {
        "bounded": 0,
        "start": 0,
        "end": 2**63 - 1,
        "slot_first": 0,
        "slot_last": 2**32 - 1,
        "received_from": 0,
    }


@given(start=st.integers(0, 2**63), end=st.integers(0, 2**63))
def test_every_other_range_is_bounded(start, end):
    parameters = TimeRange(start, end).parameters()
    assert parameters["bounded"] == 1 or parameters == ALWAYS.parameters()


@given(
    start=st.integers(0, 2**60),
    length=st.integers(1, 2**60),
    shares=st.lists(st.floats(0, 1, exclude_max=True), max_size=40).map(sorted),
)
def test_slices_are_the_whole_range_newest_first_whatever_is_found(start, length, shares):
    told = iter(share for share in shares for _ in range(2))
    slices = list(TimeRange(start, start + length).slices(lambda: next(told, 0.5)))
    assert (slices[0].end_unix_nano, slices[-1].start_unix_nano) == (start + length, start)
    for newer, older in pairwise(slices):
        assert older.end_unix_nano == newer.start_unix_nano
    # Each at least four times as wide as the one before: an empty store is not asked for ever.
    assert len(slices) < 25


def test_no_slice_is_asked_for_once_all_is_found():
    found = iter([0.0, 0.0, 1.0])
    assert len(list(ALWAYS.slices(lambda: next(found, 1.0)))) == 1


def test_a_slice_is_as_wide_as_the_rest_will_probably_take():
    """A tenth was in the first minute: the rest is probably in nine more; half as many again are asked."""
    end = 10**18
    first, second, *_ = TimeRange(0, end).slices(lambda: 0.1)
    assert first == TimeRange(end - MINUTE, end)
    assert second == TimeRange(end - MINUTE * 29 // 2, end - MINUTE)
