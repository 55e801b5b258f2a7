"""`GET /metrics`, read by Prometheus' own parser."""

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from helpers.spans import batch, span
from tollspan.collector.events import ReceiverEvents, Refusal
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")


def samples(families):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


async def test_prometheus_reads_what_the_gateway_counts(http, parts, store):
    events = ReceiverEvents(parts.counters, "otlp", "http")
    events.accepted(Signal.TRACES, 10)
    events.refused(Signal.TRACES, Refusal.UNAVAILABLE, 'a "quoted"\nreason', 5)
    answer = await http.get("/metrics")
    found = samples(text_string_to_metric_families(answer.text))
    labels = (("receiver", "otlp"), ("transport", "http"))
    assert found["otelcol_receiver_accepted_spans_total", *labels] == 10
    assert found["otelcol_receiver_refused_spans_total", ("reason", "unavailable"), *labels] == 5
    assert found["tollspan_store_pending_items",] == 0
    assert found["tollspan_store_disk_free_bytes",] > 0
    assert found["process_resident_memory_bytes",] > 0


async def test_the_newer_format_is_spoken_to_those_who_ask_for_it(http, parts, store):
    answer = await http.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    with parts.hub.subscribe("acme"):
        answer = await http.get("/metrics", headers={"Accept": answer.headers["content-type"]})
    found = samples(openmetrics.text_string_to_metric_families(answer.text))
    assert found["tollspan_live_watchers",] == 1


async def test_no_label_names_a_tenant(http, store):
    await store.write(batch(span(), tenant="secret-tenant", dataset="secret-dataset"))
    assert "secret" not in (await http.get("/metrics")).text
