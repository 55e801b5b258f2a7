from __future__ import annotations

from tollspan.sdk.status import SignalStatus, Status


def test_the_totals_add_up_the_signals() -> None:
    traces = SignalStatus(False, 1, 100, 2, 3, {"shutdown": 4})
    logs = SignalStatus(True, 10, 200, 20, 30, {"shutdown": 40, "queue_full": 50})
    status = Status({"traces": traces, "logs": logs}, None, {}, None, {})
    assert (status.exporting, status.queued, status.sent, status.rejected) == (True, 11, 22, 33)
    assert status.dropped == {"shutdown": 44, "queue_full": 50}
    assert not Status({"traces": traces}, None, {}, None, {}).exporting
    assert Status({}, None, {}, None, {}).queued == 0
