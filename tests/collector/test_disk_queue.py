import asyncio
import contextlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.pipelines import trace_batch
from tollspan.collector.disk_queue import DiskQueue, build_record, read_record
from tollspan.collector.queue_store import build_entry
from tollspan.errors import RetryableError, WireError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal


@contextlib.asynccontextmanager
async def opened(folder, *, bytes_max=1 << 20, age_max_s=0.0):
    queue = DiskQueue(folder, bytes_max=bytes_max, age_max_s=age_max_s, fsync=False)
    queue.damaged_bytes = await queue.open()
    try:
        yield queue
    finally:
        await queue.close()


async def keep(queue, batch):
    entry = build_entry(batch, asyncio.get_running_loop().time())
    await queue.keep(entry)
    return entry


@given(
    st.builds(
        Batch,
        st.sampled_from(Signal),
        st.binary(),
        st.integers(0, 1 << 31),
        st.text(max_size=99),
        st.text(max_size=99),
    ),
    st.floats(0, 1e12),
)
def test_a_batch_is_read_from_disk_as_it_was(batch, kept_s):
    assert read_record(build_record(batch, kept_s)) == (batch, kept_s)


async def test_a_kept_batch_is_not_in_memory_and_can_be_loaded(tmp_path):
    async with opened(tmp_path) as queue:
        entry = await keep(queue, trace_batch(3, "acme", "shop"))
        assert entry.batch is None
        assert await queue.load(entry) == trace_batch(3, "acme", "shop")


async def test_the_next_run_finds_what_was_not_forgotten(tmp_path):
    async with opened(tmp_path) as queue:
        first, _ = await keep(queue, trace_batch(1)), await keep(queue, trace_batch(2))
        await queue.forget([first])
    async with opened(tmp_path) as queue:
        (entry,) = queue.recover()
        assert (entry.items, entry.lane) == (2, (Signal.TRACES, "", ""))
        assert await queue.load(entry) == trace_batch(2)


async def test_a_queue_that_has_grown_to_its_bound_refuses(tmp_path):
    async with opened(tmp_path, bytes_max=150) as queue:
        await keep(queue, trace_batch(2))
        with pytest.raises(RetryableError, match="full") as caught:
            await keep(queue, trace_batch(2))
    assert caught.value.after_s > 0


async def test_a_disk_that_fails_is_told_as_something_that_may_pass(tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    async with opened(tmp_path) as queue:
        monkeypatch.setattr(os, "write", fail)
        with pytest.raises(RetryableError, match="No space left"):
            await keep(queue, trace_batch())
        monkeypatch.undo()
        await keep(queue, trace_batch())


async def test_age_is_told_across_runs(tmp_path, monkeypatch):
    async with opened(tmp_path) as queue:
        monkeypatch.setattr("tollspan.collector.disk_queue.time.time", lambda: 1_000_000.0)
        await keep(queue, trace_batch(1))
        monkeypatch.undo()
        await keep(queue, trace_batch(2))
    async with opened(tmp_path, age_max_s=3600) as queue:
        assert [queue.expired(entry) for entry in queue.recover()] == [True, False]


async def test_damage_is_told_when_the_batch_is_loaded(tmp_path):
    async with opened(tmp_path) as queue:
        entry = await keep(queue, trace_batch())
        (path,) = tmp_path.glob("*.seg")
        path.write_bytes(path.read_bytes()[:-1] + b"\xff")
        with pytest.raises(WireError, match="damaged"):
            await queue.load(entry)
