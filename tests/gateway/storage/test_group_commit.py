import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tollspan.collector.component import Receipt
from tollspan.errors import RetryableError, StoreError, WireError
from tollspan.gateway.storage import group_commit
from tollspan.gateway.storage.group_commit import GroupCommit
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal


class Writer:
    """Remembers the groups it was given, and can be held up."""

    def __init__(self):
        self.groups = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.error = None

    def __call__(self, batches):
        self.groups.append([batch.wire for batch in batches])
        self.entered.set()
        assert self.open.wait(30)
        if self.error:
            raise self.error
        return [WireError("broken") if batch.wire == b"broken" else Receipt(batch.items) for batch in batches]


@pytest.fixture
def writer():
    return Writer()


@pytest.fixture
async def commit(writer):
    with ThreadPoolExecutor(1) as executor:
        made = GroupCommit(writer, executor)
        yield made
        writer.open.set()
        await made.close()


def batch(wire, items=1):
    return Batch(Signal.TRACES, wire, items)


async def until(event):
    assert await asyncio.to_thread(event.wait, 30)


async def held_up(writer, commit):
    """A first batch that is being written, until `writer.open` is set."""
    writer.open.clear()
    first = asyncio.create_task(commit.submit(batch(b"first")))
    await until(writer.entered)
    return first


async def test_what_comes_one_after_another_is_written_together(writer, commit, monkeypatch):
    monkeypatch.setattr(group_commit, "LINGER_S", 3600.0)
    await commit.submit(batch(b"first"))
    others = []
    for wire in (b"a", b"b", b"c"):
        others.append(asyncio.create_task(commit.submit(batch(wire))))
        await asyncio.sleep(0.01)
    await commit.close()
    await asyncio.gather(*others)
    assert writer.groups == [[b"first"], [b"a", b"b", b"c"]]


@pytest.mark.parametrize(("bound", "full"), [("GROUP_ITEMS_MAX", 3), ("GROUP_BYTES_MAX", 6)])
async def test_a_full_group_waits_for_nothing_more(writer, commit, monkeypatch, bound, full):
    monkeypatch.setattr(group_commit, "LINGER_S", 3600.0)
    monkeypatch.setattr(group_commit, bound, full)
    await commit.submit(batch(b"first"))
    async with asyncio.timeout(30):
        await asyncio.gather(*(commit.submit(batch(wire)) for wire in (b"aa", b"bb", b"cc")))
    assert writer.groups == [[b"first"], [b"aa", b"bb", b"cc"]]


async def test_what_arrives_while_one_group_is_written_is_the_next(writer, commit):
    first = await held_up(writer, commit)
    others = [asyncio.create_task(commit.submit(batch(wire))) for wire in (b"a", b"b", b"c")]
    await asyncio.sleep(0)
    writer.open.set()
    await asyncio.gather(first, *others)
    assert writer.groups == [[b"first"], [b"a", b"b", b"c"]]


async def test_everyone_gets_the_answer_to_their_own_batch(commit):
    answers = await asyncio.gather(
        *(commit.submit(batch(wire, items)) for wire, items in ((b"x", 1), (b"broken", 2), (b"y", 3))),
        return_exceptions=True,
    )
    assert [answers[0], answers[2]] == [Receipt(1), Receipt(3)]
    assert isinstance(answers[1], WireError)


async def test_a_group_that_fails_fails_for_everyone_and_the_next_is_written(writer, commit):
    writer.error = StoreError("disk full")
    failed = await asyncio.gather(
        commit.submit(batch(b"a")), commit.submit(batch(b"b")), return_exceptions=True
    )
    writer.error = None
    assert [str(error) for error in failed] == ["disk full", "disk full"]
    assert await commit.submit(batch(b"c", 5)) == Receipt(5)


async def test_a_caller_that_went_away_leaves_its_batch_to_be_written(writer, commit):
    first = await held_up(writer, commit)
    gone = asyncio.create_task(commit.submit(batch(b"gone")))
    await asyncio.sleep(0)
    gone.cancel()
    writer.open.set()
    await first
    await commit.submit(batch(b"last"))
    assert [wire for group in writer.groups for wire in group] == [b"first", b"gone", b"last"]


async def test_too_much_waiting_is_refused_until_it_is_written(writer, commit, monkeypatch):
    monkeypatch.setattr(group_commit, "PENDING_BYTES_MAX", 10)
    first = await held_up(writer, commit)
    waiting = asyncio.create_task(commit.submit(batch(b"1234567890")))
    await asyncio.sleep(0)
    with pytest.raises(RetryableError) as refusal:
        await commit.submit(batch(b"x"))
    assert refusal.value.after_s == 1.0
    writer.open.set()
    await asyncio.gather(first, waiting)
    assert await commit.submit(batch(b"a batch that is too large on its own is taken")) == Receipt(1)


async def test_groups_are_bounded(writer, commit, monkeypatch):
    monkeypatch.setattr(group_commit, "GROUP_ITEMS_MAX", 3)
    monkeypatch.setattr(group_commit, "GROUP_BYTES_MAX", 100)
    first = await held_up(writer, commit)
    sizes = [(b"a", 2), (b"b", 2), (b"c", 2), (b"d" * 100, 1), (b"e", 1)]
    others = [asyncio.create_task(commit.submit(batch(wire, items))) for wire, items in sizes]
    await asyncio.sleep(0)
    writer.open.set()
    await asyncio.gather(first, *others)
    assert writer.groups == [[b"first"], [b"a", b"b"], [b"c", b"d" * 100], [b"e"]]


async def test_closing_writes_what_waits_and_takes_nothing_more(writer, commit):
    first = await held_up(writer, commit)
    waiting = asyncio.create_task(commit.submit(batch(b"waiting")))
    await asyncio.sleep(0)
    closing = asyncio.create_task(commit.close())
    await asyncio.sleep(0)
    with pytest.raises(RetryableError, match="shutting down"):
        await commit.submit(batch(b"late"))
    writer.open.set()
    await closing
    assert [await first, await waiting] == [Receipt(1), Receipt(1)]
