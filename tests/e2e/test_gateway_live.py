"""A browser that is signed in sees spans while they arrive."""

import json

import httpx

from helpers.gateway import Gateway
from helpers.requests import OTLP, TraceRequest


def test_what_is_acknowledged_is_pushed_to_the_signed_in_browser(gateway):
    sender = gateway.authorization(gateway.create_credential(permissions="write:traces"))
    request = TraceRequest(spans=5)
    with httpx.Client(base_url=gateway.url, timeout=30) as browser:
        browser.post("/api/v1/session", json={"key": gateway.sign_in_key}).raise_for_status()
        with browser.stream("GET", "/api/v1/live", params={"service": "orders"}) as live:
            httpx.post(
                f"{gateway.url}/v1/traces", content=request.wire, headers=OTLP | sender
            ).raise_for_status()
            data = next(line for line in live.iter_lines() if line.startswith("data: "))
        arrived = json.loads(data.removeprefix("data: "))["spans"]
        counts = browser.get("/api/v1/status").json()["traces"]

    assert [span["span_id"] for span in arrived] == [span_id.hex() for span_id in request.span_ids]
    assert {span["trace_id"] for span in arrived} == {request.trace_id.hex()}
    assert (counts["received"], counts["stored"], counts["pending"]) == (5, 5, 0)


def test_a_stop_does_not_wait_for_those_who_watch(tmp_path):
    with Gateway(tmp_path / "data") as gateway, httpx.Client(base_url=gateway.url, timeout=60) as browser:
        browser.post("/api/v1/session", json={"key": gateway.sign_in_key})
        with browser.stream("GET", "/api/v1/live") as live:
            assert live.status_code == 200
            assert gateway.stop() == 0
            assert [line for line in live.iter_lines() if line and not line.startswith(":")] == []


def test_a_monitor_that_asks_by_head_gets_no_body(gateway):
    with httpx.Client(base_url=gateway.url) as monitor:
        heads = [monitor.head(path) for path in ("/healthz", "/ui/", "/healthz")]

    assert [(head.status_code, head.content) for head in heads] == [(200, b"")] * 3
