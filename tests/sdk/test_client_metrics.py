from __future__ import annotations

import pytest

import tollspan
from tollspan.sdk.client_guard import events
from tollspan.sdk.client_metric_names import METRICS
from tollspan.sdk.client_metrics import metric_problem
from tollspan.testing import Captured


def test_a_counter_adds_up(captel: Captured):
    tollspan.metric("orders", 2, "{order}", {"kind": "gift"}, kind="counter")
    tollspan.metric("orders", 3, "{order}", {"kind": "gift"}, kind="counter")

    measured = captel.metric("orders", kind="gift")
    assert (measured.value, measured.unit) == (5, "{order}")


def test_an_up_down_counter_goes_down_too(captel: Captured):
    tollspan.metric("active_orders", 2, kind="up_down")
    tollspan.metric("active_orders", -1, kind="up_down")

    assert captel.metric("active_orders").value == 1


def test_a_histogram_counts_what_it_records(captel: Captured):
    tollspan.metric("basket", 10, "EUR", kind="histogram")
    tollspan.metric("basket", 30, "EUR", kind="histogram")

    measured = captel.metric("basket")
    assert (measured.value, measured.count) == (40, 2)


def test_a_gauge_is_the_kind_of_what_says_none_and_has_the_last_value(captel: Captured):
    tollspan.metric("queue.depth", 7)
    tollspan.metric("queue.depth", 3)

    measured = captel.metric("queue.depth")
    assert (measured.value, measured.unit) == (3, "1")


def test_a_name_of_the_conventions_has_their_kind_and_unit(captel: Captured):
    tollspan.metric("http.server.request.duration", 0.25)

    measured = captel.metric("http.server.request.duration")
    assert (measured.count, measured.unit) == (1, "s")


def test_a_kind_that_does_not_exist_raises_nothing(captel: Captured):
    tollspan.metric("orders", 1, kind="meter")

    assert captel.metrics == []
    assert events.counts["metric_failed"] > 0


def test_a_questionable_name_is_said_once(captel: Captured, caplog: pytest.LogCaptureFixture):
    for _ in range(3):
        tollspan.metric("checkout_total", 1, kind="counter")

    assert caplog.messages == ["metric checkout_total: Prometheus adds _total where it belongs; leave it out"]


@pytest.mark.parametrize(
    ("name", "kind", "unit", "problem"),
    [
        ("http.server.request.duration", "histogram", "ms", "a histogram in s, not a histogram in ms"),
        ("http.server.active_requests", "gauge", "{request}", "is a up_down in {request}"),
        ("http.server.request.duratoin", "histogram", "s", "did you mean http.server.request.duration"),
        ("order_processing_duration_ms", "histogram", "ms", "a unit does not belong into the name"),
        ("1st", "counter", "1", "it starts with a letter"),
        ("a" * 256, "counter", "1", "255 in all"),
    ],
)
def test_a_name_is_checked(name: str, kind: str, unit: str, problem: str):
    assert problem in (metric_problem(name, kind, unit) or "")


@pytest.mark.parametrize("name", ["checkout.revenue", "queue.depth", "orders"])
def test_a_name_of_ones_own_is_fine(name: str):
    assert metric_problem(name, "counter", "1") is None


def test_every_name_of_the_conventions_is_fine():
    assert [name for name, (kind, unit) in METRICS.items() if metric_problem(name, kind, unit)] == []
