import asyncio

import pytest

from helpers.spans import NOW, batch, failed_span, span
from tollspan.gateway.live.hub import Hub
from tollspan.gateway.query import live
from tollspan.gateway.query.live import LiveSpan, LiveSpans
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

BROKEN = Batch(Signal.TRACES, b"\x0a\xff", 1, "acme", "default")


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def watcher(hub):
    with hub.subscribe("acme") as made:
        yield made


async def first_of(spans):
    return await asyncio.wait_for(anext(spans), 30)


async def test_a_span_is_summed_up_as_it_arrives(hub, watcher):
    root = span("GET /", kind=2)
    child = failed_span("pay", parent_span_id=root.span_id, duration=-5, attributes={"unomiq.unit": "u"})
    hub.publish(batch(root, child, service="web"))
    assert await first_of(live.watch(watcher)) == LiveSpans(
        [
            LiveSpan(root.trace_id.hex(), root.span_id.hex(), None, "GET /", "web", NOW, 1000, 0, None),
            LiveSpan(
                child.trace_id.hex(), child.span_id.hex(), root.span_id.hex(), "pay", "web", NOW, 0, 2, "u"
            ),
        ],
        dropped=0,
    )


async def test_the_units_keys_count_in_their_order(hub, watcher):
    hub.publish(
        batch(
            span(attributes={"unomiq_unit": "c", "unomiq.unit": "b"}), span(attributes={"tollspan.unit": ""})
        )
    )
    watched = await first_of(live.watch(watcher))
    assert [own.unit for own in watched.spans] == ["b", None]


async def test_only_spans_of_the_service_and_unit_are_seen(hub, watcher):
    of_unit = {"tollspan.unit": "u"}
    hub.publish(batch(span("no"), span("no", attributes=of_unit), service="mail"))
    hub.publish(BROKEN)
    hub.publish(batch(span("no"), span("yes", attributes=of_unit), service="web"))
    watched = await first_of(live.watch(watcher, service="web", unit="u"))
    assert [own.name for own in watched.spans] == ["yes"]
    assert watched.dropped == 0


async def test_what_nobody_wants_to_see_wakes_nobody(hub, watcher):
    spans = live.watch(watcher, service="web")
    waiting = asyncio.ensure_future(anext(spans))
    hub.publish(batch(span(), service="mail"))
    hub.publish(batch(span("at last"), service="web"))
    assert [own.name for own in (await waiting).spans] == ["at last"]


async def test_of_too_many_spans_the_newest_are_seen(hub, watcher, monkeypatch):
    monkeypatch.setattr(live, "ITEMS_MAX", 2)
    hub.publish(batch(span("1"), span("2")))
    hub.publish(batch(span("3")))
    watched = await first_of(live.watch(watcher))
    assert ([own.name for own in watched.spans], watched.dropped) == (["2", "3"], 1)
