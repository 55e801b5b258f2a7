from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import trace

import tollspan
from helpers.otlp_peer import Answer, OTLPPeer
from tollspan.sdk import serverless as module

pytestmark = pytest.mark.usefixtures("fresh_process")


class Context:
    """What AWS Lambda passes as the second argument."""

    def __init__(self, left_ms: int) -> None:
        self._left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        return self._left_ms


@pytest.fixture
def handle(peer: OTLPPeer) -> tollspan.Tollspan:
    return tollspan.init("function", endpoint=peer.url, export_interval_s=3600)


def _work(name: str = "work") -> str:
    trace.get_tracer("tests").start_span(name).end()
    return "done"


def test_telemetry_has_arrived_when_the_handler_returns(peer: OTLPPeer, handle: tollspan.Tollspan) -> None:
    @tollspan.serverless
    def handler(event: dict[str, Any], context: Context) -> str:
        return _work(event["name"])

    assert handler({"name": "first"}, Context(5000)) == "done"
    assert peer.stored == {"first": 1}
    assert handler.__name__ == "handler"


def test_telemetry_has_arrived_when_the_handler_raises(peer: OTLPPeer, handle: tollspan.Tollspan) -> None:
    @tollspan.serverless
    def handler() -> None:
        _work("failed")
        raise KeyError

    with pytest.raises(KeyError):
        handler()
    assert peer.stored == {"failed": 1}


async def test_coroutine_functions_and_asgi_applications_are_handlers_too(
    peer: OTLPPeer, handle: tollspan.Tollspan
) -> None:
    class Application:
        async def __call__(self, scope: str) -> str:
            return _work(scope)

    @tollspan.serverless
    async def handler(name: str) -> str:
        return _work(name)

    assert await handler("a") == "done"
    assert await tollspan.serverless(Application())("b") == "done"
    assert peer.stored == {"a": 1, "b": 1}


def test_what_does_not_arrive_in_the_time_left_waits_for_the_next_invocation(
    peer: OTLPPeer, handle: tollspan.Tollspan
) -> None:
    peer.answers.append(Answer(503))
    handler = tollspan.serverless(lambda context: _work())
    handler(Context(210))
    assert handle.status().queued == 1
    handler(Context(5000))
    assert (handle.status().sent, handle.status().queued) == (2, 0)


@pytest.mark.parametrize(
    ("arguments", "left_s"),
    [(({}, Context(0)), 0.0), (({}, Context(1200)), 1.0), (({}, Context(60_000)), 2.0), ((), 2.0)],
    ids=["none", "some", "enough", "unknown"],
)
def test_the_delivery_keeps_to_the_time_that_is_left(arguments: tuple[Any, ...], left_s: float) -> None:
    assert module._time_left_s(arguments) == left_s
