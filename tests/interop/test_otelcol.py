"""The OpenTelemetry Collector, before and behind ours.

Its binary is `otelcol` in the PATH, or what the variable OTELCOL names. From the Collector's
sources it is built by `go build` in cmd/otelcorecol.
"""

import httpx
import pytest
import yaml

from helpers.collector_process import Collector
from helpers.otlp_peer import running_peer
from helpers.peer_process import free_port, running_process
from helpers.signals import trace_request

HTTP, GRPC = "otlp_http", "otlp_grpc"


def exporter(kind, http_url, grpc_address):
    """The section of an exporter of that kind, for either collector."""
    if kind == HTTP:
        return {HTTP: {"endpoint": http_url}}
    return {GRPC: {"endpoint": grpc_address, "tls": {"insecure": True}}}


def document(grpc, http, exporters):
    protocols = {"grpc": {"endpoint": grpc}, "http": {"endpoint": http}}
    return {
        "receivers": {"otlp": {"protocols": protocols}},
        "exporters": exporters,
        "service": {
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": list(exporters)}},
            "telemetry": {"metrics": {"level": "none"}},
        },
    }


def start_otelcol(otelcol, folder, exporters):
    """The running process, its HTTP URL and its gRPC address."""
    grpc, http = (f"127.0.0.1:{free_port()}" for _ in range(2))
    config = folder / "otelcol.yaml"
    config.write_text(yaml.safe_dump(document(grpc, http, exporters)))
    running = running_process(
        [otelcol, "--config", str(config)], folder / "otelcol.log", port=int(http.rpartition(":")[2])
    )
    return running, f"http://{http}", grpc


def start_ours(folder, exporters):
    config = folder / "ours.yaml"
    config.write_text(yaml.safe_dump(document("127.0.0.1:0", "127.0.0.1:0", exporters)))
    return Collector(folder, config)


def post(url):
    headers = {"Content-Type": "application/x-protobuf"}
    answer = httpx.post(f"{url}/v1/traces", content=trace_request(5).SerializeToString(), headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", [HTTP, GRPC])
def test_otelcol_sends_to_our_collector(otelcol, tmp_path, kind):
    with running_peer() as peer, start_ours(tmp_path, {HTTP: {"endpoint": peer.url}}) as ours:
        running, url, _ = start_otelcol(otelcol, tmp_path, exporter(kind, ours.url, ours.grpc))
        with running:
            post(url)
            peer.wait(lambda: peer.stored.total() == 5)


@pytest.mark.parametrize("kind", [HTTP, GRPC])
def test_our_collector_sends_to_otelcol(otelcol, tmp_path, kind):
    with running_peer() as peer:
        running, url, grpc = start_otelcol(otelcol, tmp_path, {HTTP: {"endpoint": peer.url}})
        with running, start_ours(tmp_path, exporter(kind, url, grpc)) as ours:
            post(ours.url)
            peer.wait(lambda: peer.stored.total() == 5)


def test_both_run_the_same_configuration(otelcol, tmp_path):
    with running_peer() as peer:
        exporters = {HTTP: {"endpoint": peer.url, "headers": {"x-team": "shop"}}}
        running, url, _ = start_otelcol(otelcol, tmp_path, exporters)
        with running, start_ours(tmp_path, exporters) as ours:
            for place in (url, ours.url):
                post(place)
            peer.wait(lambda: peer.stored.total() == 10)
    first, second = peer.exports
    assert first.spans[0].trace_id == second.spans[0].trace_id
    assert [span.span_id for span in first.spans] == [span.span_id for span in second.spans]
    for header in ("content-type", "content-encoding", "x-team"):
        assert first.headers[header] == second.headers[header]
