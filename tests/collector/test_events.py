import threading
import time

import pytest
from structlog.testing import capture_logs

from tollspan.collector import events
from tollspan.collector.events import Counters, ReceiverEvents, Refusal
from tollspan.otlp.signals import Signal


@pytest.fixture
def counters():
    return Counters()


def test_a_total_sums_over_the_labels_it_does_not_name(counters):
    counters.add("spans", 2, receiver="a", reason="x")
    counters.add("spans", 3, receiver="a", reason="y")
    counters.add("spans", 5, receiver="b", reason="y")
    counters.add("logs", 7, receiver="a")
    assert counters.total("spans") == 10
    assert counters.total("spans", receiver="a") == 5
    assert counters.total("spans", reason="y", receiver="b") == 5
    assert counters.total("spans", receiver="c") == 0


def test_a_snapshot_has_every_counter_and_does_not_change(counters):
    counters.add("spans", 2, reason="x", receiver="a")
    snapshot = counters.snapshot()
    counters.add("spans", 2, receiver="a", reason="x")
    assert snapshot == {("spans", (("reason", "x"), ("receiver", "a"))): 2}


def test_no_addition_of_any_thread_is_lost(counters):
    def add():
        for _ in range(2000):
            counters.add("spans", 1)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.total("spans") == 16000


def test_a_request_taken_in_part_counts_its_items_on_both_sides(counters):
    with capture_logs() as logs:
        ReceiverEvents(counters, "otlp/2", "http").accepted(Signal.METRICS, 10, 3, "item 4: no time")
    labels = {"receiver": "otlp/2", "transport": "http"}
    assert counters.total("otelcol_receiver_requests", outcome="accepted", **labels) == 1
    assert counters.total("otelcol_receiver_accepted_metric_points", **labels) == 7
    assert counters.total("otelcol_receiver_refused_metric_points", reason="rejected", **labels) == 3
    assert logs[0]["detail"] == "item 4: no time"


def test_a_request_taken_whole_is_not_logged(counters):
    with capture_logs() as logs:
        ReceiverEvents(counters, "otlp", "http").accepted(Signal.LOGS, 10)
    assert logs == []
    assert counters.total("otelcol_receiver_refused_log_records") == 0


def test_a_flood_of_refusals_is_counted_in_full_and_logged_once_in_an_interval(counters, monkeypatch):
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    reporting = ReceiverEvents(counters, "otlp", "http")
    with capture_logs() as logs:
        for _ in range(5):
            reporting.refused(Signal.TRACES, Refusal.MALFORMED, "not protobuf", 2)
        reporting.refused(Signal.TRACES, Refusal.TOO_LARGE, "too large")
        now_s += events.LOG_INTERVAL_S
        reporting.refused(Signal.TRACES, Refusal.MALFORMED, "not protobuf", 2)
    assert [(log["reason"], log["unlogged_before"]) for log in logs] == [
        ("malformed", 0),
        ("too_large", 0),
        ("malformed", 4),
    ]
    assert counters.total("otelcol_receiver_refused_spans") == 12
    assert counters.total("otelcol_receiver_requests", outcome="malformed") == 6


def test_a_defect_is_logged_with_its_traceback(counters):
    defect = ValueError("oops")
    with capture_logs() as logs:
        ReceiverEvents(counters, "otlp", "http").refused(Signal.TRACES, Refusal.DEFECT, "oops", defect=defect)
    assert logs[0]["exc_info"] is defect
