import asyncio

import pytest

from helpers.otlp_strategies import REQUESTS
from helpers.processors import batch_of, running_processor, spans_of, trace_request
from tollspan.collector.processors.tail_sampling.processor import FACTORY
from tollspan.errors import RetryableError
from tollspan.otlp.signals import Signal

ERRORS = {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}
A, B, C = b"a" * 16, b"b" * 16, b"c" * 16


def body(*policies, **settings):
    return {"policies": list(policies or [ERRORS]), "decision_wait": "60s", **settings}


def batch(*spans, tenant="acme"):
    return batch_of(
        trace_request(*({"trace_id": trace_id, "status": status} for trace_id, status in spans)), tenant
    )


def kept(processor):
    """The trace ids of everything that was handed on."""
    wires = [b.wire for b in processor.recorder.batches]
    return sorted(
        span.trace_id for wire in wires for span in spans_of(REQUESTS[Signal.TRACES].FromString(wire))
    )


def counted(processor, name, **labels):
    return processor.counters.total(f"otelcol_processor_{name}", **labels)


async def test_a_trace_is_kept_or_dropped_as_a_whole():
    async with running_processor(FACTORY, body()) as processor:
        await processor.consume(batch((A, 0), (B, 0)))
        await processor.consume(batch((A, 2), (B, 1)))
        assert processor.recorder.batches == []
    assert kept(processor) == [A, A]
    assert counted(processor, "incoming_items") == 4
    assert counted(processor, "outgoing_items") == 2
    assert counted(processor, "dropped_items", reason="not_sampled") == 2
    assert counted(processor, "tail_sampling_count_traces_sampled", policy="errors", decision="sampled") == 1


async def test_a_trace_is_decided_when_it_has_waited_and_late_spans_follow():
    async with running_processor(FACTORY, body(decision_wait="50ms")) as processor:
        await processor.consume(batch((A, 2), (B, 0)))
        async with asyncio.timeout(10):
            await processor.recorder.entered.wait()
        await processor.consume(batch((A, 0), (B, 2)))
    assert kept(processor) == [A, A]
    assert counted(processor, "tail_sampling_new_trace_id_received") == 2


async def test_tenants_do_not_share_traces():
    async with running_processor(FACTORY, body()) as processor:
        await processor.consume(batch((A, 2), tenant="acme"))
        await processor.consume(batch((A, 0), tenant="other"))
    assert [b.tenant for b in processor.recorder.batches] == ["acme"]


async def test_the_oldest_trace_is_decided_early_when_there_are_too_many():
    async with running_processor(FACTORY, body(num_traces=1)) as processor:
        await processor.consume(batch((A, 2)))
        await processor.consume(batch((B, 2)))
        async with asyncio.timeout(10):
            await processor.recorder.entered.wait()
        assert counted(processor, "tail_sampling_traces_decided_early") == 1
    assert kept(processor) == [A, B]


async def test_a_full_processor_that_blocks_refuses_for_now():
    async with running_processor(FACTORY, body(num_traces=1, block_on_overflow=True)) as processor:
        await processor.consume(batch((A, 2)))
        with pytest.raises(RetryableError):
            await processor.consume(batch((B, 2)))
        assert counted(processor, "incoming_items") == 1


async def test_a_trace_that_is_too_large_is_dropped_with_what_comes_later():
    async with running_processor(FACTORY, body(maximum_trace_size_bytes=10)) as processor:
        await processor.consume(batch((A, 2)))
        await processor.consume(batch((A, 2)))
    assert kept(processor) == []
    assert counted(processor, "dropped_items", reason="too_large") == 1
    assert counted(processor, "dropped_items", reason="not_sampled") == 1


async def test_pending_traces_are_dropped_on_shutdown_where_asked():
    async with running_processor(FACTORY, body(drop_pending_traces_on_shutdown=True)) as processor:
        await processor.consume(batch((A, 2)))
    assert kept(processor) == []
    assert counted(processor, "dropped_items", reason="shutdown") == 1


async def test_a_policy_that_fails_leaves_the_decision_to_the_others():
    failing = {
        "name": "fails",
        "type": "ottl_condition",
        "ottl_condition": {"error_mode": "propagate", "span": ["Int(name)"]},
    }
    async with running_processor(FACTORY, body(failing, ERRORS)) as processor:
        await processor.consume(batch((A, 2)))
    assert kept(processor) == [A]


async def test_the_first_policy_that_samples_may_be_enough():
    always = {"name": "always", "type": "always_sample"}
    drop = {"name": "drop", "type": "drop", "drop": {"drop_sub_policy": [always]}}
    async with running_processor(FACTORY, body(always, drop, sample_on_first_match=True)) as processor:
        await processor.consume(batch((A, 0)))
    assert kept(processor) == [A]
