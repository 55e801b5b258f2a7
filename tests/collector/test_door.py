"""What comes in by a door is accounted for, whatever exporters it leads to."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.components import Recorder
from helpers.service import StandInHost
from tollspan.collector.component import Receipt
from tollspan.collector.door import Door
from tollspan.collector.fan_out import FanOut
from tollspan.collector.ledger import Ledger
from tollspan.collector.processors.batch import BatchConfig, BatchProcessor
from tollspan.errors import LimitError, PermanentError, RetryableError, StoreError, WireError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

BATCH = Batch(Signal.LOGS, b"", 3, "acme", "shop")
ANSWERS = [Receipt(), RetryableError("x"), PermanentError("x"), WireError("x"), RuntimeError("x")]


class Keeper(Recorder):
    """Counts what it keeps, as an exporter does."""

    def __init__(self, ledger, answer):
        super().__init__(answer)
        self._ledger = ledger

    async def consume(self, batch):
        receipt = await super().consume(batch)
        self._ledger.account(batch.lane).stored += batch.items
        return receipt


class Observer(Recorder):
    observer = True


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (WireError("x"), "malformed"),
        (LimitError("x", 1), "too_large"),
        (PermanentError("x"), "permanent"),
        (StoreError("x", retryable=False), "permanent"),
        (StoreError("x"), "unavailable"),
        (RuntimeError("a defect"), "unavailable"),
    ],
    ids=repr,
)
async def test_each_refusal_has_a_reason(error, reason):
    ledger = Ledger()
    with pytest.raises(type(error)):
        await Door(Recorder(error), ledger).consume(BATCH)
    account = ledger.account(BATCH.lane)
    assert (account.received, account.refused, account.pending) == (3, {reason: 3}, 0)


async def test_what_was_taken_and_not_settled_is_pending():
    ledger = Ledger()
    assert await Door(Recorder(), ledger).consume(BATCH) == Receipt()
    assert ledger.account(BATCH.lane).pending == 3


@given(
    offered=st.lists(st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=3), max_size=5),
    watched=st.booleans(),
)
async def test_it_adds_up_whatever_several_exporters_say(offered, watched):
    ledger = Ledger()
    for answers in offered:
        branches = [Keeper(ledger, answer) for answer in answers]
        door = Door(FanOut([*branches, Observer()] if watched else branches, ledger), ledger)
        await asyncio.gather(door.consume(BATCH), return_exceptions=True)
    account = ledger.account(BATCH.lane)
    assert account.received == 3 * len(offered)
    assert account.stored == 3 * sum(isinstance(a, Receipt) for answers in offered for a in answers)
    assert account.pending == 0


async def test_a_caller_who_leaves_is_refused_and_what_one_branch_has_is_a_copy():
    ledger = Ledger()
    slow = Keeper(ledger, Receipt())
    slow.gate.clear()
    quick = Keeper(ledger, Receipt())
    taking = asyncio.create_task(Door(FanOut([slow, quick], ledger), ledger).consume(BATCH))
    await slow.entered.wait()
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    account = ledger.account(BATCH.lane)
    assert (account.refused, account.copied, account.stored) == ({"unavailable": 3}, 3, 3)
    assert account.pending == 0


@pytest.mark.parametrize("answer", [Receipt(), PermanentError("x")], ids=["taken", "refused"])
async def test_a_caller_who_leaves_a_batch_behind_is_accounted_for_once(answer):
    host, exporter = StandInHost(), Keeper(Ledger(), answer)
    ledger = exporter._ledger = host.counters.ledger
    host.durable_downstream = True
    exporter.gate.clear()
    processor = BatchProcessor(BatchConfig(timeout_s=0), exporter)
    await processor.start(host)
    taking = asyncio.create_task(Door(processor, ledger).consume(BATCH))
    await exporter.entered.wait()
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    exporter.gate.set()
    await processor.shutdown()
    account = ledger.account(BATCH.lane)
    assert (account.received, account.refused, account.pending) == (3, {"unavailable": 3}, 0)
    assert account.stored == account.copied == (3 if isinstance(answer, Receipt) else 0)
