"""Our exporters by name, in providers that somebody else builds."""

from __future__ import annotations

import logging

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from helpers.ended_spans import ended_spans
from helpers.instrumented import run_instrumented
from helpers.otlp_peer import Answer, OTLPPeer
from tollspan.sdk import from_environment
from tollspan.sdk.otel_exporters import TollspanLogExporter, TollspanMetricExporter, TollspanSpanExporter

ALL = {
    "OTEL_PYTHON_DISTRO": "distro",
    "OTEL_TRACES_EXPORTER": "tollspan",
    "OTEL_METRICS_EXPORTER": "tollspan",
    "OTEL_LOGS_EXPORTER": "tollspan",
}


@pytest.fixture(autouse=True)
def new_token_source() -> None:
    from_environment.token_source.cache_clear()


def test_the_three_names_deliver_three_signals_over_oauth2(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 3600
    oauth2 = {"TOLLSPAN_CLIENT_ID": "shop", "TOLLSPAN_CLIENT_SECRET": "s3cr3t"}
    run_instrumented({**ALL, "TOLLSPAN_ENDPOINT": peer.url, **oauth2})
    assert peer.stored == {"work": 1}
    assert peer.logged == {"hello": 1}
    assert "orders" in peer.measured
    assert len(peer.token_requests) == 1


def test_spans_outlive_an_outage_that_the_processor_would_not(
    peer: OTLPPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLLSPAN_ENDPOINT", peer.url)
    peer.answers.append(Answer(401))
    exporter = TollspanSpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    provider.get_tracer("tests").start_span("a").end()
    assert provider.force_flush()
    assert exporter.force_flush(20_000)
    assert peer.stored == {"a": 1}
    provider.shutdown()


def test_secrets_are_taken_out_as_they_are_after_init(
    peer: OTLPPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLLSPAN_ENDPOINT", peer.url)
    exporter = TollspanSpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    span = provider.get_tracer("tests").start_span("a", attributes={"db.password": "hunter2-do-not-show"})
    span.end()
    exporter.export([span])  # type: ignore[list-item]  # it is one of the SDK
    assert exporter.force_flush(20_000)
    assert "hunter2" not in str(peer.exports[0].request)
    exporter.shutdown()


def test_metrics_are_reported_as_the_settings_say(peer: OTLPPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLSPAN_ENDPOINT", peer.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
    exporter = TollspanMetricExporter()
    provider = MeterProvider([PeriodicExportingMetricReader(exporter)], shutdown_on_exit=False)
    counter = provider.get_meter("tests").create_counter("orders")
    for _ in range(2):
        counter.add(2)
        provider.force_flush()
    assert exporter.force_flush(20_000)
    points = [metric.sum.data_points[0].as_int for metric in peer.measured["orders"]]
    assert points == [2, 2]
    provider.shutdown()


def test_without_a_destination_it_is_a_failure_and_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "tollspan")
    spans = TollspanSpanExporter()
    assert spans.export(ended_spans(["a"])) is SpanExportResult.FAILURE
    assert TollspanMetricExporter().export(None) is MetricExportResult.FAILURE  # type: ignore[arg-type]
    assert TollspanLogExporter().export([]).name == "FAILURE"
    assert spans.force_flush()
    spans.shutdown()
    assert caplog.text.count("endpoint: is not set, so no telemetry is sent") <= 1
