"""kill -9 of the gateway during ingest: every acknowledged span is there exactly once."""

import random
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest

from helpers.gateway import Gateway
from helpers.requests import OTLP, TraceRequest

ROUNDS = 20
SENDERS = 4


class Sender(threading.Thread):
    """Sends one trace after another and, like an exporter, the same bytes again until acknowledged."""

    def __init__(self, url: str, headers: dict[str, str], stop: threading.Event) -> None:
        super().__init__()
        self.acknowledged: list[TraceRequest] = []
        self.resent = 0
        self._url, self._headers, self._closing = url, headers | OTLP, stop

    def run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as http_client:
            while not self._closing.is_set():
                request = TraceRequest()
                while not self._send(http_client, request):
                    self.resent += 1
                    time.sleep(0.05)
                self.acknowledged.append(request)

    def _send(self, http_client: httpx.Client, request: TraceRequest) -> bool:
        try:
            answer = http_client.post("/v1/traces", content=request.wire, headers=self._headers)
        except httpx.TransportError:
            return False
        assert answer.status_code in {200, 503}, answer.text
        return answer.status_code == 200


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.timeout(600)
def test_every_acknowledged_span_survives_twenty_kills_exactly_once(tmp_path):
    with Gateway(tmp_path / "data") as gateway:
        headers = gateway.authorization(gateway.create_credential())
        senders = send_through_kills(gateway, headers)
        acknowledged = [request for sender in senders for request in sender.acknowledged]

        assert sum(sender.resent for sender in senders) > 0
        assert read_back(gateway, acknowledged, headers) == []


def send_through_kills(gateway: Gateway, headers: dict[str, str]) -> list[Sender]:
    stop = threading.Event()
    senders = [Sender(gateway.url, headers, stop) for _ in range(SENDERS)]
    address = urlsplit(gateway.url).netloc
    dice = random.Random(20)
    for sender in senders:
        sender.start()
    try:
        for _ in range(ROUNDS):
            before = sum(len(sender.acknowledged) for sender in senders)
            wait_for(lambda before=before: sum(len(s.acknowledged) for s in senders) > before + 5)
            time.sleep(dice.random() * 0.3)
            gateway.kill()
            gateway.start(address)
    finally:
        stop.set()
        for sender in senders:
            sender.join(60)
    return senders


def read_back(gateway: Gateway, requests: list[TraceRequest], headers: dict[str, str]) -> list[str]:
    faults = []
    with httpx.Client(base_url=gateway.url, headers=headers, timeout=30) as http_client:
        for request in requests:
            answer = http_client.get(f"/api/v1/traces/{request.trace_id.hex()}").json()
            if sorted(answer["spans"]["span_id"]) != sorted(i.hex() for i in request.span_ids):
                faults.append(f"trace {request.trace_id.hex()}: {len(answer['spans']['span_id'])} spans")
        listed = listed_span_counts(http_client)
    counts = {r.trace_id.hex(): listed.get(r.trace_id.hex()) for r in requests}
    return faults + [f"listed trace {trace_id}: {n} spans" for trace_id, n in counts.items() if n != 20]


def listed_span_counts(http_client: httpx.Client) -> dict[str, int]:
    counts: dict[str, int] = {}
    cursor: str | None = ""
    while cursor is not None:
        parameters = {"limit": "500", **({"cursor": cursor} if cursor else {})}
        page = http_client.get("/api/v1/traces", params=parameters).json()
        counts |= {trace["trace_id"]: trace["spans"] for trace in page["data"]}
        cursor = page["next_cursor"]
    return counts
