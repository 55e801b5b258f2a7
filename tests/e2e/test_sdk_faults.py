"""What goes wrong around an application, for all signals at once: nothing reaches it, all is accounted for.

How a program ends and forks is in test_sdk_process.py, what destinations answer in
tests/sdk/test_delivery.py.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import _logs, metrics, trace

import tollspan
from helpers.fresh_sdk import fresh_sdk
from helpers.otlp_peer import Answer, OTLPPeer, running_peer
from helpers.ports import free_port

SIGNALS = ("traces", "metrics", "logs")
OAUTH2 = {"client_id": "shop", "client_secret": "hunter2-do-not-show"}


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with fresh_sdk(monkeypatch):
        yield


@pytest.fixture
def peer() -> Iterator[OTLPPeer]:
    with running_peer() as peer:
        yield peer


def _work(name: str = "work") -> None:
    trace.get_tracer("tests").start_span(name).end()
    metrics.get_meter("tests").create_counter("jobs").add(1, {"job": name})
    logging.getLogger("tests").error(name)


def _account(handle: tollspan.Tollspan) -> dict[str, dict[str, Any]]:
    """What became of the items of each signal, without what did not happen."""
    account = {}
    for signal, status in handle.status().signals.items():
        counts = {"sent": status.sent, "rejected": status.rejected, "queued": status.queued}
        counts |= status.dropped
        account[signal] = {what: count for what, count in counts.items() if count}
    return account


def _each(**counts: int) -> dict[str, dict[str, int]]:
    return {signal: dict(counts) for signal in SIGNALS}


def test_a_collector_that_is_down_costs_nothing_until_the_end(caplog: pytest.LogCaptureFixture) -> None:
    handle = tollspan.init(endpoint=f"http://127.0.0.1:{free_port()}")
    _work()
    assert handle.flush(0.2).pending == 3
    assert _account(handle) == _each(queued=1)
    handle.shutdown(0.2)
    # The last collection of metrics is one more data point.
    assert _account(handle) == {**_each(shutdown=1), "metrics": {"shutdown": 2}}
    for items in ("spans", "data points", "log records"):
        assert f"takes no {items} now, they wait: " in caplog.text


def test_a_collector_that_comes_up_late_gets_everything_once() -> None:
    port = free_port()
    handle = tollspan.init(endpoint=f"http://127.0.0.1:{port}")
    _work()
    handle.flush(0.1)
    with running_peer(port=port) as peer:
        assert handle.flush(20).ok
        assert (peer.stored, peer.logged) == ({"work": 1}, {"work": 1})
        assert [metric.sum.data_points[0].as_int for metric in peer.measured["jobs"]][-1] == 1
    assert all("sent" in counts and "queued" not in counts for counts in _account(handle).values())


def test_an_identity_provider_that_is_down_at_the_start_costs_nothing(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 3600
    peer.token_answers.extend([Answer(503), Answer(500)])
    handle = tollspan.init(endpoint=peer.url, **OAUTH2)
    _work()
    while not handle.flush(0.2).ok:
        pass
    account = _account(handle)
    assert account["traces"] == account["logs"] == {"sent": 1}
    assert (peer.stored, peer.logged) == ({"work": 1}, {"work": 1})


def test_a_storm_of_401_keeps_the_data_and_spares_the_identity_provider(peer: OTLPPeer) -> None:
    peer.always = Answer(401)
    handle = tollspan.init(endpoint=peer.url, **OAUTH2)
    _work()
    for _ in range(10):
        handle.flush(0.05)
    account = _account(handle)
    assert account["traces"] == account["logs"] == {"queued": 1}
    assert len(peer.token_requests) < 10
    status = handle.status()
    assert status.token is not None
    assert "hunter2" not in repr(status)
    handle.shutdown(0.1)
    assert _account(handle)["traces"] == {"shutdown": 1}


def test_a_lone_surrogate_costs_the_item_that_it_is_in(peer: OTLPPeer) -> None:
    handle = tollspan.init(endpoint=peer.url)
    _work("before")
    trace.get_tracer("tests").start_span("bad\ud800").end()
    metrics.get_meter("tests").create_counter("jobs").add(1, {"job": "bad\ud800"})
    _logs.get_logger("tests").emit(body="bad\ud800")
    _work("after")
    assert handle.flush().dropped == 3
    assert _account(handle) == _each(sent=2, encode_error=1)
    assert peer.stored == peer.logged == {"before": 1, "after": 1}


def test_a_bad_log_format_arrives_as_it_is_and_raises_nothing(peer: OTLPPeer) -> None:
    handle = tollspan.init(endpoint=peer.url)
    shown, logging.root.handlers[:] = (
        logging.root.handlers[:],
        [handler for handler in logging.root.handlers if type(handler).__module__.startswith("tollspan")],
    )
    try:
        logging.getLogger("tests").error("order %d is late", "seven")
    finally:
        logging.root.handlers[:] = shown
    assert handle.flush().ok
    assert peer.logged == {"order %d is late": 1}


def test_a_destination_that_accepts_and_never_answers_costs_one_deadline(peer: OTLPPeer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        handle = tollspan.init(endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}", export_timeout_s=30)
        _work()
        handle.shutdown(0.3)
    assert _account(handle) == _each(shutdown=1)
