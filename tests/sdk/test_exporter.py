"""The exporter with its own thread, over real sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from helpers.ended_spans import ended_spans
from helpers.otlp_peer import Answer, OTLPPeer
from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.encoding import Encoded
from tollspan.otlp.signals import Signal
from tollspan.sdk import delivery as delivery_module
from tollspan.sdk import exporter as exporter_module
from tollspan.sdk.delivery import Delivery, ItemType
from tollspan.sdk.events import Events
from tollspan.sdk.exporter import Exporter, FlushResult
from tollspan.sdk.http_sender import HTTPSender
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.settings import read_settings
from tollspan.sdk.spans import SPANS
from tollspan.sdk.token_fetch import TokenFetch


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_module, "RETRY_INITIAL_S", 0.001)
    monkeypatch.setattr(delivery_module, "RETRY_MAX_S", 0.01)
    monkeypatch.setattr(exporter_module, "FIRST_EXPORT_S", 0.001)


def _exporter(item_type: ItemType[Any] = SPANS, **arguments: Any) -> Exporter[Any]:
    settings, _ = read_settings({"export_interval_s": 0.01, **arguments}, {})
    transport = HTTPTransport(settings)
    tokens = TokenSource(TokenFetch(settings, transport), random=lambda: 0.1) if settings.client_id else None
    events = Events()
    sender = HTTPSender(Signal.TRACES, settings, transport, tokens)
    return Exporter(Delivery(item_type, sender, settings, events), events)


def _put(exporter: Exporter[ReadableSpan], *names: str) -> None:
    for span in ended_spans(names):
        exporter.put(span)


def test_spans_are_delivered_without_being_asked_to(peer: OTLPPeer) -> None:
    exporter = _exporter(endpoint=peer.url)
    _put(exporter, "a", "b")
    peer.wait(lambda: peer.stored == {"a": 1, "b": 1})
    exporter.shutdown(1)


def test_a_full_batch_does_not_wait_for_the_interval(peer: OTLPPeer) -> None:
    exporter = _exporter(endpoint=peer.url, export_interval_s=3600, batch_items_max=2)
    for names in (["a", "b"], ["c", "d"]):
        _put(exporter, *names)
        peer.wait(lambda names=names: peer.stored[names[0]] == 1)  # type: ignore[misc]
    exporter.shutdown(1)


def test_flush_says_what_became_of_what_waited(peer: OTLPPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter_module, "FIRST_EXPORT_S", 3600)
    exporter = _exporter(endpoint=peer.url, export_interval_s=3600)
    assert exporter.flush(1) == FlushResult(True, 0, 0, 0)
    _put(exporter, "a", "b")
    assert exporter.flush(10) == FlushResult(True, 2, 0, 0)
    peer.answers.append(Answer(400))
    _put(exporter, "c")
    assert exporter.flush(10) == FlushResult(False, 0, 1, 0)
    peer.always = Answer(503)
    _put(exporter, "d")
    assert exporter.flush(0.05) == FlushResult(False, 0, 0, 1)
    peer.always = Answer(stores=True)
    assert exporter.flush(10) == FlushResult(True, 1, 0, 0)
    exporter.shutdown(1)


def test_many_threads_and_a_flaky_destination_lose_and_double_nothing(peer: OTLPPeer) -> None:
    peer.answers.extend([Answer(503), Answer(429), Answer(401), Answer(302)] * 5)
    exporter = _exporter(endpoint=peer.url, batch_items_max=32)
    names = [[f"{thread}-{index}" for index in range(100)] for thread in range(5)]
    threads = [threading.Thread(target=_put, args=(exporter, *group)) for group in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert exporter.flush(20).pending == 0
    assert peer.stored == {name: 1 for group in names for name in group}
    assert exporter.tally().sent == 500
    exporter.shutdown(1)


def test_tokens_that_expire_all_the_time_cost_no_span(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 1.0
    exporter = _exporter(endpoint=peer.url, client_id="shop", client_secret="s", batch_items_max=10)
    names = [f"span-{index}" for index in range(350)]
    pause = threading.Event()
    for span in ended_spans(names):
        exporter.put(span)
        pause.wait(0.01)
    assert exporter.flush(10).ok
    assert peer.stored == dict.fromkeys(names, 1)
    assert len(peer.token_requests) >= 3
    exporter.shutdown(1)


def test_an_identity_provider_that_comes_up_late_costs_no_span(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 3600
    peer.token_answers.extend([Answer(503), Answer(500)])
    exporter = _exporter(endpoint=peer.url, client_id="shop", client_secret="s")
    _put(exporter, "a")
    peer.wait(lambda: peer.stored == {"a": 1})
    assert len(peer.token_requests) == 3
    exporter.shutdown(1)


def test_a_storm_of_401_does_not_become_a_storm_of_token_requests(peer: OTLPPeer) -> None:
    peer.always = Answer(401)
    exporter = _exporter(endpoint=peer.url, client_id="shop", client_secret="s")
    _put(exporter, "a")
    peer.wait(lambda: len(peer.exports) >= 4)
    exporter.flush(0.3)
    # The first refused token is replaced at once; after that the replacements back off.
    assert len(peer.token_requests) < 6
    assert exporter.tally().pending == 1
    peer.always = Answer(stores=True)
    peer.wait(lambda: peer.stored == {"a": 1})
    exporter.shutdown(1)


@pytest.mark.parametrize("dead", ["silent", "refusing"])
def test_with_a_dead_destination_shutdown_accounts_for_everything(
    peer: OTLPPeer, dead: str, caplog: pytest.LogCaptureFixture
) -> None:
    peer.always = peer.hang
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = peer.url if dead == "silent" else f"http://127.0.0.1:{unused.getsockname()[1]}"
        exporter = _exporter(endpoint=url)
        _put(exporter, "a", "b", "c")
        assert exporter.shutdown(0.1) == FlushResult(False, 0, 3, 0)
    assert exporter.tally().dropped == {"shutdown": 3}
    assert "spans lost (shutdown): 3;" in caplog.text
    _put(exporter, "late")
    assert exporter.tally().dropped == {"shutdown": 4}
    assert exporter.shutdown(0.1) == FlushResult(True, 0, 0, 0)


def test_shutdown_sends_what_waits(peer: OTLPPeer) -> None:
    exporter = _exporter(endpoint=peer.url, export_interval_s=3600)
    _put(exporter, "a")
    assert exporter.shutdown(10).ok
    assert peer.stored == {"a": 1}


def test_a_bug_in_the_worker_neither_ends_the_export_nor_loses_spans(
    peer: OTLPPeer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tollspan.sdk.exporter.RETRY_MAX_S", 0.001)
    faults = iter([RuntimeError("a span's text")] * 2)

    def encode(spans: Any) -> Encoded:
        if (fault := next(faults, None)) is not None:
            raise fault
        return SPANS.encode(spans)

    exporter = _exporter(ItemType(Signal.TRACES, encode, SPANS.weigh), endpoint=peer.url)
    _put(exporter, "a")
    assert exporter.flush(10).ok
    assert [record.message for record in caplog.records] == ["a bug of the SDK in the export: RuntimeError"]
    exporter.shutdown(1)


def test_a_new_destination_gets_what_waits(peer: OTLPPeer) -> None:
    peer.always = Answer(503)
    exporter = _exporter(endpoint=peer.url)
    _put(exporter, "a")
    peer.wait(lambda: len(peer.exports) > 1)
    settings, _ = read_settings({"endpoint": f"{peer.url}/other"}, {})
    exporter.redirect(HTTPSender(Signal.TRACES, settings, HTTPTransport(settings), None), settings)
    peer.wait(lambda: peer.paths[-1] == "/other/v1/traces")
    peer.always = Answer(stores=True)
    assert exporter.flush(10).ok
    assert peer.stored == {"a": 1}
    exporter.shutdown(1)


def test_a_full_queue_is_said_and_counted(peer: OTLPPeer, caplog: pytest.LogCaptureFixture) -> None:
    peer.answers.append(Answer(503))
    exporter = _exporter(endpoint=peer.url, queue_items_max=2)
    _put(exporter, *"abcdefgh")
    assert exporter.flush(10).pending == 0
    tally = exporter.tally()
    assert tally.sent + tally.dropped["queue_full"] == 8
    assert "spans lost (queue_full)" in caplog.text
    exporter.shutdown(1)


def test_a_fork_that_ran_no_hooks_is_noticed(peer: OTLPPeer) -> None:
    peer.always = Answer(503)
    exporter = _exporter(endpoint=peer.url)
    _put(exporter, "of the parent")
    peer.wait(lambda: len(peer.exports) > 0)
    # A child process that finds the parent's memory, without its threads.
    exporter.shutdown(10)
    exporter._pid = -1
    peer.always = Answer(stores=True)
    _put(exporter, "of the child")
    assert exporter.flush(10).ok
    assert peer.stored == {"of the child": 1}
    exporter.shutdown(1)


FORK = """
    import os, sys
    sys.path.insert(0, {tests!r})
    from helpers.ended_spans import ended_spans
    import tollspan
    from opentelemetry import trace

    oauth2 = dict(client_id="shop", client_secret="s")
    handle = tollspan.init("forks", endpoint={url!r}, export_interval_s=3600, **oauth2)
    tracer = trace.get_tracer("tests")
    tracer.start_span("before").end()
    assert handle.flush().ok
    for index in range(20):
        tracer.start_span(f"parent-{{index}}").end()
    children = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            assert handle.status().queued == 0 and handle.status().sent == 0
            for index in range(5):
                tracer.start_span(f"child-{{child}}-{{index}}").end()
            result = handle.flush(20)
            os._exit(0 if result.ok and result.sent == 5 else 1)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_parent_and_forked_children_deliver_their_own_spans_once(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 3600
    _python(FORK.format(url=peer.url, tests=str(Path(__file__).parents[1])))
    names = {"before", *(f"parent-{index}" for index in range(20))}
    names |= {f"child-{child}-{index}" for child in range(3) for index in range(5)}
    assert peer.stored == dict.fromkeys(names, 1)


EXIT = """
    import tollspan
    from opentelemetry import trace

    tollspan.init("exits", endpoint={url!r}, shutdown_timeout_s=0.2)
    for index in range(10):
        trace.get_tracer("tests").start_span(f"span-{{index}}").end()
"""


def test_a_program_that_just_ends_has_delivered_its_spans(peer: OTLPPeer) -> None:
    assert _python(EXIT.format(url=peer.url)) == ""
    assert sum(peer.stored.values()) == 10


def test_a_program_with_a_dead_destination_ends_and_says_what_it_lost(peer: OTLPPeer) -> None:
    peer.always = peer.hang
    assert "spans lost (shutdown): 10;" in _python(EXIT.format(url=peer.url))


def _python(source: str) -> str:
    """Run a program and return what it wrote to its standard error."""
    command = [sys.executable, "-c", textwrap.dedent(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr
