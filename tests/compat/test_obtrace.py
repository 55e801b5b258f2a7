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
"""

SEND_2 = """
import json, sys, time
from obtrace_sdk import ObtraceClient, ObtraceConfig
url, key = sys.argv[1:]
with ObtraceClient(ObtraceConfig(key, "checkout-2", ingest_base_url=url)) as client:
    with client.start_span("GET /cart", attrs={"cart.items": 3}) as span:
        pass
    client.flush()
    while not client.initialized:
        time.sleep(0.05)
print(f"{span.get_span_context().trace_id:032x}")
"""


def read(gateway: Gateway, trace_id: str) -> dict[str, Any]:
    headers = gateway.authorization(gateway.create_credential("reader", "read:traces"))
    answer = httpx.get(f"{gateway.url}/api/v1/traces/{trace_id}", headers=headers)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


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


def test_version_2_sends_protobuf_with_its_api_key(gateway: Gateway, key: str) -> None:
    # Of the many that it asks for, it cannot be imported without this one.
    logging = f"opentelemetry-instrumentation-logging=={version('opentelemetry-instrumentation')}"
    folders = [installed("obtrace-sdk-python==2.0.1"), installed(logging)]
    printed = run_with(folders, SEND_2, gateway.url, key)
    trace = read(gateway, printed.strip())
    assert (trace["names"], trace["services"]) == (["GET /cart"], ["checkout-2"])


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
