from __future__ import annotations

import pytest

from tollspan.errors import ConfigError
from tollspan.sdk.events import LOSS_REPEAT_S, Events


def test_a_state_is_said_when_it_is_entered(caplog: pytest.LogCaptureFixture) -> None:
    events = Events()
    for reason in ("HTTP 503: a", "HTTP 503: b", "HTTP 429", "HTTP 503: c"):
        events.held_back("gate", reason)
    assert [record.message.rpartition("waits: ")[2] for record in caplog.records] == [
        "HTTP 503: a",
        "HTTP 429",
        "HTTP 503: c",
    ]
    assert events.counts["held_back"] == 4


def test_losses_are_said_once_a_minute_and_counted_always(caplog: pytest.LogCaptureFixture) -> None:
    now_s = 0.0
    events = Events(lambda: now_s)
    for _ in range(3):
        events.lost("queue_full", 1, "full")
        now_s += LOSS_REPEAT_S / 2
    events.lost("refused", 1, "HTTP 400")
    assert [record.message for record in caplog.records] == [
        "items lost (queue_full): 1; full",
        "items lost (queue_full): 1; full",
        "items lost (refused): 1; HTTP 400",
    ]
    assert events.counts == {"lost_queue_full": 3, "lost_refused": 1}


def test_the_last_error_is_kept_and_a_notice_is_none() -> None:
    events = Events()
    events.misconfigured(ConfigError("endpoint", "is not set"))
    events.notice("reconfigured", "init was called again")
    assert events.last_error == "endpoint: is not set"
