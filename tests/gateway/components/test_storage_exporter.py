from types import SimpleNamespace

import pytest

from helpers.service import StandInHost
from helpers.spans import batch, batch_of, request, span
from tollspan.errors import RetryableError, StoreError, WireError
from tollspan.gateway.components.storage_exporter import FACTORY, StorageConfig


class StandInStore:
    """Answers what it is told."""

    def __init__(self, answer):
        self._answer = answer

    async def write(self, batch):
        raise self._answer


async def consume(store, sent):
    host = StandInHost(store=SimpleNamespace(store=store))
    exporter = FACTORY.build(StorageConfig(store="store"))
    await exporter.start(host)
    try:
        return host, await exporter.consume(sent)
    finally:
        await exporter.shutdown()


@pytest.mark.xdist_group("telemetry")
async def test_what_is_stored_is_counted(store):
    host, receipt = await consume(store, batch_of(request(span(), span(), span(trace_id=b"short"))))
    assert receipt.rejected == 1
    assert host.counters.total("otelcol_exporter_sent_spans", exporter="test") == 2


async def test_what_the_database_cannot_do_now_may_be_offered_again():
    with pytest.raises(RetryableError, match="disk full") as refusal:
        await consume(StandInStore(StoreError("disk full")), batch(span()))
    assert refusal.value.after_s == 5.0


async def test_what_can_never_be_stored_is_refused_as_such():
    with pytest.raises(WireError):
        await consume(StandInStore(WireError("broken")), batch(span()))
