"""obtrace-sdk-python as published, pointed at the gateway: both of its designs.

1.0.0 sends OTLP/JSON of its own, one item per request; 2.0.1 wraps OpenTelemetry.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import httpx
import pytest

from helpers.gateway import Gateway
from helpers.wheels import installed, run_with

SEND_1 = """
import sys
from obtrace_sdk import ObtraceClient, ObtraceConfig
url, key = sys.argv[1:]
with ObtraceClient(ObtraceConfig(key, url, "checkout-1", tenant_id="another-tenant")) as client:
    client.span("GET /cart", trace_id="0af7651916cd43dd8448eb211c80319c", span_id="b7ad6b7169203331",
                status_code=500, status_message="no cart", attrs={"cart.items": 3, "user": "Zoë"})
    client.span("SELECT", trace_id="0af7651916cd43dd8448eb211c80319c")
    client.log("error", "payment declined")
    client.metric("checkout.total", 12.5, unit="EUR")
"""

SEND_2 = """
import json, sys, time
from obtrace_sdk import ObtraceClient, ObtraceConfig
url, key = sys.argv[1:]
with ObtraceClient(ObtraceConfig(key, "checkout-2", ingest_base_url=url)) as client:
    with client.start_span("GET /cart", attrs={"cart.items": 3}) as span:
        pass
    client.log("warn", "cart is empty")
    client.metric("checkout.total", 12.5, unit="EUR")
    client.flush()
    while not client.initialized:
        time.sleep(0.05)
print(f"{span.get_span_context().trace_id:032x}")
"""


# What the loader of Obtrace's zero-code agent sends: every value a text, ids that may be empty.
ZERO_AGENT = {"X-Obtrace-Source": "zero-agent-python"}
ZERO_LOG = {
    "timeUnixNano": "1700000000000000000",
    "severityText": "INFO",
    "body": {"stringValue": "from the loader"},
    "attributes": [{"key": "http.status_code", "value": {"stringValue": "200"}}],
    "traceId": "",
    "spanId": "",
}


def ask(gateway: Gateway, path: str, **parameters: str) -> Any:
    permissions = "read:traces,read:metrics,read:logs"
    headers = gateway.authorization(gateway.create_credential("reader", permissions))
    answer = httpx.get(f"{gateway.url}/api/v1/{path}", params=parameters, headers=headers)
    return answer.raise_for_status().json()


def read(gateway: Gateway, trace_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(gateway, f"traces/{trace_id}")
    return found


def assert_its_log_and_metric_are_stored(gateway: Gateway, service: str, severity: str, body: str) -> None:
    [record] = ask(gateway, "logs", service=service)["data"]
    assert (record["body"], record["severity_text"]) == (body, severity)
    # Version 2 gives a record no time of its own; the list has it where it was observed.
    assert record["moment_unix_nano"] in {record["time_unix_nano"], record["observed_time_unix_nano"]}
    points = ask(gateway, "points/checkout.total", service=service)["data"]
    assert {(point["type"], point["metric_unit"], point["value"]) for point in points} == {
        ("gauge", "EUR", 12.5)
    }


@pytest.fixture
def key(gateway: Gateway) -> str:
    permissions = "write:traces,write:metrics,write:logs"
    return gateway.create_credential("obtrace", permissions, kind="api_key")["api_key"]


def test_version_1_sends_json_with_its_api_key(gateway: Gateway, key: str) -> None:
    run_with([installed("obtrace-sdk-python==1.0.0")], SEND_1, gateway.url, key)
    trace = read(gateway, "0af7651916cd43dd8448eb211c80319c")
    assert sorted(trace["names"]) == ["GET /cart", "SELECT"]
    assert trace["services"] == ["checkout-1"]
    assert "b7ad6b7169203331" in trace["spans"]["span_id"]
    assert 2 in trace["spans"]["status"]
    assert_its_log_and_metric_are_stored(gateway, "checkout-1", "ERROR", "payment declined")


def test_version_2_sends_protobuf_with_its_api_key(gateway: Gateway, key: str) -> None:
    # Of the many that it asks for, it cannot be imported without this one.
    logging = f"opentelemetry-instrumentation-logging=={version('opentelemetry-instrumentation')}"
    folders = [installed("obtrace-sdk-python==2.0.1"), installed(logging)]
    printed = run_with(folders, SEND_2, gateway.url, key)
    trace = read(gateway, printed.strip())
    assert (trace["names"], trace["services"]) == (["GET /cart"], ["checkout-2"])
    assert_its_log_and_metric_are_stored(gateway, "checkout-2", "WARN", "cart is empty")


def test_the_zero_code_agent_sends_json_with_its_key_in_a_header_of_its_own(
    gateway: Gateway, key: str
) -> None:
    service = {"key": "service.name", "value": {"stringValue": "zero"}}
    body = {
        "resourceLogs": [{"resource": {"attributes": [service]}, "scopeLogs": [{"logRecords": [ZERO_LOG]}]}]
    }
    sent = httpx.post(f"{gateway.url}/otlp/v1/logs", json=body, headers=ZERO_AGENT | {"X-API-Key": key})
    assert (sent.status_code, sent.json()) == (200, {})
    [record] = ask(gateway, "logs", service="zero")["data"]
    assert (record["trace_id"], record["attributes"]) == (None, {"http.status_code": "200"})


def test_our_sdk_with_the_preset_sends_the_same_way(gateway: Gateway, key: str) -> None:
    script = """
import sys, tollspan
from opentelemetry import trace
url, key = sys.argv[1:]
handle = tollspan.init(destination="obtrace", endpoint=url, api_key=key, signals=["traces"], instrument=False)
span = trace.get_tracer("app").start_span("GET /cart")
span.end()
assert handle.flush().ok
print(f"{span.get_span_context().trace_id:032x}")
"""
    printed = run_with([], script, gateway.url, key)
    assert read(gateway, printed.strip())["names"] == ["GET /cart"]
