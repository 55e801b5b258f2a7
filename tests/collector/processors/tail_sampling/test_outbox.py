import asyncio

from helpers.components import Recorder
from tollspan.collector.events import Counters, ProcessorEvents
from tollspan.collector.processors.tail_sampling.outbox import Outbox
from tollspan.errors import PermanentError, RetryableError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

BATCH = Batch(Signal.TRACES, b"wire", 3)


def outbox(answer=None):
    counters = Counters()
    recorder = Recorder(answer)
    return Outbox(recorder, ProcessorEvents(counters, "test")), recorder, counters


def lost(counters, reason):
    return counters.total("otelcol_processor_dropped_items", reason=reason)


async def test_what_is_put_is_handed_on_in_order_before_it_closes():
    box, recorder, counters = outbox()
    box.put(BATCH)
    assert box.size == 4
    box.close()
    await box.run()
    assert recorder.batches == [BATCH]
    assert box.size == 0
    assert counters.total("otelcol_processor_outgoing_items") == 3


async def test_a_batch_is_offered_again_until_it_is_taken():
    box, recorder, _counters = outbox(RetryableError("full", 0.001))
    running = asyncio.create_task(box.run())
    box.put(BATCH)
    await recorder.entered.wait()
    recorder.answer = None
    box.close()
    await running
    assert recorder.batches == [BATCH]


async def test_what_nobody_takes_is_counted():
    box, _, counters = outbox(PermanentError("no"))
    box.put(BATCH)
    box.close()
    await box.run()
    assert lost(counters, "refused") == 3
    box, _, counters = outbox(RetryableError("full"))
    box.put(BATCH)
    box.close()
    await box.run()
    assert lost(counters, "shutdown") == 3


async def test_what_is_held_when_time_is_over_is_counted():
    box, recorder, counters = outbox()
    recorder.gate.clear()
    box.put(BATCH)
    box.put(BATCH)
    running = asyncio.create_task(box.run())
    await recorder.entered.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert lost(counters, "shutdown") == 6
