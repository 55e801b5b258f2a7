"""Our SDK to our gateway over both protocols, as a program uses it: settings from the environment, OAuth2."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import httpx
import pytest

from helpers.gateway import Gateway

PROGRAM = """
import json, tollspan
from opentelemetry import trace
handle = tollspan.init("checkout", signals=["traces"], instrument=False)
span = trace.get_tracer("app").start_span("GET /cart")
span.end()
delivered = handle.flush(20).ok
print(json.dumps([f"{span.get_span_context().trace_id:032x}", delivered, handle.status().last_error]))
"""


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_span_is_stored_and_can_be_read(gateway: Gateway, protocol: str) -> None:
    writer = gateway.create_credential("checkout", "write:traces", dataset="shop")
    environ = {
        "TOLLSPAN_ENDPOINT": gateway.grpc if protocol == "grpc" else gateway.url,
        "TOLLSPAN_TOKEN_URL": f"{gateway.url}/token",
        "TOLLSPAN_PROTOCOL": protocol,
        "TOLLSPAN_DATASET": "shop",
        "TOLLSPAN_CLIENT_ID": writer["client_id"],
        "TOLLSPAN_CLIENT_SECRET": writer["client_secret"],
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    trace_id, delivered, error = json.loads(done.stdout)
    assert delivered, error
    headers = gateway.authorization(gateway.create_credential("reader", "read:traces"))
    answer = httpx.get(
        f"{gateway.url}/api/v1/traces/{trace_id}", headers={**headers, "X-Tollspan-Dataset": "shop"}
    )
    assert answer.json()["names"] == ["GET /cart"]
