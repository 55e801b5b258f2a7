"""What would bring a gateway down: hostile bodies, endless clients, floods, key rotation, clock jumps.

Each has a promised outcome, and whoever behaves is served meanwhile and afterwards.
"""

from __future__ import annotations

import gzip
import json
import resource
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from helpers.gateway import Gateway
from helpers.hostile_writer import IDS, distinct_attributes, inside, many
from helpers.requests import OTLP, TraceRequest
from helpers.wheels import installed
from tollspan.otlp.protobuf import field_bytes

MIB = 1 << 20
PEAK_MIB_MAX = 768
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def headers(gateway: Gateway) -> dict[str, str]:
    permissions = "write:traces,write:metrics,write:logs,read:traces"
    return {"X-API-Key": gateway.create_credential("sender", permissions, kind="api_key")["api_key"]}


def serves(gateway: Gateway, headers: dict[str, str]) -> bool:
    """A span is taken and read back, and the gateway says that it is ready."""
    request = TraceRequest(2)
    with httpx.Client(base_url=gateway.url, headers=headers, timeout=30) as http:
        http.post("/v1/traces", content=request.wire, headers=OTLP).raise_for_status()
        trace = http.get(f"/api/v1/traces/{request.trace_id.hex()}").raise_for_status().json()
        return len(trace["spans"]["span_id"]) == 2 and http.get("/readyz").status_code == 200


def deep_value(levels: int) -> bytes:
    """A span with an attribute of arrays within arrays."""
    value = b""
    for _ in range(levels):
        value = field_bytes(5, field_bytes(1, value))
    attribute = field_bytes(1, b"deep") + field_bytes(2, value)
    return field_bytes(1, field_bytes(2, field_bytes(2, field_bytes(9, attribute))))


def json_spans() -> bytes:
    one = b'{"traceId":"%s","spanId":"%s"},' % (b"ab" * 16, b"cd" * 8)
    return b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + (one * 900_000)[:-1] + b"]}]}]}"


GZIP = OTLP | {"Content-Encoding": "gzip"}


def zipped(spans: bytes) -> bytes:
    """The same spans as a request that is small on the way."""
    return gzip.compress(inside(spans), 1)


BOMBS = {
    "gzip": (lambda: gzip.compress(bytes(300 * MIB), 1), GZIP, 413),
    "deep JSON": (lambda: b"[" * 900_000, JSON, 400),
    "JSON objects": (json_spans, JSON, 413),
    "deep values": (lambda: deep_value(500), OTLP, 200),
    "a million attribute keys": (lambda: zipped(field_bytes(2, IDS + distinct_attributes(10**6))), GZIP, 200),
    "objects": (lambda: zipped(many(2, IDS, 7 * MIB)), GZIP, 200),
}
"""What is sent, how it is called, and what it is answered."""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_or_defused_within_bounded_memory(gateway, headers, name):
    build, own, status = BOMBS[name]
    body = build()
    Path(f"/proc/{gateway.process.pid}/clear_refs").write_text("5")
    before = memory_mib(gateway, "VmRSS")

    answer = httpx.post(f"{gateway.url}/v1/traces", content=body, headers=headers | own, timeout=60)

    assert answer.status_code == status, answer.text
    assert memory_mib(gateway, "VmHWM") - before < PEAK_MIB_MAX
    assert serves(gateway, headers)


def memory_mib(gateway: Gateway, name: str) -> int:
    lines = Path(f"/proc/{gateway.process.pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(name)]
    return int(line.split()[1]) >> 10


def test_clients_that_never_finish_their_heads_or_bodies_keep_nobody_out(gateway, headers):
    address = urlsplit(gateway.url)
    head = f"POST /v1/traces HTTP/1.1\r\nHost: g\r\nX-API-Key: {headers['X-API-Key']}\r\n"
    body = f"{head}Content-Type: application/x-protobuf\r\nContent-Length: 99\r\n\r\n\n"
    with ExitStack() as opened:
        for sent in [head, body] * 300:
            connection = socket.create_connection((address.hostname, address.port), timeout=30)
            opened.enter_context(connection).sendall(sent.encode())
        assert serves(gateway, headers)


def test_a_flood_of_wrong_secrets_is_slowed_down_and_the_right_one_is_not(gateway, headers):
    credential = gateway.create_credential("victim")
    wrong = credential | {"client_secret": credential["client_secret"][:-1] + "x"}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: gateway.request_token(wrong), range(150)))
        right = gateway.request_token(credential)

    assert {answer.status_code for answer in answers} == {401, 429}
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)
    assert right.status_code == 200
    assert serves(gateway, headers)


def test_a_flood_of_unknown_tokens_costs_nobody_else(gateway, headers):
    forged = "eyJhbGciOiJSUzI1NiIsImtpZCI6Ij8ifQ.e30."
    with ThreadPoolExecutor(16) as pool:
        statuses = pool.map(
            lambda number: (
                httpx.post(
                    f"{gateway.url}/v1/traces", headers=OTLP | {"Authorization": f"Bearer {forged}{number}"}
                ).status_code
            ),
            range(300),
        )
        assert serves(gateway, headers)
        assert set(statuses) == {401}


