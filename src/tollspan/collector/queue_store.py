"""Where a sender keeps the batches of its queue: in memory, or in a storage extension's care."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from tollspan.collector.backlog import Entry
from tollspan.collector.component import Component
from tollspan.otlp.batch import Batch


class QueueStore(Protocol):
    """Keeps batches from `keep` until `forget`."""

    def recover(self) -> Sequence[Entry]:
        """What an earlier run kept and did not forget, oldest first."""
        ...

    async def keep(self, entry: Entry) -> None:
        """The entry's batch is kept. RetryableError when it can't be now."""
        ...

    async def load(self, entry: Entry) -> Batch:
        """The entry's batch; WireError when what was kept is damaged."""
        ...

    def expired(self, entry: Entry) -> bool:
        """Whether the entry is too old to be sent."""
        ...

    async def forget(self, group: Sequence[Entry]) -> None:
        """The entries are not needed any more."""
        ...

    async def close(self) -> None:
        """What is kept can be recovered by the next run."""
        ...


@runtime_checkable
class Storage(Component, Protocol):
    """An extension that offers durable queues."""

    async def open_queue(self, name: str) -> QueueStore:
        """The queue of the component of that name; nobody else has it open."""
        ...


class MemoryStore:
    """Keeps batches on their entries; a kill loses them."""

    def recover(self) -> Sequence[Entry]:
        """Nothing outlives a process."""
        return ()

    async def keep(self, entry: Entry) -> None:
        """The entry holds its batch already."""

    async def load(self, entry: Entry) -> Batch:
        """The batch on the entry."""
        assert entry.batch is not None, "this store keeps batches on their entries"
        return entry.batch

    def expired(self, entry: Entry) -> bool:
        """Nothing grows old in memory."""
        return False

    async def forget(self, group: Sequence[Entry]) -> None:
        """Dropping the entries is all it takes."""

    async def close(self) -> None:
        """Nothing is held outside the entries."""


def build_entry(batch: Batch, arrived_s: float) -> Entry:
    """An entry for `batch`; when it arrived is told by the event loop's clock."""
    return Entry(batch.lane, batch.items, len(batch.wire), arrived_s, batch)
