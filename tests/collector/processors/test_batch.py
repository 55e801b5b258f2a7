import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from structlog.testing import capture_logs

from helpers.components import Recorder
from helpers.service import StandInHost
from helpers.signals import trace_request
from tollspan.collector.component import Receipt
from tollspan.collector.config.decode import Decoding
from tollspan.collector.fan_out import FanOut
from tollspan.collector.ledger import Ledger
from tollspan.collector.processors.batch import BatchConfig, BatchProcessor
from tollspan.errors import PermanentError, RetryableError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal


def batch(spans=2, tenant="acme"):
    return Batch(Signal.TRACES, trace_request(spans).SerializeToString(), spans, tenant, "default")


@contextlib.asynccontextmanager
async def running(recorder, *, durable=False, **settings):
    processor = BatchProcessor(BatchConfig(**settings), recorder)
    host = StandInHost()
    host.durable_downstream = durable
    await processor.start(host)
    processor.counters = host.counters
    try:
        yield processor
    finally:
        await processor.shutdown()


def dropped(processor, **labels):
    return processor.counters.total("otelcol_processor_dropped_items", **labels)


async def test_batches_are_joined_until_there_is_enough():
    recorder = Recorder()
    async with running(recorder, timeout_s=60, send_batch_size=10) as processor:
        for _ in range(7):
            assert await processor.consume(batch()) == Receipt()
        await recorder.entered.wait()
        assert [b.items for b in recorder.batches] == [10]
    assert [b.items for b in recorder.batches] == [10, 4]
    assert len(ExportTraceServiceRequest.FromString(recorder.batches[0].wire).resource_spans) == 5


async def test_what_has_waited_long_enough_goes_on_alone():
    recorder = Recorder()
    async with running(recorder, timeout_s=0.01) as processor:
        await processor.consume(batch())
        async with asyncio.timeout(10):
            await recorder.entered.wait()
        assert [b.items for b in recorder.batches] == [2]
    assert processor.counters.total("otelcol_processor_batch_timeout_trigger_send") == 1


async def test_a_timeout_of_zero_hands_on_at_once():
    recorder = Recorder()
    async with running(recorder, timeout_s=0) as processor:
        await processor.consume(batch())
        async with asyncio.timeout(10):
            await recorder.entered.wait()


async def test_tenants_are_never_joined():
    recorder = Recorder()
    async with running(recorder, timeout_s=60) as processor:
        for tenant in ("acme", "bank", "acme"):
            await processor.consume(batch(tenant=tenant))
    assert sorted((b.tenant, b.items) for b in recorder.batches) == [("acme", 4), ("bank", 2)]


async def test_what_the_next_consumer_cannot_take_now_is_offered_again():
    recorder = Recorder(RetryableError("full", 0.001))
    async with running(recorder, timeout_s=0) as processor:
        await processor.consume(batch())
        await recorder.entered.wait()
        recorder.answer = Receipt()
        recorder.entered.clear()
        await recorder.entered.wait()
    assert [b.items for b in recorder.batches] == [2]
    assert dropped(processor) == 0


async def test_what_will_never_be_taken_is_counted_with_its_reason():
    async with running(Recorder(PermanentError("no")), timeout_s=0) as processor:
        await processor.consume(batch(3))
    assert dropped(processor, reason="refused") == 3


async def test_a_dead_end_at_shutdown_is_counted():
    async with running(Recorder(RetryableError("down", 60)), timeout_s=0) as processor:
        await processor.consume(batch(3))
    assert dropped(processor, reason="shutdown") == 3


async def test_before_a_durable_exporter_the_caller_waits_and_keeps_what_fails():
    recorder = Recorder()
    recorder.gate.clear()
    async with running(recorder, durable=True, timeout_s=60, send_batch_size=4) as processor:
        first, second = (asyncio.create_task(processor.consume(batch())) for _ in range(2))
        await recorder.entered.wait()
        assert not first.done()
        recorder.gate.set()
        assert await first == await second == Receipt()
        recorder.answer = RetryableError("disk full", 7)
        with pytest.raises(RetryableError, match="disk full"):
            await asyncio.gather(processor.consume(batch()), processor.consume(batch()))
    assert dropped(processor) == 0


async def test_before_branches_that_keep_what_they_take_it_says_what_is_better():
    with capture_logs() as logs:
        async with running(Recorder(), durable=True), running(FanOut([Recorder(), Recorder()], Ledger())):
            assert logs == []
        async with running(FanOut([Recorder(), Recorder()], Ledger()), durable=True):
            pass
    assert [log["hint"] for log in logs] == ["use sending_queue::batch instead"]


@given(st.lists(st.integers(1, 30), max_size=12), st.integers(1, 20), st.booleans())
def test_no_span_is_lost_doubled_or_reordered_and_no_batch_is_too_large(sizes, size_min, bounded):
    async def run():
        recorder = Recorder()
        async with running(
            recorder,
            timeout_s=60,
            send_batch_size=size_min,
            send_batch_max_size=size_min if bounded else 0,
        ) as processor:
            for size in sizes:
                await processor.consume(batch(size))
        return recorder.batches

    batches = asyncio.run(run())
    assert not bounded or all(b.items <= size_min for b in batches)
    requests = [ExportTraceServiceRequest.FromString(b.wire) for b in batches]
    spans = [
        span.span_id
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    expected = [
        s.span_id for size in sizes for s in trace_request(size).resource_spans[0].scope_spans[0].spans
    ]
    assert spans == expected


def test_a_largest_size_below_the_wanted_one_is_refused():
    decoding = Decoding()
    decoding.struct(BatchConfig, {"send_batch_max_size": 10}, "processors::batch")
    assert [str(p) for p in decoding.problems] == [
        "processors::batch::send_batch_max_size: must be greater or equal to send_batch_size"
    ]


async def test_a_dead_branch_of_two_doubles_nothing_in_the_healthy_one():
    healthy, full = Recorder(), Recorder(RetryableError("full", 0.001))
    async with running(FanOut([healthy, full], Ledger()), timeout_s=0) as processor:
        await processor.consume(batch(3))
        await full.entered.wait()
        full.entered.clear()
        await full.entered.wait()
        full.answer = Receipt()
    assert ([b.items for b in healthy.batches], [b.items for b in full.batches]) == ([3], [3])
    assert dropped(processor) == 0
