"""Delivery by single steps, with a clock that the test moves and, in the second half, real sockets."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan

from helpers.ended_spans import ended_spans
from helpers.otlp_peer import (
    PROTOBUF,
    TAKEN,
    Answer,
    OTLPPeer,
    drip,
    endless,
    partial,
    reset_connection,
    running_peer,
    truncated,
)
from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.encoding import Encoded
from tollspan.otlp.http_exchange import Delivered, Later, Outcome, Refused, Unauthorized
from tollspan.otlp.signals import Signal
from tollspan.sdk import delivery as delivery_module
from tollspan.sdk.delivery import REFUSALS_MAX, Delivery, ItemType
from tollspan.sdk.events import Events
from tollspan.sdk.http_sender import HTTPSender
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.settings import Settings, read_settings
from tollspan.sdk.spans import SPANS
from tollspan.sdk.token_fetch import TokenFetch


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class ScriptedSender:
    """Gives `outcomes` one after the other, then takes everything."""

    destination = "peer"

    def __init__(self, outcomes: Sequence[Outcome] = ()) -> None:
        self.outcomes = list(outcomes)
        self.attempts: list[list[str]] = []
        self.timeouts_s: list[float] = []
        self.delivered: list[str] = []

    def send(self, body: bytes, compression: str, timeout_s: float) -> Outcome:
        items = body.decode().split()
        self.attempts.append(items)
        self.timeouts_s.append(timeout_s)
        outcome = self.outcomes.pop(0) if self.outcomes else Delivered()
        if isinstance(outcome, Delivered):
            self.delivered += items
        return outcome

    def close(self) -> None:
        pass


def _encode(items: Sequence[str]) -> Encoded:
    """Items that start with `-` cannot be encoded."""
    good = [item for item in items if not item.startswith("-")]
    failures = [(index, f"name: {item}") for index, item in enumerate(items) if item.startswith("-")]
    return Encoded(" ".join(good).encode(), len(good), failures)


TEXTS = ItemType(Signal.TRACES, _encode, len)


def _delivery(sender: ScriptedSender, clock: Clock, **changes: float) -> Delivery[str]:
    chosen = Settings(**{"compression": "identity", "batch_items_max": 3, **changes})  # type: ignore[arg-type]
    return Delivery(TEXTS, sender, chosen, Events(clock), clock, random=lambda: 1.0)


def _run(delivery: Delivery[str], clock: Clock, until: Callable[[], bool]) -> None:
    for _ in range(1000):
        if until():
            return
        wait_s = delivery.step()
        assert wait_s is not None
        assert wait_s >= 0
        clock.now_s += wait_s
    pytest.fail("it never comes to an end")


OUTCOMES = st.one_of(
    st.builds(Delivered, st.integers(0, 5)),
    st.builds(Later, st.none() | st.floats(0, 100), st.just("HTTP 503")),
    st.just(Unauthorized("HTTP 401")),
    st.builds(Refused, st.just("HTTP"), status=st.sampled_from([200, 302, 403, 404, 500])),
)


@given(
    st.lists(st.integers(-1, 4), max_size=30),
    st.lists(OUTCOMES, max_size=20),
    st.integers(3, 40),
)
def test_ended_is_sent_rejected_dropped_and_pending_at_every_step(
    puts: list[int], outcomes: list[Outcome], queue_items_max: int
) -> None:
    clock, sender = Clock(), ScriptedSender(outcomes)
    delivery = _delivery(sender, clock, queue_items_max=queue_items_max)
    put: list[str] = []
    for count in puts:
        new = [f"{'-' if count < 0 else ''}{len(put) + index}" for index in range(abs(count))]
        put += new
        for item in new:
            delivery.queue.put(item)
        wait_s = delivery.step()
        assert wait_s is not None
        clock.now_s += wait_s / 2
        tally = delivery.queue.tally()
        assert len(put) == tally.settled + tally.pending
    _run(delivery, clock, lambda: delivery.queue.tally().pending == 0)
    tally = delivery.queue.tally()
    assert tally.sent + tally.rejected == len(sender.delivered)
    assert max(Counter(sender.delivered).values(), default=1) == 1
    assert sender.delivered == sorted(sender.delivered, key=put.index)


def test_a_batch_waits_for_the_interval_unless_it_is_full() -> None:
    clock, sender = Clock(), ScriptedSender()
    delivery = _delivery(sender, clock, export_interval_s=5)
    delivery.step()
    delivery.queue.put("1")
    assert delivery.step() == 5
    assert sender.attempts == []
    delivery.queue.put("2")
    delivery.queue.put("3")
    delivery.step()
    assert sender.attempts == [["1", "2", "3"]]


def test_an_outage_is_met_with_growing_waits_and_full_batches() -> None:
    clock, sender = Clock(), ScriptedSender([Later(None, "HTTP 503")] * 8)
    delivery = _delivery(sender, clock)
    delivery.queue.put("0")
    waits_s = []
    for index in range(1, 8):
        attempts = len(sender.attempts)
        started_s = clock.now_s
        _run(delivery, clock, lambda before=attempts: len(sender.attempts) > before)  # type: ignore[misc]
        waits_s.append(clock.now_s - started_s)
        delivery.queue.put(str(index))
    assert waits_s == [0, 1, 2, 4, 8, 16, 32]
    _run(delivery, clock, lambda: delivery.queue.tally().pending == 0)
    assert sender.attempts[9:] == [["1", "2", "3"], ["4", "5", "6"], ["7"]]


def test_the_wait_that_a_destination_asks_for_is_kept() -> None:
    clock, sender = Clock(), ScriptedSender([Later(30.0, "HTTP 429")])
    delivery = _delivery(sender, clock)
    delivery.queue.put("1")
    _run(delivery, clock, lambda: delivery.queue.tally().pending == 0)
    assert clock.now_s == 1030.0


def test_a_hurry_ends_the_wait_between_attempts() -> None:
    clock, sender = Clock(), ScriptedSender([Later(30.0, "HTTP 429")])
    delivery = _delivery(sender, clock)
    delivery.queue.put("1")
    delivery.step()
    delivery.hurry(1)
    delivery.step()
    assert sender.delivered == ["1"]


def test_an_item_that_cannot_be_encoded_costs_itself() -> None:
    clock, sender = Clock(), ScriptedSender()
    delivery = _delivery(sender, clock)
    for item in ("1", "-2", "3"):
        delivery.queue.put(item)
    delivery.step()
    assert sender.delivered == ["1", "3"]
    assert delivery.queue.tally().dropped == {"encode_error": 1}


def test_at_the_end_each_request_gets_one_attempt_until_one_fails() -> None:
    clock, sender = Clock(), ScriptedSender([Delivered(), Later(None, "HTTP 503")])
    delivery = _delivery(sender, clock)
    for item in "12345678":
        delivery.queue.put(item)
    delivery.finish(2.0)
    assert delivery.step() == 0
    assert delivery.step() is None
    assert sender.attempts == [["1", "2", "3"], ["4", "5", "6"]]
    assert sender.timeouts_s == [2.0, 2.0]


def test_nothing_is_sent_after_the_deadline() -> None:
    clock, sender = Clock(), ScriptedSender()
    delivery = _delivery(sender, clock)
    delivery.queue.put("1")
    delivery.finish(2.0)
    clock.now_s += 2
    assert delivery.step() is None
    assert sender.attempts == []


def test_a_request_beyond_64_mib_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_module, "REQUEST_BYTES_MAX", 10)
    clock, sender = Clock(), ScriptedSender()
    delivery = _delivery(sender, clock)
    delivery.queue.put("x" * 11)
    delivery.step()
    assert sender.attempts == []
    assert delivery.queue.tally().dropped == {"too_large": 1}


def test_a_flapping_destination_is_reported_per_change(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tollspan")
    clock = Clock()
    sender = ScriptedSender(
        [Later(None, f"HTTP 503: busy {i}") for i in range(5)] + [Unauthorized("HTTP 401: no")]
    )
    delivery = _delivery(sender, clock)
    delivery.queue.put("1")
    _run(delivery, clock, lambda: delivery.queue.tally().pending == 0)
    assert [record.message for record in caplog.records] == [
        "peer takes no spans now, they wait: HTTP 503: busy 0",
        "peer takes no spans now, they wait: HTTP 401: no",
        "peer takes spans again",
    ]


# Real sockets from here on.

HTML = Answer(200, b"<html>please sign in</html>", {"Content-Type": "text/html"})
BEHAVIOURS = [
    TAKEN,
    partial(1),
    HTML,
    Answer(200, b"\xff\xff", PROTOBUF),
    Answer(302, headers={"Location": "https://login.example/?state=x"}),
    Answer(400),
    Answer(401),
    Answer(403),
    Answer(404),
    Answer(429, headers={"Retry-After": "7"}),
    Answer(500),
    Answer(503),
    reset_connection,
]


def _span_delivery(peer: OTLPPeer, clock: Clock, **changes: float) -> Delivery[ReadableSpan]:
    chosen = Settings(**{"url": f"{peer.url}/v1/traces", "batch_items_max": 3, **changes})  # type: ignore[arg-type]
    sender = HTTPSender(Signal.TRACES, chosen, HTTPTransport(chosen), None)
    return Delivery(SPANS, sender, chosen, Events(clock), clock, random=lambda: 1.0)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(BEHAVIOURS), max_size=8), st.integers(1, 12))
def test_whatever_a_server_does_every_span_is_accounted_for(behaviours: list[Answer], count: int) -> None:
    with running_peer() as peer:
        peer.answers.extend(behaviours)
        clock = Clock()
        delivery = _span_delivery(peer, clock)
        for span in ended_spans(f"span-{index}" for index in range(count)):
            delivery.queue.put(span)
        _run(delivery, clock, lambda: delivery.queue.tally().pending == 0)  # type: ignore[arg-type]
        tally = delivery.queue.tally()
        assert tally.settled == count
        assert sum(peer.stored.values()) == tally.sent + tally.rejected
        assert set(peer.stored.values()) <= {1}


@pytest.mark.parametrize(
    "behaviour", [Answer(302, headers={"Location": "/elsewhere"}), Answer(401), Answer(403)]
)
def test_what_a_configuration_can_put_right_loses_nothing(peer: OTLPPeer, behaviour: Answer) -> None:
    peer.answers.extend([behaviour] * 3)
    clock = Clock()
    delivery = _span_delivery(peer, clock)
    delivery.queue.put(ended_spans(["a"])[0])
    _run(delivery, clock, lambda: delivery.queue.tally().pending == 0)  # type: ignore[arg-type]
    assert peer.stored == {"a": 1}
    assert set(peer.paths) == {"/v1/traces"}


def test_an_html_page_is_no_success(peer: OTLPPeer) -> None:
    peer.answers.append(HTML)
    clock = Clock()
    delivery = _span_delivery(peer, clock)
    delivery.queue.put(ended_spans(["a"])[0])
    delivery.step()
    assert delivery.queue.tally().dropped == {"refused": 1}


def test_a_request_that_is_too_large_is_halved_until_it_fits(peer: OTLPPeer) -> None:
    peer.spans_max = 3
    clock = Clock()
    delivery = _span_delivery(peer, clock, batch_items_max=16)
    for span in ended_spans(f"span-{index}" for index in range(16)):
        delivery.queue.put(span)
    _run(delivery, clock, lambda: delivery.queue.tally().pending == 0)  # type: ignore[arg-type]
    assert delivery.queue.tally().sent == 16
    assert [len(export.spans) for export in peer.exports] == [16, 8, 4, 2, 2, 4, 2, 2, 8, 4, 2, 2, 4, 2, 2]


def test_a_single_span_that_is_too_large_is_lost_alone(peer: OTLPPeer) -> None:
    peer.answers.extend([Answer(413)] * 2)
    clock = Clock()
    delivery = _span_delivery(peer, clock)
    for span in ended_spans(["a", "b"]):
        delivery.queue.put(span)
    _run(delivery, clock, lambda: delivery.queue.tally().pending == 0)  # type: ignore[arg-type]
    assert peer.stored == {"b": 1}
    assert delivery.queue.tally().dropped == {"too_large": 1}


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 48), st.sets(st.integers(0, 47), max_size=3))
def test_what_a_destination_refuses_is_found_and_lost_alone(count: int, refused: set[int]) -> None:
    with running_peer() as peer:
        peer.refused_name = "bad"
        clock = Clock()
        delivery = _span_delivery(peer, clock, batch_items_max=48)
        names = ["bad" if index in refused else f"good-{index}" for index in range(count)]
        for span in ended_spans(names):
            delivery.queue.put(span)
        _run(delivery, clock, lambda: delivery.queue.tally().pending == 0)  # type: ignore[arg-type]
        good = [name for name in names if name != "bad"]
        assert peer.stored == Counter(good)
        tally = delivery.queue.tally()
        assert (tally.sent, tally.dropped.get("refused", 0)) == (len(good), count - len(good))


def test_a_destination_that_refuses_everything_is_not_asked_for_each_span(
    peer: OTLPPeer, caplog: pytest.LogCaptureFixture
) -> None:
    peer.always = Answer(400)
    clock = Clock()
    delivery = _span_delivery(peer, clock, batch_items_max=64)
    for span in ended_spans(f"span-{index}" for index in range(640)):
        delivery.queue.put(span)
    _run(delivery, clock, lambda: delivery.queue.tally().pending == 0)  # type: ignore[arg-type]
    assert delivery.queue.tally().dropped == {"refused": 640}
    assert len(peer.exports) <= 10 + 2 * REFUSALS_MAX
    looking = f"127.0.0.1:{peer.port} refuses a part of a request, looking for it: HTTP 400"
    assert [record.message for record in caplog.records].count(looking) == 1


def test_an_answer_of_300_mb_is_no_success_and_is_counted(
    peer: OTLPPeer, caplog: pytest.LogCaptureFixture
) -> None:
    peer.answers.append(endless(300 << 20))
    clock = Clock()
    delivery = _span_delivery(peer, clock)
    delivery.queue.put(ended_spans(["a"])[0])
    delivery.step()
    assert delivery.queue.tally().dropped == {"refused": 1}
    assert "HTTP 200 with an answer beyond 4194304 bytes" in caplog.text


@pytest.mark.parametrize("fault", [truncated, drip, reset_connection], ids=["truncated", "drip", "reset"])
def test_an_answer_that_does_not_arrive_is_said_and_the_span_sent_again(
    fault: Callable[[BaseHTTPRequestHandler], None], peer: OTLPPeer, caplog: pytest.LogCaptureFixture
) -> None:
    peer.answers.append(fault)
    clock = Clock()
    delivery = _span_delivery(peer, clock, export_timeout_s=0.2)
    delivery.queue.put(ended_spans(["a"])[0])
    _run(delivery, clock, lambda: delivery.queue.tally().pending == 0)  # type: ignore[arg-type]
    assert (delivery.queue.tally().sent, delivery.queue.tally().dropped) == (1, {})
    assert "takes no spans now, they wait: " in caplog.text


def test_a_storm_of_401_costs_a_replay_each_time_and_no_span(peer: OTLPPeer) -> None:
    peer.answers.extend([Answer(401)] * 6)
    chosen, problems = read_settings({"endpoint": peer.url, "client_id": "a", "client_secret": "b"}, {})
    assert problems == []
    clock = Clock()
    transport = HTTPTransport(chosen)
    tokens = TokenSource(TokenFetch(chosen, transport), clock=clock, random=lambda: 1.0)
    sender = HTTPSender(Signal.TRACES, chosen, transport, tokens)
    delivery = Delivery(SPANS, sender, chosen, Events(clock), clock, random=lambda: 1.0)
    delivery.queue.put(ended_spans(["a"])[0])
    _run(delivery, clock, lambda: delivery.queue.tally().pending == 0)  # type: ignore[arg-type]
    assert peer.stored == {"a": 1}
    assert len(peer.exports) == 7
    assert len(peer.token_requests) <= 7
