import dataclasses

import pytest

from helpers.components import Recorder
from helpers.processors import batch_of, log_request, spans_of, trace_request
from helpers.service import StandInHost
from tollspan.collector.component import Receipt
from tollspan.collector.fan_out import FanOut
from tollspan.collector.ledger import Ledger
from tollspan.collector.rewriter import Rewriter, same_for_all
from tollspan.errors import RetryableError
from tollspan.otlp.batch import Batch
from tollspan.otlp.protobuf import field_bytes
from tollspan.otlp.request_walk import Visitors
from tollspan.otlp.signals import Signal

NAME = 5 << 3 | 2
REQUEST = trace_request({"name": "keep"}, {"name": "drop"}, {"name": "keep"})


async def started(passes, recorder, **settings):
    rewriter = Rewriter(same_for_all(passes), recorder, **settings)
    rewriter.host = StandInHost()
    await rewriter.start(rewriter.host)
    return rewriter


def counted(rewriter, name, **labels):
    return rewriter.host.counters.total(f"otelcol_processor_{name}", **labels)


DROPPING = {Signal.TRACES: [Visitors(record=lambda span: span.text(NAME) != "drop")]}


async def test_items_that_came_in_went_out_or_were_dropped_for_a_reason():
    recorder = Recorder(Receipt(1, "no room"))
    rewriter = await started(DROPPING, recorder, counters={Signal.TRACES: "filter_spans_filtered"})
    assert await rewriter.consume(batch_of(REQUEST)) == Receipt(1, "no room")
    (batch,) = recorder.batches
    assert (batch.items, batch.tenant) == (2, "acme")
    assert counted(rewriter, "incoming_items", signal="traces", processor="test") == 3
    assert counted(rewriter, "outgoing_items") == 2
    assert counted(rewriter, "dropped_items", reason="filtered") == 1
    assert counted(rewriter, "filter_spans_filtered") == 1


async def test_a_batch_that_is_not_taken_behind_is_not_counted():
    rewriter = await started(DROPPING, Recorder(RetryableError("full", 1)))
    with pytest.raises(RetryableError):
        await rewriter.consume(batch_of(REQUEST))
    assert counted(rewriter, "incoming_items") == counted(rewriter, "dropped_items") == 0


async def test_a_batch_of_which_nothing_is_left_ends_here():
    recorder = Recorder()
    rewriter = await started({Signal.TRACES: [Visitors(record=lambda span: False)]}, recorder)
    assert await rewriter.consume(batch_of(REQUEST)) == Receipt()
    assert recorder.batches == []
    assert counted(rewriter, "dropped_items") == 3


async def test_other_signals_and_untouched_batches_pass_as_they_are():
    recorder = Recorder()
    rewriter = await started(DROPPING, recorder)
    untouched = [batch_of(log_request({"body": "a"})), batch_of(trace_request({"name": "keep"})),
                 Batch(Signal.TRACES, b"", 0)]  # fmt: skip
    for batch in untouched:
        await rewriter.consume(batch)
    assert [id(batch) for batch in recorder.batches] == [id(batch) for batch in untouched]


async def test_walks_follow_each_other():
    def rename(span):
        span.replace(NAME, field_bytes(5, b"drop"))
        return True

    recorder = Recorder()
    rewriter = await started({Signal.TRACES: [Visitors(record=rename), *DROPPING[Signal.TRACES]]}, recorder)
    await rewriter.consume(batch_of(REQUEST))
    assert recorder.batches == []


async def test_branches_do_not_see_each_others_edits():
    edited, plain = Recorder(), Recorder()
    fan_out = FanOut([await started(DROPPING, edited), plain], Ledger())
    batch = batch_of(REQUEST)
    before = dataclasses.replace(batch)
    await fan_out.consume(batch)
    assert plain.batches == [before]
    assert len(spans_of(type(REQUEST).FromString(edited.batches[0].wire))) == 2


async def test_items_that_cannot_be_read_are_counted_apart():
    wire = field_bytes(1, field_bytes(2, field_bytes(2, b"") + field_bytes(2, b"\x2a\x7f")))
    rewriter = await started(DROPPING, Recorder())
    await rewriter.consume(Batch(Signal.TRACES, wire, 2))
    assert counted(rewriter, "dropped_items", reason="malformed") == 1
    assert counted(rewriter, "dropped_items", reason="filtered") == 0
