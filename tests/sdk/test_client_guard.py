from __future__ import annotations

import logging

import pytest

from tollspan.sdk.client_guard import events, guarded


def test_an_error_costs_the_call_and_is_counted_and_said_without_its_text(caplog: pytest.LogCaptureFixture):
    @guarded
    def divide(by: int) -> float:
        return 1 / by

    with caplog.at_level(logging.WARNING, "tollspan"):
        assert divide(2) == 0.5
        assert divide(0) is None

    assert events.counts["divide_failed"] == 1
    assert caplog.messages == ["a call of tollspan.divide failed, and is lost: ZeroDivisionError"]
