"""Three signals at once, over real sockets."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
from opentelemetry import _logs, metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation

import tollspan
from helpers.otlp_peer import Answer, OTLPPeer
from tollspan.sdk.exporter import FlushResult

pytestmark = pytest.mark.usefixtures("fresh_process")


def _work() -> None:
    trace.get_tracer("tests").start_span("span").end()
    metrics.get_meter("tests").create_counter("counter").add(1)
    logging.getLogger("tests").warning("log")


def _counts(handle: tollspan.Tollspan, name: str) -> dict[str, Any]:
    return {signal: getattr(status, name) for signal, status in handle.status().signals.items()}


def test_all_signals_arrive_with_one_access_token(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 3600
    handle = tollspan.init(endpoint=peer.url, client_id="shop", client_secret="s")
    _work()
    assert handle.flush() == FlushResult(True, 3, 0, 0)
    assert _counts(handle, "sent") == {"traces": 1, "metrics": 1, "logs": 1}
    assert (peer.stored, peer.logged, list(peer.measured)) == ({"span": 1}, {"log": 1}, ["counter"])
    assert len(peer.token_requests) == 1
    assert sorted(path for path in peer.paths if "v1" in path) == ["/v1/logs", "/v1/metrics", "/v1/traces"]


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        ({}, {}, {"traces", "metrics", "logs"}),
        ({"signals": ["logs"]}, {}, {"logs"}),
        ({}, {"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}, {"metrics"}),
        ({}, {"TOLLSPAN_SIGNALS": "traces metrics", "OTEL_TRACES_EXPORTER": "none"}, {"traces", "metrics"}),
        ({"destination": "unomiq", "client_id": "a", "client_secret": "b"}, {}, {"traces"}),
        ({"signals": ["noise"]}, {}, {"traces", "metrics", "logs"}),
    ],
    ids=["all", "argument", "none", "variable", "destination", "wrong"],
)
def test_signals_can_be_switched(
    peer: OTLPPeer,
    monkeypatch: pytest.MonkeyPatch,
    arguments: dict[str, Any],
    environ: dict[str, str],
    expected: set[str],
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    handle = tollspan.init(endpoint=peer.url, token_url=f"{peer.url}/token", **arguments)
    _work()
    assert handle.flush().ok
    assert handle.status().signals.keys() == expected
    assert set(_counts(handle, "sent").values()) == {1}


def test_a_second_init_may_switch_a_signal_off_and_on_again(peer: OTLPPeer) -> None:
    handle = tollspan.init(endpoint=peer.url)
    _work()
    tollspan.init(endpoint=peer.url, signals=["metrics"])
    _work()
    tollspan.init(endpoint=peer.url)
    _work()
    assert handle.flush().ok
    assert (peer.stored, peer.logged) == ({"span": 2}, {"log": 2})
    assert peer.measured["counter"][-1].sum.data_points[0].as_int == 3


def test_each_signal_may_have_a_destination_of_its_own(
    peer: OTLPPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{peer.url}/all")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", f"{peer.url}/other/v1/logs")
    handle = tollspan.init()
    _work()
    assert handle.flush().ok
    assert sorted(peer.paths) == ["/all/v1/metrics", "/all/v1/traces", "/other/v1/logs"]


def test_an_outage_of_one_signal_does_not_hold_up_the_others(
    peer: OTLPPeer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tollspan")
    handle = tollspan.init(endpoint=peer.url)
    peer.answers.append(Answer(503, headers={"Retry-After": "3600"}))
    trace.get_tracer("tests").start_span("late").end()
    handle.flush(0.2)
    logging.getLogger("tests").warning("log")
    assert _logs.get_logger_provider().force_flush()  # type: ignore[attr-defined]  # it is one of the SDK's
    assert _counts(handle, "queued") == {"traces": 1, "metrics": 0, "logs": 0}
    assert handle.status().signals["traces"].queued_bytes > 0
    assert "takes spans again" not in caplog.text
    assert handle.flush().ok
    assert "takes spans again" in caplog.text


def test_a_dead_destination_costs_one_deadline_for_all_signals(peer: OTLPPeer) -> None:
    peer.always = peer.hang
    handle = tollspan.init(endpoint=peer.url)
    release = threading.Event()

    def hang(_: CallbackOptions) -> list[Observation]:
        release.wait()
        return []

    _work()
    assert handle.shutdown(0.3) == FlushResult(False, 0, 3, 0)
    assert _counts(handle, "dropped") == {signal: {"shutdown": 1} for signal in ("traces", "metrics", "logs")}
    assert handle.shutdown(0.3) == FlushResult(True, 0, 0, 0)
    tollspan.init(endpoint=peer.url)
    metrics.get_meter("tests").create_observable_gauge("slow", [hang])
    _logs.get_logger("tests").emit(body="last")
    assert handle.shutdown(0.3).dropped >= 1
    release.set()


def test_init_after_shutdown_records_all_signals_again(peer: OTLPPeer) -> None:
    tollspan.init(endpoint=peer.url).shutdown()
    handle = tollspan.init(endpoint=peer.url)
    _work()
    assert handle.flush() == FlushResult(True, 3, 0, 0)