def test_keys_are_rotated_under_load_without_a_failed_request(tmp_path):
    with Gateway(tmp_path / "data") as gateway:
        credential = gateway.create_credential()
        statuses: Counter[int] = Counter()
        stop = threading.Event()

        def send() -> None:
            with httpx.Client(base_url=gateway.url, timeout=30) as http:
                while not stop.is_set():
                    headers = gateway.authorization(credential)
                    for _ in range(5):
                        request = TraceRequest(1)
                        answer = http.post("/v1/traces", content=request.wire, headers=OTLP | headers)
                        statuses[answer.status_code] += 1

        with ThreadPoolExecutor(3) as pool:
            senders = [pool.submit(send) for _ in range(3)]
            kids = {gateway.credentials("rotate-keys")["kid"] for _ in range(3)}
            stop.set()
            for sender in senders:
                sender.result()

        published = httpx.get(f"{gateway.url}/.well-known/jwks.json").json()["keys"]

    assert kids <= {jwk["kid"] for jwk in published}
    assert set(statuses) == {200}


def test_the_keys_are_replaced_at_once_under_load_for_the_price_of_new_tokens(gateway):
    """Every token in use is worthless then; whoever asks for another, as OAuth2 clients do, loses nothing."""
    credential = gateway.create_credential()
    headers = gateway.authorization(credential)
    acknowledged, refused, stop = [], Counter(), threading.Event()

    def send() -> None:
        own = headers
        with httpx.Client(base_url=gateway.url, timeout=30) as http:
            while not stop.is_set():
                request = TraceRequest(2)
                while True:
                    answer = http.post("/v1/traces", content=request.wire, headers=OTLP | own)
                    if answer.status_code == 200:
                        break
                    refused[answer.status_code] += 1
                    own = gateway.authorization(credential)
                acknowledged.append(request.trace_id.hex())

    with ThreadPoolExecutor(3) as pool:
        senders = [pool.submit(send) for _ in range(3)]
        for _ in range(2):
            gateway.credentials("rotate-keys", "--now")
        stop.set()
        for sender in senders:
            sender.result()

    assert set(refused) == {401}
    assert httpx.post(f"{gateway.url}/v1/traces", headers=OTLP | headers).status_code == 401
    fresh = gateway.authorization(credential)
    with httpx.Client(base_url=gateway.url, headers=fresh, timeout=30) as http:
        found = [http.get(f"/api/v1/traces/{trace_id}").json() for trace_id in acknowledged]
    assert {len(trace["spans"]["span_id"]) for trace in found} == {2}


def test_a_process_that_may_write_no_more_refuses_and_goes_on_when_it_may_again(gateway, headers):
    """The limit of a file's size stands in for a full disk, which takes root to make."""
    requests = [TraceRequest(2000) for _ in range(2)]
    limits = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)

    def send(request: TraceRequest) -> int:
        return httpx.post(
            f"{gateway.url}/v1/traces", content=request.wire, headers=OTLP | headers, timeout=30
        ).status_code

    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        refused = [send(request) for request in requests]
        listed = httpx.get(f"{gateway.url}/api/v1/services", headers=headers).status_code
    finally:
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, limits)

    assert (refused, listed) == ([503, 503], 200)
    assert [send(request) for request in [*requests, *requests]] == [200] * 4
    for request in requests:
        trace = httpx.get(f"{gateway.url}/api/v1/traces/{request.trace_id.hex()}", headers=headers).json()
        assert len(trace["spans"]["span_id"]) == 2000
    assert serves(gateway, headers)


HOUR_S, DAY_S = 3600, 86_400


def test_a_clock_that_jumps_costs_at_most_a_new_token(tmp_path):
    """libfaketime sets the gateway's wall clock while it runs, also to before its first start.

    Under the last jump ahead it is restarted, which sweeps what is too old: nothing is.
    """
    offset = tmp_path / "offset"
    offset.write_text("+0")
    library = installed("libfaketime==3.0.1") / "libfaketime/vendor/libfaketime/src/libfaketime.so.1"
    environment = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    sent = []
    retention = tmp_path / "retention.yaml"
    retention.write_text("extensions: {store: {retention: {traces_days: 7}}}\n")
    with Gateway(tmp_path / "data", "--config", str(retention), environment=environment) as gateway:
        credential = gateway.create_credential()
        for jump_s in (3 * HOUR_S, -DAY_S, 365 * DAY_S, 0):
            if jump_s == 0:
                gateway.stop()
                gateway.start()
            offset.write_text(f"{jump_s:+d}")
            await_clock(gateway, jump_s)
            headers = gateway.authorization(credential)
            sent.append(TraceRequest(3))
            answer = httpx.post(f"{gateway.url}/v1/traces", content=sent[-1].wire, headers=OTLP | headers)
            assert answer.status_code == 200, (jump_s, answer.text)
            assert answer.content == b"", jump_s
            for request in sent:
                found = httpx.get(f"{gateway.url}/api/v1/traces/{request.trace_id.hex()}", headers=headers)
                assert len(found.json()["spans"]["span_id"]) == 3, jump_s
            assert httpx.get(f"{gateway.url}/readyz").status_code == 200, jump_s
        assert [line for line in gateway.log.splitlines() if json.loads(line)["level"] == "error"] == []


def await_clock(gateway: Gateway, jump_s: int) -> None:
    """Return when the gateway's clock, which its answers show, is as far from ours."""
    deadline = time.monotonic() + 30
    while True:
        shown = parsedate_to_datetime(httpx.get(f"{gateway.url}/healthz").headers["date"]).timestamp()
        if abs(shown - time.time() - jump_s) < 60:
            return
        assert time.monotonic() < deadline, "the clock does not jump"
        time.sleep(0.1)
