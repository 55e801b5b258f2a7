from __future__ import annotations

import logging

import pytest

from tollspan.errors import ConfigError
from tollspan.sdk.events import LOSS_REPEAT_S, Events


def test_an_outage_is_a_line_for_each_kind_of_reason_and_one_for_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "tollspan")
    events = Events()
    for _ in range(2):
        for reason in ("HTTP 503: a", "HTTP 503: b", "HTTP 429", "HTTP 503: c"):
            events.held_back("gate", "spans", reason)
        events.delivered("gate", "spans")
        events.delivered("gate", "spans")
    outage = ["they wait: HTTP 503: a", "they wait: HTTP 429", "gate takes spans again"]
    assert [record.message.rpartition(", ")[2] for record in caplog.records] == outage * 2
    assert events.counts["held_back"] == 8


def test_a_state_is_said_when_it_is_entered(caplog: pytest.LogCaptureFixture) -> None:
    events = Events()
    for problem in ("is wrong", "is wrong", "is missing", "is wrong"):
        events.misconfigured(ConfigError("endpoint", problem))
    said = ["endpoint: is wrong", "endpoint: is missing", "endpoint: is wrong"]
    assert [record.message for record in caplog.records] == said


def test_losses_are_said_once_a_minute_and_counted_always(caplog: pytest.LogCaptureFixture) -> None:
    now_s = 0.0
    events = Events(lambda: now_s)
    for _ in range(3):
        events.lost("queue_full", 1, "spans", "full")
        now_s += LOSS_REPEAT_S / 2
    events.lost("refused", 1, "spans", "HTTP 400")
    assert [record.message for record in caplog.records] == [
        "spans lost (queue_full): 1; full",
        "spans lost (queue_full): 1; full",
        "spans lost (refused): 1; HTTP 400",
    ]
    assert events.counts == {"lost_queue_full": 3, "lost_refused": 1}


def test_the_last_error_is_kept_and_a_notice_is_none() -> None:
    events = Events()
    events.misconfigured(ConfigError("endpoint", "is not set"))
    events.notice("reconfigured", "init was called again")
    assert events.last_error == "endpoint: is not set"
