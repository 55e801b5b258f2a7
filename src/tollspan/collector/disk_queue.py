"""A sender's queue on disk: a SegmentLog in a thread of its own."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tollspan.collector.backlog import Entry
from tollspan.collector.queue_store import build_entry
from tollspan.collector.segment_log import Place, SegmentLog
from tollspan.errors import RetryableError, WireError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

DISK_AFTER_S = 5.0
"""How long a client is asked to wait when the disk is full or fails."""

_HEAD = struct.Struct("<BIHHd")
_SIGNALS = tuple(Signal)

T = TypeVar("T")


class DiskQueue:
    """The QueueStore of one component, in `folder`."""

    def __init__(self, folder: Path, *, bytes_max: int, age_max_s: float, fsync: bool) -> None:
        self._log = SegmentLog(folder, fsync=fsync)
        self._bytes_max = bytes_max
        self._age_max_s = age_max_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="disk-queue")
        self._recovered: list[Entry] = []

    async def open(self) -> int:
        """What earlier runs left is found; gives the number of bytes that were damaged."""
        now_s = asyncio.get_running_loop().time()
        self._recovered = await self._run(
            lambda: [_read_entry(*found, now_s) for found in self._log.recover()]
        )
        return self._log.damaged_bytes

    def recover(self) -> Sequence[Entry]:
        """What earlier runs left, oldest first."""
        return self._recovered

    async def keep(self, entry: Entry) -> None:
        """The entry's batch is on disk and not in memory any more; RetryableError when it can't be now."""
        assert entry.batch is not None, "what comes to be kept has its batch"
        if self._log.size + entry.bytes > self._bytes_max:
            raise RetryableError("the queue on disk is full", DISK_AFTER_S)
        record = build_record(entry.batch, time.time())
        try:
            entry.place = await self._run(lambda: self._log.append(record))
        except OSError as error:
            raise RetryableError(f"the queue on disk fails: {error.strerror}", DISK_AFTER_S) from error
        entry.batch = None

    async def load(self, entry: Entry) -> Batch:
        """The batch as it was kept; WireError when the disk damaged it."""
        try:
            record = await self._run(lambda: self._log.read(entry.place))
        except OSError as error:
            raise WireError(f"the queue on disk cannot be read: {error.strerror}") from error
        return read_record(record)[0]

    def expired(self, entry: Entry) -> bool:
        """Whether the entry is older than anyone wants to see."""
        age_s = asyncio.get_running_loop().time() - entry.arrived_s
        return bool(self._age_max_s) and age_s > self._age_max_s

    async def forget(self, group: Sequence[Entry]) -> None:
        """The entries will not be recovered."""
        await self._run(lambda: self._log.acknowledge([entry.place for entry in group]))

    async def close(self) -> None:
        """Nothing is open; what was not forgotten can be recovered."""
        await self._run(self._log.close)
        self._thread.shutdown()

    async def _run(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)


def build_record(batch: Batch, kept_s: float) -> bytes:
    """The batch as it stands on disk; `kept_s` is Unix time."""
    tenant, dataset = batch.tenant.encode(), batch.dataset.encode()
    head = _HEAD.pack(_SIGNALS.index(batch.signal), batch.items, len(tenant), len(dataset), kept_s)
    return head + tenant + dataset + batch.wire


def read_record(record: bytes) -> tuple[Batch, float]:
    """The batch and when it was kept."""
    signal, items, tenant_length, dataset_length, kept_s = _HEAD.unpack_from(record)
    tenant_end = _HEAD.size + tenant_length
    wire_start = tenant_end + dataset_length
    tenant, dataset = record[_HEAD.size : tenant_end].decode(), record[tenant_end:wire_start].decode()
    return Batch(_SIGNALS[signal], record[wire_start:], items, tenant, dataset), kept_s


def _read_entry(place: Place, record: bytes, now_s: float) -> Entry:
    """An entry that is only on disk; `now_s` is the event loop's clock, and so is when it arrived."""
    batch, kept_s = read_record(record)
    entry = build_entry(batch, now_s - max(0.0, time.time() - kept_s))
    entry.batch, entry.place = None, place
    return entry
