"""What the gateway says about itself."""

from helpers.web import READER
from tollspan.collector.events import ReceiverEvents, Refusal
from tollspan.otlp.signals import Signal


async def test_a_gateway_that_stops_is_alive_but_not_ready(http, parts):
    before = await http.get("/readyz")
    parts.stopping.set()
    health, after = await http.get("/healthz"), await http.get("/readyz")

    assert (before.status_code, health.status_code, after.status_code) == (200, 200, 503)
    assert health.json() == {"status": "ok"}


async def test_everything_received_is_stored_rejected_or_on_its_way(http, parts):
    events = ReceiverEvents(parts.counters, "otlp", "http")
    events.accepted(Signal.TRACES, 10, rejected=3, reason="bad ids")
    events.refused(Signal.TRACES, Refusal.UNAVAILABLE, "later", 5)
    events.refused(Signal.TRACES, Refusal.UNAUTHENTICATED, "who?")
    events.accepted(Signal.LOGS, 2)
    parts.counters.add("otelcol_exporter_sent_spans", 7, exporter="storage")
    parts.counters.add("otelcol_exporter_sent_spans", 7, exporter="otlphttp")

    answer = (await http.get("/api/v1/status", headers=READER)).json()

    assert answer == {
        "traces": {"received": 15, "stored": 7, "rejected": {"rejected": 3, "unavailable": 5}},
        "metrics": {"received": 0, "stored": 0, "rejected": {}},
        "logs": {"received": 2, "stored": 0, "rejected": {}},
    }
