import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs

from helpers.destinations import Landing
from helpers.service import StandInHost
from helpers.signals import trace_request
from tollspan.collector.backlog import Backlog, Limits
from tollspan.collector.component import Receipt
from tollspan.collector.events import Counters
from tollspan.collector.sender import Sender
from tollspan.collector.sender_config import GatheringConfig, QueueConfig, RetryConfig, SenderConfig
from tollspan.collector.sender_events import Loss, SenderEvents
from tollspan.errors import InvalidTokenError, LimitError, PermanentError, RetryableError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

SOON = RetryConfig(initial_interval_s=0.001, max_interval_s=0.01)


def batch(spans=2, tenant="acme"):
    return Batch(Signal.TRACES, trace_request(spans).SerializeToString(), spans, tenant, "default")


@contextlib.asynccontextmanager
async def running(landing, *, retry=SOON, timeout_s=5.0, **queue):
    sender = Sender(
        SenderConfig(timeout_s=timeout_s, retry_on_failure=retry, sending_queue=QueueConfig(**queue)), landing
    )
    host = StandInHost()
    await sender.start(host)
    sender.counters = host.counters
    try:
        yield sender
    finally:
        landing.gate.set()
        await sender.shutdown()


def sent(sender):
    return sender.counters.total("otelcol_exporter_sent_spans")


def lost(sender, **labels):
    return sender.counters.total("otelcol_exporter_send_failed_spans", **labels)


async def test_a_batch_is_taken_at_once_and_delivered_in_the_background():
    landing = Landing()
    landing.gate.clear()
    async with running(landing) as sender:
        assert await sender.consume(batch()) == Receipt()
        assert landing.batches == []
        landing.gate.set()
        await landing.wait_until(lambda: landing.items == 2)
    assert (sent(sender), lost(sender)) == (2, 0)


async def test_without_a_queue_the_caller_gets_the_destinations_answer():
    landing = Landing(answer=Receipt(1, "too old"))
    async with running(landing, enabled=False) as sender:
        assert await sender.consume(batch()) == Receipt(1, "too old")
    assert (sent(sender), lost(sender, reason="rejected")) == (1, 1)


async def test_a_caller_who_waits_for_the_result_gets_the_failure_which_is_no_loss():
    async with running(Landing(PermanentError("no such project")), wait_for_result=True) as sender:
        with pytest.raises(PermanentError, match="no such project"):
            await sender.consume(batch())
        assert await sender.consume(batch()) == Receipt()
    assert (sent(sender), lost(sender)) == (2, 0)


@pytest.mark.parametrize("fault", [RetryableError("busy"), InvalidTokenError("expired"), OSError("a defect")])
async def test_what_may_pass_is_tried_again(fault):
    landing = Landing(fault, fault)
    async with running(landing) as sender:
        await sender.consume(batch())
        await landing.wait_until(lambda: landing.items == 2)
    assert (landing.attempts, sent(sender), lost(sender)) == (3, 2, 0)


async def test_a_destination_that_hangs_is_tried_again_after_the_timeout():
    landing = Landing()
    landing.gate.clear()
    async with running(landing, timeout_s=0.01) as sender:
        await sender.consume(batch())
        await landing.wait_until(lambda: landing.attempts == 2)
        landing.gate.set()
        await landing.wait_until(lambda: landing.items == 2)
    assert lost(sender) == 0


async def test_a_refused_batch_is_counted_and_the_next_goes_on():
    async with running(Landing(PermanentError("no")), num_consumers=1) as sender:
        await sender.consume(batch(3))
        await sender.consume(batch(4))
    assert (sent(sender), lost(sender, reason="refused")) == (4, 3)


async def test_attempts_end_after_the_elapsed_time_but_not_while_there_is_no_access_token():
    retry = RetryConfig(initial_interval_s=0.01, max_interval_s=0.01, max_elapsed_s=0.02)
    landing = Landing(*[InvalidTokenError("expired")] * 10)
    async with running(landing, retry=retry) as sender:
        await sender.consume(batch(3))
        await landing.wait_until(lambda: landing.items == 3)
        landing.faults = [RetryableError("busy")] * 100
        await sender.consume(batch(4))
        await landing.wait_until(lambda: lost(sender) or landing.attempts > 100)
    assert (sent(sender), lost(sender, reason="retries_exhausted")) == (3, 4)


