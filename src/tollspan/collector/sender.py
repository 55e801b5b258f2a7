"""What stands between a pipeline and an exporter's destination: queue → gather → attempts.

`consume` returns once the batch is in the queue (on disk, with `storage`; delivered, with
`wait_for_result` or without a queue). A full queue is a RetryableError, so the client keeps
its data. From then on a batch leaves in one of three ways, each counted: delivered,
refused by the destination, or given up after `max_elapsed_time` or at the end of the
process. A queue on disk is not given up at the end: the next run goes on with it. Nor is
what it holds given up for its age, unless the configuration says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tollspan.collector.attempts import Attempts
from tollspan.collector.backlog import Backlog, Entry, combine
from tollspan.collector.component import Condition, Destination, Host, Receipt
from tollspan.collector.queue_store import MemoryStore, QueueStore, Storage, build_entry
from tollspan.collector.sender_config import SenderConfig
from tollspan.collector.sender_events import Loss, SenderEvents
from tollspan.errors import AuthError, LimitError, RetryableError, TollspanError, WireError
from tollspan.otlp.batch import Batch

STOPPING_AFTER_S = 5.0
"""What a client is told to wait while the sender stops."""

HAND_OVER_GRACE_S = 5.0
"""How long what is being sent has to arrive before the queue goes to another sender."""


class Sender:
    """An exporter made of a Destination; see the module."""

    def __init__(self, config: SenderConfig, destination: Destination) -> None:
        self._config = config
        self._destination = destination
        self._gathering = config.sending_queue.gathering()
        self._stopping = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self._inherited: Sequence[Batch] = ()
        self._keeping = self.durable  # what is not delivered at the end is kept, not lost
        self._kept: list[Entry] = []
        self._running = False

    @property
    def durable(self) -> bool:
        """Whether what was taken outlives the process."""
        return self._config.sending_queue.durable

    async def start(self, host: Host) -> None:
        """The destination has started, and what an earlier run left in a queue on disk is being sent."""
        config = self._config
        queue = config.sending_queue
        self._store = await self._open_store(host)
        inherited = self._entries(self._inherited)
        try:
            for entry in inherited:
                await self._store.keep(entry)
            await self._destination.start(host)
        except BaseException:
            await self._store.close()
            raise
        self._backlog = Backlog(queue.limits(), self._gathering)
        self._events = SenderEvents(host.counters, host.component_id, self._backlog)
        self._attempts = Attempts(self._destination, config, self._events, self._stopping)
        recovered = self._store.recover()
        for entry in recovered:
            self._events.recovered(entry)
        for entry in [*recovered, *inherited]:
            self._backlog.recover(entry)
        self._running = True
        if queue.enabled or inherited:
            self._workers = [asyncio.create_task(self._work(host)) for _ in range(queue.num_consumers)]

    async def shutdown(self) -> None:
        """A queue in memory is empty: each batch had one more attempt, and what failed it is counted.

        A queue on disk keeps what was not being sent. When the caller's deadline cancels
        this, the rest of a queue in memory is counted as lost.
        """
        self._stopping.set()
        self._backlog.close(drain=not self._keeping)
        try:
            await asyncio.gather(*self._workers)
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
            self._count_rest()
            await self._store.close()
            self._events.close()
            await self._destination.shutdown()

    async def hand_over(self) -> list[Batch]:
        """It has shut down; gives what a queue in memory still held, oldest first.

        What was being sent had a little time to arrive.
        """
        if not self._running:
            return list(self._inherited)
        self._keeping = True
        try:
            async with asyncio.timeout(HAND_OVER_GRACE_S):
                await self.shutdown()
        except TimeoutError:
            pass  # attempts were cancelled; their batches are among the kept
        left = sorted([*self._kept, *self._backlog.entries()], key=lambda entry: entry.arrived_s)
        return [entry.batch for entry in left if entry.batch is not None]

    def inherit(self, batches: Sequence[Batch]) -> None:
        """`start` will put the batches before others, even where there is no queue for those."""
        self._inherited = batches

    async def adopt(self, batches: Sequence[Batch]) -> None:
        """The batches, which another sender had taken, wait here too, whether there is room or not."""
        for entry in self._entries(batches):
            await self._store.keep(entry)
            self._backlog.recover(entry)

    async def consume(self, batch: Batch) -> Receipt:
        """The batch is in the queue, or delivered where there is none; see the module."""
        if self._stopping.is_set():
            raise RetryableError("the exporter is stopping", STOPPING_AFTER_S)
        if not self._config.sending_queue.enabled:
            return await self._attempts.deliver(batch)
        (entry,) = self._entries([batch])
        await self._enqueue(entry, batch)
        return Receipt() if entry.outcome is None else await entry.outcome

    def condition(self) -> Condition:
        """How sending goes."""
        return self._events.condition()

    def _entries(self, batches: Sequence[Batch]) -> list[Entry]:
        return [build_entry(batch, asyncio.get_running_loop().time()) for batch in batches]

    async def _open_store(self, host: Host) -> QueueStore:
        storage_id = self._config.sending_queue.storage
        if storage_id is None:
            return MemoryStore()
        storage = host.extension(storage_id)
        assert isinstance(storage, Storage), "the graph has checked the reference"
        return await storage.open_queue(host.component_id)

    async def _enqueue(self, entry: Entry, batch: Batch) -> None:
        try:
            await self._backlog.reserve(entry)
            try:
                await self._store.keep(entry)
            except BaseException:
                self._backlog.release([entry])
                raise
        except (RetryableError, LimitError):
            self._events.not_queued(batch)
            raise
        if self._config.sending_queue.wait_for_result:
            entry.outcome = asyncio.get_running_loop().create_future()
        self._backlog.add(entry)

    def _count_rest(self) -> None:
        """What nobody took from a queue in memory before the deadline is lost; a disk keeps it."""
        rest = list(self._backlog.entries())
        for entry in () if self._keeping else rest:
            self._events.lost(entry.lane, entry.items, Loss.SHUTDOWN, "no time was left")
        for entry in [*self._kept, *rest] if self.durable else ():
            self._events.left(entry)

    async def _work(self, host: Host) -> None:
        """Deliver one group after the other, until the backlog is closed; a defect stops the service."""
        try:
            while await self._finish(await self._backlog.take()):
                pass  # nothing here refers to a group that is done: it would stay in memory until the next
        except Exception as error:
            host.fail(error)

    async def _finish(self, group: Sequence[Entry]) -> bool:
        """What became of the group is known; whether it was one, not the end of the backlog."""
        if not group:
            return False
        try:
            fates = [await self._deliver(p) for p in combine(await self._load(group), self._gathering)]
        except asyncio.CancelledError:
            self._kept += group
            raise
        if None in fates:
            self._kept += group
        else:
            await self._store.forget(group)
        self._backlog.release(group)
        for entry in group:
            if entry.outlived(fates):
                self._events.copied(entry)
            entry.answer(fates)
        return True

    async def _load(self, group: Sequence[Entry]) -> list[Batch]:
        """The batches of the group; one that is too old, or that the disk damaged, is counted instead."""
        batches = []
        for entry in group:
            if self._store.expired(entry):
                self._events.lost(entry.lane, entry.items, Loss.EXPIRED, "it waited too long")
                continue
            try:
                batches.append(await self._store.load(entry))
            except WireError as error:
                self._events.lost(entry.lane, entry.items, Loss.DAMAGED, str(error))
        return batches

    async def _deliver(self, batch: Batch) -> Receipt | TollspanError | None:
        """What became of the batch; None when it is kept for the next run.

        A loss is counted, unless someone waits for the result: then it is theirs to judge.
        """
        try:
            return await self._attempts.deliver(batch)
        except asyncio.CancelledError:
            if not self._keeping:
                self._events.lost(batch.lane, batch.items, Loss.SHUTDOWN, "no time was left")
            raise
        except (RetryableError, AuthError) as error:
            if self._keeping and self._stopping.is_set():
                return None
            loss = Loss.SHUTDOWN if self._stopping.is_set() else Loss.RETRIES_EXHAUSTED
            failure: TollspanError = error
        except TollspanError as error:
            loss, failure = Loss.REFUSED, error
        if not self._config.sending_queue.wait_for_result:
            self._events.lost(batch.lane, batch.items, loss, str(failure))
        return failure
