"""The OpenTelemetry Collector, before and behind ours."""

import httpx
import pytest
import yaml

from helpers.collector_process import Collector
from helpers.gateway import Gateway
from helpers.otlp_peer import running_peer
from helpers.peer_process import free_port, running_process
from helpers.signals import trace_request

pytestmark = pytest.mark.timeout(1200)

HTTP, GRPC = "otlp_http", "otlp_grpc"


def exporter(kind, http_url, grpc_address):
    """The section of an exporter of that kind, for either collector."""
    if kind == HTTP:
        return {HTTP: {"endpoint": http_url}}
    return {GRPC: {"endpoint": grpc_address, "tls": {"insecure": True}}}


def document(grpc, http, exporters, extensions=None):
    protocols = {"grpc": {"endpoint": grpc}, "http": {"endpoint": http}}
    return {
        "receivers": {"otlp": {"protocols": protocols}},
        "exporters": exporters,
        "extensions": extensions or {},
        "service": {
            "extensions": list(extensions or {}),
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": list(exporters)}},
            "telemetry": {"metrics": {"level": "none"}},
        },
    }


def start_otelcol(otelcol, folder, exporters, extensions=None):
    """The running process, its HTTP URL and its gRPC address."""
    grpc, http = (f"127.0.0.1:{free_port()}" for _ in range(2))
    config = folder / "otelcol.yaml"
    config.write_text(yaml.safe_dump(document(grpc, http, exporters, extensions)))
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


def test_its_oauth2client_gets_its_tokens_from_our_token_endpoint(otelcol, tmp_path):
    with Gateway(tmp_path / "data") as gateway:
        credential = gateway.create_credential()
        oauth2 = {
            "client_id": credential["client_id"],
            "client_secret": credential["client_secret"],
            "token_url": f"{gateway.url}/token",
            "scopes": ["write:traces"],
            "endpoint_params": {"audience": gateway.url},
        }
        exporters = {HTTP: {"endpoint": gateway.url, "auth": {"authenticator": "oauth2client"}}}
        running, url, _ = start_otelcol(otelcol, tmp_path, exporters, {"oauth2client": oauth2})
        with running:
            post(url)
        headers = gateway.authorization(credential)
        answer = httpx.get(f"{gateway.url}/api/v1/traces", params={"limit": 10}, headers=headers)
    assert sum(row["spans"] for row in answer.raise_for_status().json()["data"]) == 5
