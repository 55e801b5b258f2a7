"""The stock OpenTelemetry SDK for JavaScript as npm has it: JSON with gzip, protobuf and gRPC."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from helpers.gateway import Gateway
from helpers.npm import installed, node

PERMISSIONS = "write:traces,write:metrics,write:logs,read:traces,read:metrics,read:logs"


@pytest.fixture(scope="module")
def headers(gateway: Gateway) -> dict[str, str]:
    credential = gateway.create_credential("js", PERMISSIONS, dataset="js")
    return gateway.authorization(credential)


@pytest.fixture(scope="module")
def sent(gateway: Gateway, headers: dict[str, str]) -> dict[str, Any]:
    """The trace id of each protocol."""
    script = installed("otel_js") / "send.mjs"
    command = [node(), script, gateway.url, gateway.grpc, json.dumps(headers)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    traces: dict[str, Any] = json.loads(done.stdout)["traces"]
    return traces


@pytest.fixture
def http(gateway: Gateway, headers: dict[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, headers=headers) as client:
        yield client


@pytest.mark.parametrize("protocol", ["json", "protobuf", "grpc"])
def test_a_span_is_stored_whole_by_every_protocol(
    http: httpx.Client, sent: dict[str, str], protocol: str
) -> None:
    trace = http.get(f"/api/v1/traces/{sent[protocol]}").raise_for_status().json()
    assert (trace["names"], trace["services"]) == ([f"GET /cart by {protocol}"], ["js-shop"])
    [span_id] = trace["spans"]["span_id"]
    span = http.get(f"/api/v1/traces/{sent[protocol]}/spans/{span_id}").raise_for_status().json()
    assert span["unit"] == "acme"
    assert {"items": 3, "total": 1.5, "names": ["a", "b"]}.items() <= span["attributes"].items()
    assert [(event["name"], event["attributes"]) for event in span["events"]] == [
        ("declined", {"reason": "limit"})
    ]


@pytest.mark.usefixtures("sent")
def test_logs_and_metrics_are_stored(http: httpx.Client) -> None:
    logs, metrics = http.get("/api/v1/logs").json(), http.get("/api/v1/metrics").json()
    assert [record["body"] for record in logs["data"]] == ["paid from JavaScript"]
    assert [(metric["name"], metric["services"]) for metric in metrics["data"]] == [
        ("js.orders", ["js-shop"])
    ]
