"""rotel, a Rust collector published on PyPI, sends to the gateway: with an API key, over both protocols."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import httpx
import pytest

from helpers.gateway import Gateway
from helpers.ports import free_port
from helpers.requests import OTLP, TraceRequest
from helpers.wheels import installed

DEADLINE_S = 30


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_what_rotel_sends_on_is_stored_once(gateway: Gateway, tmp_path: Path, protocol: str) -> None:
    key = gateway.create_credential("rotel", kind="api_key")["api_key"]
    port = free_port()
    command = [
        *(installed("rotel==0.0.1a15") / "rotel" / "rotel-agent", "start", "--pid-file", tmp_path / "pid"),
        *("--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}"),
        *("--exporter", "otlp", "--otlp-exporter-protocol", protocol),
        *("--otlp-exporter-endpoint", gateway.grpc if protocol == "grpc" else gateway.url),
        *("--otlp-exporter-custom-headers", f"x-api-key={key}", "--batch-timeout", "50ms"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        request = TraceRequest(7)
        send_once_it_listens(f"http://127.0.0.1:{port}/v1/traces", request.wire)
        found = find_trace(gateway, key, request)
    finally:
        process.terminate()
        process.wait(20)
    assert sorted(found) == sorted(span_id.hex() for span_id in request.span_ids)


def send_once_it_listens(url: str, wire: bytes) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            httpx.post(url, content=wire, headers=OTLP).raise_for_status()
            return
        except httpx.ConnectError:
            assert time.monotonic() < deadline, "rotel does not listen"
            time.sleep(0.05)


def find_trace(gateway: Gateway, key: str, request: TraceRequest) -> list[str]:
    deadline = time.monotonic() + DEADLINE_S
    with httpx.Client(base_url=gateway.url, headers={"X-API-Key": key}) as http:
        while (answer := http.get(f"/api/v1/traces/{request.trace_id.hex()}")).status_code == 404:
            assert time.monotonic() < deadline, "the trace does not arrive"
            time.sleep(0.05)
    found: list[str] = answer.json()["spans"]["span_id"]
    return found
