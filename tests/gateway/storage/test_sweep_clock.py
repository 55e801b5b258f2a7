import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from helpers.spans import batch, span
from helpers.stores import new_writer, open_engine
from tollspan.gateway.storage.sweep_clock import STEP_DAYS_MAX, SweepClock, justify_s
from tollspan.gateway.storage.upkeep import DAY_S

DAYS = st.sets(st.integers(0, 2000), min_size=1, max_size=30).map(sorted)


NOON_S = DAY_S // 2


@given(days=DAYS, jump=st.integers(1, 10_000), stores=st.booleans())
def test_a_jump_ahead_brings_it_three_days_further_and_no_more(days, jump, stores):
    wall_s = days[-1] * DAY_S + NOON_S
    wrong = [days[-1] + jump] if stores else []
    early_s = justify_s([*days, *wrong], wall_s + jump * DAY_S) - justify_s(days, wall_s)
    assert early_s == min(jump, STEP_DAYS_MAX) * DAY_S


@given(days=DAYS, ahead=DAYS)
def test_it_is_never_after_the_wall_clock_whatever_is_stored(days, ahead):
    for wall_s in (0.0, days[0] * DAY_S, days[-1] * DAY_S + NOON_S):
        assert justify_s([*days, *ahead], wall_s) <= wall_s


@given(days=DAYS)
def test_without_gaps_it_is_the_wall_clock(days):
    wall_s = days[-1] * DAY_S + NOON_S
    assert justify_s(range(days[0], days[-1] + 1), wall_s) == wall_s


def test_where_nothing_is_stored_the_wall_clock_is_believed():
    assert justify_s([], 1e9) == 1e9


@pytest.fixture
def engine(tmp_path):
    with open_engine(tmp_path) as opened:
        yield opened


def receive(engine, at_s):
    new_writer(engine, clock_ns=lambda: at_s * 10**9).write([batch(span(start=at_s * 10**9))])


@pytest.mark.xdist_group("telemetry")
def test_it_goes_on_by_itself_through_a_jump_and_stops_at_a_wall_clock_that_is_behind(engine):
    wall_s = today_s = 20_000 * DAY_S + DAY_S // 2
    monotonic_s = 0
    clock = SweepClock(lambda: wall_s, lambda: monotonic_s)
    receive(engine, today_s)
    assert clock.now_s(engine) == today_s
    monotonic_s += 3600
    wall_s += 3600
    assert clock.now_s(engine) == today_s + 3600
    wall_s += 365 * DAY_S
    three_days_early_s = today_s + 3600 + STEP_DAYS_MAX * DAY_S
    with capture_logs() as logs:
        assert clock.now_s(engine) == three_days_early_s
    assert [(line["event"], line["days"]) for line in logs] == [("retention_behind_clock", 362)]
    receive(engine, wall_s)  # is stored under the wrong day
    for again in (clock, SweepClock(lambda: wall_s, lambda: monotonic_s)):
        assert again.now_s(engine) == three_days_early_s
    wall_s = today_s - DAY_S
    assert clock.now_s(engine) == wall_s
    wall_s, monotonic_s = today_s + 100 * DAY_S, 100 * DAY_S
    assert clock.now_s(engine) == wall_s  # the process itself has seen that time go by
