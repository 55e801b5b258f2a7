import json

import pytest
from structlog.testing import capture_logs

from helpers.requests import TraceRequest
from helpers.service import StandInHost
from tollspan.collector.component import Receipt
from tollspan.collector.exporters.debug import DebugConfig, DebugExporter
from tollspan.errors import WireError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal


async def consume(verbosity, wire):
    exporter = DebugExporter(DebugConfig(verbosity=verbosity))
    await exporter.start(StandInHost())
    with capture_logs() as logs:
        assert await exporter.consume(Batch(Signal.TRACES, wire, 2, "acme", "shop")) == Receipt()
    await exporter.shutdown()
    return logs[0]


async def test_a_batch_is_counted_in_the_log():
    wire = TraceRequest(spans=2).wire
    assert await consume("basic", wire) == {
        "event": "batch_received",
        "log_level": "info",
        "exporter": "test",
        "signal": "traces",
        "items": 2,
        "bytes": len(wire),
    }


async def test_normal_says_whose_it_is():
    entry = await consume("normal", b"")
    assert (entry["tenant"], entry["dataset"], "data" in entry) == ("acme", "shop", False)


async def test_detailed_shows_everything():
    request = TraceRequest(spans=2)
    (resource_spans,) = json.loads((await consume("detailed", request.wire))["data"])["resourceSpans"]
    spans = resource_spans["scopeSpans"][0]["spans"]
    assert [span["spanId"] for span in spans] == [span_id.hex() for span_id in request.span_ids]


async def test_a_batch_that_cannot_be_shown_is_refused():
    with pytest.raises(WireError):
        await consume("detailed", b"\x0a\xff")
