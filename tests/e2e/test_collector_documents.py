"""The example configurations run as they are written; only places and ports are those of the test."""

import asyncio
import json
import socket

import cramjam
import httpx

from helpers.collector_process import EXAMPLES, Collector
from helpers.grpc_peer import running_grpc_peer
from helpers.http_peer import running_http_peer
from helpers.otlp_peer import running_peer
from helpers.signals import log_request, metric_request, trace_request
from tollspan.otlp.signals import Signal

PROTOBUF = {"Content-Type": "application/x-protobuf"}


async def send(url, signal, request):
    async with httpx.AsyncClient() as http:
        answer = await http.post(url + signal.path, content=request.SerializeToString(), headers=PROTOBUF)
        assert answer.status_code == 200, answer.text


async def test_traces_reach_mlflow_with_a_token_of_keycloak(tmp_path):
    with running_peer(token_lifetime_s=3600) as peer:
        environment = {
            "MLFLOW_CLIENT_ID": "shipper",
            "MLFLOW_CLIENT_SECRET": "12345",
            "KEYCLOAK_TOKEN_URL": f"{peer.url}/realms/main/protocol/openid-connect/token",
            "MLFLOW_TRACES_URL": f"{peer.url}/v1/traces",
        }
        overlay = {
            "extensions": {"health_check": {"endpoint": "127.0.0.1:0"}},
            "processors": {"batch": {"timeout": "20ms"}},
        }
        collector = Collector(tmp_path, EXAMPLES / "keycloak-mlflow.yaml", overlay, environment)
        await asyncio.to_thread(collector.start)
        await send(collector.url, Signal.TRACES, trace_request())
        assert await asyncio.to_thread(collector.stop) == 0, collector.log

    (export,) = peer.exports
    assert len(export.spans) == 2
    assert export.headers["authorization"] == "Bearer access-token-1"
    assert export.headers["x-mlflow-experiment-id"] == "0"
    assert "scope=openid" in peer.token_requests[0][1]


async def test_three_signals_reach_tempo_mimir_and_loki(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        own_metrics = f"0.0.0.0:{free.getsockname()[1]}"
    scrape = {
        "job_name": "otel-collector",
        "scrape_interval": "200ms",
        "scrape_timeout": "200ms",
        "static_configs": [{"targets": [own_metrics]}],
    }
    request = trace_request(3)
    healthy = request.resource_spans[0].scope_spans[0].spans[1]
    healthy.attributes.add(key="http.route").value.string_value = "/health"
    healthy.name = "health"

    with running_http_peer() as mimir, running_http_peer() as loki:
        async with running_grpc_peer() as tempo:
            overlay = {
                "receivers": {"prometheus": {"config": {"scrape_configs": [scrape]}}},
                "processors": {"batch": {"timeout": "50ms"}},
                "exporters": {
                    "otlp/tempo": {"endpoint": tempo.url},
                    "prometheusremotewrite": {"endpoint": f"{mimir.url}/api/v1/push"},
                    "loki": {"endpoint": f"{loki.url}/loki/api/v1/push", "compression": "none"},
                },
                "service": {"telemetry": {"metrics": {"address": own_metrics}}},
            }
            collector = Collector(tmp_path, EXAMPLES / "three-signals.yaml", overlay)
            await asyncio.to_thread(collector.start)
            await send(collector.url, Signal.TRACES, request)
            await send(collector.url, Signal.METRICS, metric_request())
            await send(collector.url, Signal.LOGS, log_request())
            await tempo.wait_until(lambda: tempo.names)
            await asyncio.to_thread(
                mimir.wait_for, lambda body: b"otelcol_" in body, cramjam.snappy.decompress_raw
            )
            assert await asyncio.to_thread(collector.stop) == 0, collector.log

    assert tempo.names == ["work", "work"]
    written = b"".join(bytes(cramjam.snappy.decompress_raw(body)) for _, _, body in mimir.requests)
    assert b"requests_ratio" in written
    assert b"prod-us-east-1" in written
    ((_, _, pushed),) = loki.requests
    assert json.loads(pushed)["streams"][0]["values"][0][0] == "1"
    for warning in ("config_key_is_old", "exporter_outdated", "target_is_no_destination"):
        assert f'"{warning}"' in collector.log
