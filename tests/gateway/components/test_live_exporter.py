from types import SimpleNamespace

from helpers.service import StandInHost
from helpers.spans import batch, span
from tollspan.collector.component import Receipt
from tollspan.gateway.components.live_exporter import FACTORY, LiveConfig
from tollspan.gateway.live.hub import Arrived, Hub


async def test_every_batch_is_shown_to_those_who_watch():
    hub = Hub()
    exporter = FACTORY.build(LiveConfig(store="store"))
    await exporter.start(StandInHost(store=SimpleNamespace(hub=hub)))
    sent = batch(span())
    with hub.subscribe("acme") as watcher:
        assert await exporter.consume(sent) == Receipt()
        assert await anext(watcher) == Arrived([sent], 0)
    await exporter.shutdown()
