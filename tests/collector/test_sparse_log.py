import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tollspan.collector.sparse_log import KEYS_MAX, SparseLog

INTERVAL_S = 10.0


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def refuse(log, source):
    log.log(logging.WARNING, "refused", source, source=source, exc_info=ValueError(source))


@given(
    steps=st.lists(
        st.one_of(st.integers(0, 3 * KEYS_MAX).map(str), st.floats(0.1, 2 * INTERVAL_S), st.just("flush"))
    )
)
def test_every_line_is_logged_or_counted_in_one_that_is(steps):
    clock = Clock()
    calls = [step for step in steps if isinstance(step, str) and step != "flush"]
    with pytest.MonkeyPatch.context() as patched, capture_logs() as lines:
        patched.setattr(time, "monotonic", clock)
        log = SparseLog(INTERVAL_S)
        for step in steps:
            if step == "flush":
                log.flush()
            elif isinstance(step, str):
                refuse(log, step)
            else:
                clock.now_s += step
        log.flush(at_once=True)
    assert sum(1 + line["unlogged_before"] for line in lines) == len(calls)


def test_a_flood_is_one_line_and_then_one_with_the_newest_and_the_number(clock):
    log = SparseLog(INTERVAL_S)
    with capture_logs() as lines:
        for number in range(1000):
            log.log(logging.WARNING, "refused", "x", number=number)
        log.flush()  # too early
        clock.now_s += INTERVAL_S
        log.flush()
        log.flush()
    assert [(line["number"], line["unlogged_before"]) for line in lines] == [(0, 0), (999, 998)]


def test_kinds_without_end_share_one(clock):
    log = SparseLog(INTERVAL_S)
    with capture_logs() as lines:
        for number in range(10 * KEYS_MAX):
            refuse(log, str(number))
    assert len(lines) == KEYS_MAX + 1
    with capture_logs() as lines:
        log.flush(at_once=True)
    assert [line["unlogged_before"] for line in lines] == [9 * KEYS_MAX - 2]
