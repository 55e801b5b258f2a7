import asyncio

import pytest

from tollspan.gateway.live import hub as live_hub
from tollspan.gateway.live.hub import Arrived, Hub
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal


def batch(wire=b"x", items=1, tenant="acme", dataset="default"):
    return Batch(Signal.TRACES, wire, items, tenant, dataset)


@pytest.fixture
def hub():
    return Hub()


async def test_a_watcher_gets_what_arrives_in_order(hub):
    with hub.subscribe("acme") as watcher:
        first, second, third = batch(b"1"), batch(b"2"), batch(b"3")
        hub.publish(first)
        hub.publish(second)
        assert await anext(watcher) == Arrived([first, second], 0)
        hub.publish(third)
        assert await anext(watcher) == Arrived([third], 0)


async def test_a_watcher_waits_for_something_to_arrive(hub):
    with hub.subscribe("acme") as watcher:
        waiting = asyncio.ensure_future(anext(watcher))
        await asyncio.sleep(0)
        assert not waiting.done()
        hub.publish(batch())
        assert await waiting == Arrived([batch()], 0)


@pytest.mark.parametrize(
    ("datasets", "seen"),
    [
        ((), [("acme", "shop"), ("acme", "bank")]),
        (("shop",), [("acme", "shop")]),
        (("shop", "other"), [("acme", "shop")]),
    ],
)
async def test_a_watcher_sees_its_own_tenant_and_datasets(hub, datasets, seen):
    with hub.subscribe("acme", datasets) as watcher:
        for tenant in ("acme", "rival", ""):
            for dataset in ("shop", "bank"):
                hub.publish(batch(tenant=tenant, dataset=dataset))
        arrived = await anext(watcher)
        assert [(own.tenant, own.dataset) for own in arrived.batches] == seen


async def test_a_slow_watcher_keeps_the_newest_and_is_told_what_it_missed(hub, monkeypatch):
    monkeypatch.setattr(live_hub, "WAITING_BYTES_MAX", 5)
    with hub.subscribe("acme") as slow, hub.subscribe("acme") as quick:
        for number in range(4):
            hub.publish(batch(b"%d0" % number, items=10 + number))
            await anext(quick)
        assert await anext(slow) == Arrived([batch(b"20", 12), batch(b"30", 13)], dropped=21)


async def test_a_batch_that_is_too_large_is_skipped(hub, monkeypatch):
    monkeypatch.setattr(live_hub, "WAITING_BYTES_MAX", 5)
    with hub.subscribe("acme") as watcher:
        hub.publish(batch(items=3))
        hub.publish(batch(b"a large batch"))
        hub.publish(batch(b"small"))
        assert await anext(watcher) == Arrived([batch(b"small")], dropped=3 + batch(b"a large batch").items)


async def test_nothing_is_kept_for_a_watcher_that_left(hub):
    with hub.subscribe("acme"):
        pass
    hub.publish(batch())
    assert not hub._subscriptions
