import socket

import httpx
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from helpers.otlp_peer import running_peer
from helpers.requests import OTLP, TraceRequest
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.registry import build_registry
from tollspan.collector.self_telemetry import render
from tollspan.collector.service import Service

LABELS = st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True), st.text(max_size=20), max_size=3)


@given(st.dictionaries(LABELS.map(lambda labels: tuple(sorted(labels.items()))), st.integers(0, 1 << 50)))
def test_a_prometheus_client_reads_back_every_value(values):
    text = render("gauge", {("otelcol_x", labels): value for labels, value in values.items()})
    read = {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert read == values


async def test_the_default_page_gives_way_to_whatever_has_its_port_and_stays_through_a_reload():
    document = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "exporters": {"debug": None},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
    }
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        service = Service(document, build_registry(FACTORIES), drain_deadline_s=5, metrics_endpoint=endpoint)
        await service.start()
        assert list(service.http_servers) == ["127.0.0.1:0"]
    for _ in range(2):
        await service.reload(document)
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://{endpoint}/metrics")).status_code == 200
    await service.shutdown()


async def test_what_a_running_collector_did_is_on_its_page():
    with running_peer() as peer:
        service = Service(
            {
                "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
                "exporters": {"otlp_http": {"endpoint": peer.url}},
                "service": {
                    "telemetry": {
                        "metrics": {"address": "localhost:0"},
                        "resource": {"service.name": "edge"},
                    },
                    "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}},
                },
            },
            build_registry(FACTORIES),
            drain_deadline_s=5,
        )
        await service.start()
        intake, page = (server.url for server in service.http_servers.values())
        async with httpx.AsyncClient() as client:
            request = TraceRequest(7)
            await client.post(f"{intake}/v1/traces", content=request.wire, headers=OTLP)
            while service.counters.total("otelcol_exporter_sent_spans") < 7:
                await client.get(f"{page}/metrics")
            text = (await client.get(f"{page}/metrics")).text
        await service.shutdown()
    lines = text.splitlines()
    assert 'otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 7' in lines
    assert "# TYPE otelcol_exporter_sent_spans counter" in lines
    assert 'otelcol_exporter_sent_spans{exporter="otlp_http"} 7' in lines
    assert 'otelcol_exporter_queue_size{exporter="otlp_http"} 0' in lines
    assert 'target_info{service_name="edge"} 1' in lines
    assert any(line.startswith("otelcol_process_memory_rss ") for line in lines)
