"""`GET /metrics`, read by Prometheus' own parser."""

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from helpers.web import LIMITED, READER, WRITER
from tollspan.collector.events import ReceiverEvents, Refusal
from tollspan.otlp.signals import Signal

RULES = Path(__file__).parents[3] / "deploy" / "prometheus" / "gateway.rules.yml"
SELECTOR = re.compile(r"\b((?:tollspan|process)_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)[=!]")

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
    events.refused(Signal.TRACES, Refusal.MALFORMED, "what?", sender=("acme", "shop"))
    events.refused(Signal.TRACES, Refusal.UNAUTHENTICATED, "who?")
    answer = await http.get("/metrics")
    found = samples(text_string_to_metric_families(answer.text))
    for reason in ("malformed", "unauthenticated"):
        assert found["tollspan_refused_requests_total", ("reason", reason), ("signal", "traces")] == 1
    labels = (("receiver", "otlp"), ("transport", "http"))
    assert found["otelcol_receiver_accepted_spans_total", *labels] == 10
    assert found["otelcol_receiver_refused_spans_total", ("reason", "unavailable"), *labels] == 5
    assert found["tollspan_store_disk_free_bytes",] > 0
    assert found["process_resident_memory_bytes",] > 0


async def test_the_newer_format_is_spoken_to_those_who_ask_for_it(http, parts, store):
    answer = await http.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    with parts.hub.subscribe("acme"):
        answer = await http.get("/metrics", headers={"Accept": answer.headers["content-type"]})
    found = samples(openmetrics.text_string_to_metric_families(answer.text))
    assert found["tollspan_live_watchers",] == 1


async def test_a_tenant_is_named_to_itself_alone(http, parts, store):
    for tenant in ("acme", "rival"):
        account = parts.counters.ledger.account((Signal.TRACES, tenant, f"{tenant}-shop"))
        account.received, account.stored, account.dropped["filtered"] = 7, 4, 2

    public, own = await http.get("/metrics"), await http.get("/metrics", headers=READER)
    limited = await http.get("/metrics", headers=LIMITED)

    sums = samples(text_string_to_metric_families(public.text))
    assert "-shop" not in public.text
    assert sums["tollspan_items_total", ("fate", "received"), ("reason", ""), ("signal", "traces")] == 14
    assert sums["tollspan_pending_items", ("signal", "traces")] == 2
    mine = samples(text_string_to_metric_families(own.text))
    labels = {"dataset": "acme-shop", "signal": "traces", "tenant": "acme"}
    dropped = sorted((labels | {"fate": "dropped", "reason": "filtered"}).items())
    assert mine["tollspan_dataset_items_total", *dropped] == 2
    assert mine["tollspan_dataset_pending_items", *sorted(labels.items())] == 1
    assert "rival" not in own.text
    assert "acme-shop" not in limited.text


async def test_every_series_and_label_that_the_alerts_ask_for_is_there(http, parts, store):
    account = parts.counters.ledger.account((Signal.TRACES, "acme", "shop"))
    account.received = account.refused["unavailable"] = 1
    account.refused_requests["malformed"] += 1
    shown = {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families((await http.get("/metrics")).text)
        for sample in family.samples
    }
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    asked = [found for rule in group["rules"] for found in SELECTOR.findall(rule["expr"])]
    assert len(asked) >= len(group["rules"]) - len({"up", "probe_success"})
    for name, labels in asked:
        assert {label for label in LABEL.findall(labels) if label != "job"} <= shown[name], name


@pytest.mark.parametrize(
    ("headers", "status"),
    [(WRITER, 403), ({"Authorization": "Bearer forged"}, 401)],
    ids=["writer", "forged"],
)
async def test_a_scrape_with_credentials_that_do_not_count_is_refused(http, store, headers, status):
    assert (await http.get("/metrics", headers=headers)).status_code == status