async def test_a_batch_that_is_too_large_is_sent_in_halves():
    landing = Landing(LimitError("bytes", 10), LimitError("bytes", 10))
    async with running(landing) as sender:
        await sender.consume(batch(8))
        await landing.wait_until(lambda: landing.items == 8)
    assert [b.items for b in landing.batches] == [2, 2, 4]
    assert sent(sender) == 8


async def test_a_full_queue_refuses_and_the_caller_keeps_the_batch():
    landing = Landing()
    landing.gate.clear()
    async with running(landing, queue_size=1) as sender:
        await sender.consume(batch())
        with pytest.raises(RetryableError) as caught:
            await sender.consume(batch())
        assert caught.value.after_s > 0
        assert sender.counters.total("otelcol_exporter_enqueue_failed_spans") == 2
    assert (sent(sender), lost(sender)) == (2, 0)


async def test_what_waits_is_merged_by_tenant_and_split_at_the_largest_size():
    landing = Landing()
    gathering = GatheringConfig(min_size=10, max_size=10, flush_timeout_s=60)
    async with running(landing, batch=gathering) as sender:
        for size in (4, 4, 4):
            await sender.consume(batch(size))
            await sender.consume(batch(1, "bank"))
        await sender.consume(batch(25, "shop"))
    assert sorted((b.tenant, b.items) for b in landing.batches) == [
        ("acme", 4),
        ("acme", 8),
        ("bank", 3),
        ("shop", 5),
        ("shop", 10),
        ("shop", 10),
    ]
    assert sent(sender) == 40


async def test_shutdown_delivers_what_waits():
    landing = Landing(RetryableError("busy"))
    async with running(landing, num_consumers=1, retry=RetryConfig()) as sender:
        for _ in range(5):
            await sender.consume(batch())
        await landing.wait_until(lambda: not landing.faults)
    assert (sent(sender), lost(sender), landing.stopped) == (10, 0, True)
    with pytest.raises(RetryableError):
        await sender.consume(batch())


async def test_a_dead_destination_costs_each_batch_one_more_attempt_at_shutdown():
    landing = Landing(*[RetryableError("down")] * 100)
    async with running(landing, num_consumers=1, retry=RetryConfig()) as sender:
        for _ in range(5):
            await sender.consume(batch())
        await landing.wait_until(lambda: landing.attempts == 1)
    assert (sent(sender), lost(sender, reason="shutdown"), landing.attempts) == (0, 10, 6)


async def test_what_the_deadline_leaves_in_memory_is_counted():
    landing = Landing()
    landing.gate.clear()
    sender = Sender(SenderConfig(sending_queue=QueueConfig(num_consumers=1)), landing)
    host = StandInHost()
    await sender.start(host)
    for _ in range(3):
        await sender.consume(batch())
    await landing.wait_until(lambda: landing.attempts == 1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await sender.shutdown()
    assert host.counters.total("otelcol_exporter_send_failed_spans", reason="shutdown") == 6
    assert landing.stopped


async def test_its_condition_tells_of_failures_until_something_is_delivered():
    landing = Landing(RetryableError("busy"), RetryableError("still busy"))
    async with running(landing, wait_for_result=True) as sender:
        delivery = asyncio.create_task(sender.consume(batch()))
        await landing.wait_until(lambda: sender.condition().failures == 2 or landing.items)
        await delivery
        assert (sender.condition().failures, sender.condition().reason) == (0, "")


async def test_the_queues_gauges_are_there_while_it_runs():
    landing = Landing()
    landing.gate.clear()
    name = ("otelcol_exporter_queue_items", (("exporter", "test"),))
    async with running(landing) as sender:
        await sender.consume(batch(3))
        assert sender.counters.gauges()[name] == 3
    assert name not in sender.counters.gauges()


async def test_a_destination_that_refuses_everything_is_one_line_in_an_interval_and_every_item_is_counted():
    counters = Counters()
    events = SenderEvents(counters, "otlp_http", Backlog(Limits(10)))
    with capture_logs() as logs:
        for _ in range(100):
            events.lost((Signal.LOGS, "acme", "shop"), 3, Loss.REFUSED, "no")
    assert [(line["event"], line["unlogged_before"]) for line in logs] == [("exporter_dropped_data", 0)]
    assert counters.ledger.account((Signal.LOGS, "acme", "shop")).dropped == {"refused": 300}
