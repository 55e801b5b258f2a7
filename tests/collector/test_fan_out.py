import asyncio
import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.components import Recorder
from tollspan.collector import fan_out
from tollspan.collector.component import Receipt
from tollspan.collector.fan_out import FanOut
from tollspan.collector.ledger import Ledger
from tollspan.errors import LimitError, PermanentError, RetryableError, StoreError, WireError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

BATCH = Batch(Signal.TRACES, b"wire", 3)
FULL = RetryableError("sending queue is full", 3)


MILD_TO_SEVERE = [
    Receipt(),
    Receipt(rejected=2, reason="bad ids"),
    PermanentError("never"),
    RetryableError("later"),
    RetryableError("much later", after_s=30.0),
    ValueError("a defect"),
]


@pytest.mark.parametrize(("mild", "severe"), list(itertools.combinations(MILD_TO_SEVERE, 2)))
@pytest.mark.parametrize("turned", [False, True])
async def test_the_caller_sees_the_most_severe_outcome_of_all_branches(mild, severe, turned):
    branches = [Recorder(mild), Recorder(severe)]
    fan_out = FanOut(branches[::-1] if turned else branches, Ledger())
    if isinstance(severe, Receipt):
        assert await fan_out.consume(BATCH) is severe
    else:
        with pytest.raises(type(severe)) as caught:
            await fan_out.consume(BATCH)
        assert (str(caught.value), getattr(caught.value, "after_s", None)) == (
            str(severe),
            getattr(severe, "after_s", None),
        )


@pytest.mark.parametrize(
    "never", [WireError("bad"), LimitError("spans", 1), StoreError("full", retryable=False)]
)
async def test_a_store_that_may_recover_goes_before_what_never_will(never):
    later = StoreError("busy")
    with pytest.raises(StoreError, match="busy"):
        await FanOut([Recorder(never), Recorder(later)], Ledger()).consume(BATCH)


async def test_a_failing_branch_does_not_keep_the_batch_from_the_others():
    good = Recorder()
    with pytest.raises(RetryableError):
        await FanOut([Recorder(RetryableError("later")), good], Ledger()).consume(BATCH)
    assert good.batches == [BATCH]


async def test_branches_take_a_batch_at_the_same_time():
    slow, quick = Recorder(), Recorder()
    slow.gate.clear()
    taking = asyncio.create_task(FanOut([slow, quick], Ledger()).consume(BATCH))
    await quick.entered.wait()
    assert slow.entered.is_set()
    assert not taking.done()
    slow.gate.set()
    assert await taking == Receipt()


def same_bytes():
    """What a client sends again is equal, and another object."""
    return replace(BATCH, wire=bytes(bytearray(BATCH.wire)))


async def test_what_one_branch_took_goes_only_to_the_others_when_it_is_sent_again():
    healthy, full = Recorder(), Recorder(FULL)
    branches = FanOut([healthy, full], Ledger())
    for _ in range(3):
        with pytest.raises(RetryableError, match="full"):
            await branches.consume(same_bytes())
    full.answer = Receipt(1, "one is too old")
    assert await branches.consume(same_bytes()) == Receipt(1, "one is too old")
    assert (healthy.batches, full.batches) == ([BATCH], [BATCH])


async def test_a_branch_that_stands_there_twice_has_each_batch_twice():
    class Alternating(Recorder):
        async def consume(self, batch):
            self.answer = FULL if isinstance(self.answer, Receipt) else Receipt()
            return await super().consume(batch)

    recorder = Alternating(FULL)
    branches = FanOut([recorder, recorder], Ledger())
    with pytest.raises(RetryableError):
        await branches.consume(BATCH)
    await branches.consume(BATCH)
    assert recorder.batches == [BATCH, BATCH]


async def test_that_holds_through_branches_of_branches():
    first, second, full = Recorder(), Recorder(), Recorder(FULL)
    branches = FanOut([first, FanOut([second, full], Ledger())], Ledger())
    with pytest.raises(RetryableError):
        await branches.consume(BATCH)
    full.answer = Receipt()
    await branches.consume(same_bytes())
    assert (first.batches, second.batches, full.batches) == ([BATCH], [BATCH], [BATCH])


async def test_a_batch_that_all_have_is_a_new_one_when_it_comes_again():
    healthy, full = Recorder(), Recorder(FULL)
    branches = FanOut([healthy, full], Ledger())
    with pytest.raises(RetryableError):
        await branches.consume(BATCH)
    full.answer = Receipt()
    for _ in range(2):
        await branches.consume(BATCH)
    assert (len(healthy.batches), len(full.batches)) == (2, 2)


async def test_the_batches_of_two_tenants_are_not_taken_for_one_another():
    healthy, full = Recorder(), Recorder(FULL)
    branches = FanOut([healthy, full], Ledger())
    for tenant in ("acme", "bank"):
        with pytest.raises(RetryableError):
            await branches.consume(replace(BATCH, tenant=tenant))
    assert [batch.tenant for batch in healthy.batches] == ["acme", "bank"]


async def test_no_more_is_remembered_than_the_bound_and_the_oldest_goes_first(monkeypatch):
    monkeypatch.setattr(fan_out, "REMEMBERED_MAX", 2)
    healthy, full = Recorder(), Recorder(FULL)
    branches = FanOut([healthy, full], Ledger())
    for wire in (b"1", b"2", b"1", b"3", b"1", b"3", b"2"):
        with pytest.raises(RetryableError):
            await branches.consume(replace(BATCH, wire=wire))
    assert [batch.wire for batch in healthy.batches] == [b"1", b"2", b"3", b"2"]


@given(answers=st.lists(st.lists(st.booleans(), min_size=3, max_size=3), max_size=6))
def test_every_branch_has_each_batch_once_when_a_client_sends_until_it_is_taken(answers):
    async def run():
        recorders = [Recorder() for _ in range(3)]
        branches = FanOut(recorders, Ledger())
        for takes in [*answers, [True] * 3]:
            for recorder, take in zip(recorders, takes, strict=True):
                recorder.answer = Receipt() if take else FULL
            try:
                await branches.consume(same_bytes())
            except RetryableError:
                continue
            break
        return [recorder.batches for recorder in recorders]

    assert asyncio.run(run()) == [[BATCH]] * 3
