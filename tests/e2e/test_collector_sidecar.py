"""The stock SDK sends to a sidecar without credentials; the sidecar sends to the gateway with OAuth2."""

import socket
import time

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GRPCSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HTTPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from helpers.collector_process import EXAMPLES, Collector
from helpers.gateway import Gateway

SPANS = 20

QUICK = {"processors": {"batch": {"timeout": "20ms"}}}


def environment(gateway_url, credential, audience=None):
    return {
        "UNOMIQ_CLIENT_ID": credential["client_id"],
        "UNOMIQ_CLIENT_SECRET": credential["client_secret"],
        "UNOMIQ_TOKEN_URL": f"{gateway_url}/token",
        "UNOMIQ_AUDIENCE": audience or gateway_url,
        "UNOMIQ_OTLP_ENDPOINT": gateway_url,
    }


def send(exporter, service):
    """The trace ids of SPANS traces, every one acknowledged by the sidecar."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("shop")
    spans = [tracer.start_span(f"order {number}") for number in range(SPANS)]
    for span in spans:
        span.end()
    assert provider.force_flush()
    provider.shutdown()
    return {f"{span.get_span_context().trace_id:032x}" for span in spans}


def stored(gateway, credential, service):
    """The trace ids that the gateway has of `service`, each as often as it has it."""
    query = {"service": service, "limit": 100}
    answer = httpx.get(
        f"{gateway.url}/api/v1/traces", params=query, headers=gateway.authorization(credential)
    )
    rows = answer.raise_for_status().json()["data"]
    assert all(row["spans"] == 1 for row in rows)
    return {row["trace_id"] for row in rows}


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_what_the_sidecar_took_is_in_the_gateway(gateway, tmp_path, protocol):
    credential = gateway.create_credential()
    settings = environment(gateway.url, credential)
    with Collector(tmp_path, EXAMPLES / "sidecar-oauth2.yaml", QUICK, settings) as collector:
        if protocol == "http":
            exporter = HTTPSpanExporter(endpoint=f"{collector.url}/v1/traces")
        else:
            exporter = GRPCSpanExporter(endpoint=collector.grpc, insecure=True)
        sent = send(exporter, f"shop-{protocol}")

    assert stored(gateway, credential, f"shop-{protocol}") == sent
    assert credential["client_secret"] not in collector.log


def test_a_sidecar_may_send_over_grpc(gateway, tmp_path):
    credential = gateway.create_credential()
    overlay = {
        "exporters": {
            "otlp": {
                "endpoint": gateway.grpc.removeprefix("http://"),
                "tls": {"insecure": True},
                "auth": {"authenticator": "oauth2client"},
            }
        },
        "service": {"pipelines": {"traces": {"exporters": ["otlp"]}}},
    } | QUICK
    settings = environment(gateway.url, credential)
    with Collector(tmp_path, EXAMPLES / "sidecar-oauth2.yaml", overlay, settings) as collector:
        sent = send(HTTPSpanExporter(endpoint=f"{collector.url}/v1/traces"), "shop-over-grpc")

    assert stored(gateway, credential, "shop-over-grpc") == sent


def wait_for(gateway, credential, service, expected):
    """Return when the gateway has exactly these traces; it tells nobody when they come."""
    deadline_s = time.monotonic() + 30
    while stored(gateway, credential, service) != expected:
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def test_a_sidecar_that_starts_before_its_gateway_and_outlives_its_death_loses_nothing(tmp_path):
    gateway = Gateway(tmp_path / "data")
    credential = gateway.create_credential()
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    retries = {"retry_on_failure": {"initial_interval": "100ms", "max_interval": "300ms"}}
    overlay = {"exporters": {"otlphttp": retries}} | QUICK
    settings = environment(f"http://{address}", credential)

    with Collector(tmp_path, EXAMPLES / "sidecar-oauth2.yaml", overlay, settings) as collector:
        sent = send(HTTPSpanExporter(endpoint=f"{collector.url}/v1/traces"), "early")
        gateway.start(address)
        try:
            wait_for(gateway, credential, "early", sent)
            gateway.kill()
            sent |= send(HTTPSpanExporter(endpoint=f"{collector.url}/v1/traces"), "early")
            gateway.start(address)
            wait_for(gateway, credential, "early", sent)
        finally:
            gateway.kill()

    for event in ("access_token_not_received", "access_token_received", "exporter_will_retry"):
        assert f'"{event}"' in collector.log
    assert "exporter_dropped_data" not in collector.log
