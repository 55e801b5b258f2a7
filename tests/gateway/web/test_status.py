"""What the gateway says about itself."""

import pytest

from helpers.logs import log_batch, log_record
from helpers.spans import batch, span
from helpers.web import READER
from tollspan.collector.events import ReceiverEvents, Refusal
from tollspan.errors import StoreError, WireError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal


@pytest.mark.xdist_group("telemetry")
async def test_a_gateway_that_stops_is_alive_but_not_ready(http, parts, store):
    before = await http.get("/readyz")
    parts.stopping.set()
    health, after = await http.get("/healthz"), await http.get("/readyz")

    assert (health.status_code, after.status_code) == (200, 503)
    assert before.json() == {"status": "ok", "checks": dict.fromkeys(("disk", "database", "identity"), "ok")}
    assert health.json() == {"status": "ok"}


@pytest.mark.xdist_group("telemetry")
async def test_a_full_disk_and_a_database_that_refuses_are_named(http, parts, store, monkeypatch):
    monkeypatch.setattr(store._engine, "disk_free_bytes", lambda: 1000)
    full = await http.get("/readyz")

    def refuse():
        raise StoreError("the database is locked")

    monkeypatch.setattr(parts.identity.published_keys, "all", refuse)
    both = await http.get("/readyz")
    assert (full.status_code, both.status_code) == (503, 503)
    assert "disk: 1000 bytes are free" in full.json()["error"]["message"]
    assert "identity: the database is locked" in both.json()["error"]["message"]


@pytest.mark.xdist_group("telemetry")
async def test_each_account_adds_up_and_is_shown_to_its_tenant_alone(http, store):
    await store.write(batch(span(), span(), span(trace_id=b"short"), dataset="shop"))
    await store.write(log_batch(log_record(), dataset="bank"))
    await store.write(batch(span(), tenant="rival"))
    with pytest.raises(WireError):
        await store.write(Batch(Signal.TRACES, b"\x0a\xff", 4, "acme", "shop"))

    answer = (await http.get("/api/v1/ledger", headers=READER)).json()

    account = {"received": 1, "stored": 1, "refused": {}, "pending": 0}
    refused = {"rejected": 1, "malformed": 4}
    assert answer["data"] == [
        {"dataset": "bank", "signal": "logs", **account},
        {"dataset": "shop", "signal": "traces", "received": 7, "stored": 2, "refused": refused, "pending": 0},
    ]
    one = (await http.get("/api/v1/ledger", headers=READER | {"X-Tollspan-Dataset": "bank"})).json()
    assert [account["dataset"] for account in one["data"]] == ["bank"]


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
