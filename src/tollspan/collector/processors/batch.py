"""Makes few large batches of many small ones, by joining their bytes.

    processors:
      batch:
        timeout: 1s
        send_batch_size: 8192
        send_batch_max_size: 0

Batches of one tenant and dataset are joined until `send_batch_size` items are there or the
first has waited `timeout`. None is larger than `send_batch_max_size`, 0 meaning no bound.

What `consume` returning means depends on what is behind. Exporters that keep their queue in
memory could lose it in a kill anyway, so the batch is taken at once, and what the next
consumer does not take now is offered to it again. Where an exporter behind keeps what it
takes (`sending_queue::storage`, the gateway's store), `consume` returns when the joined
batch is there: acknowledged stays durable, and a client waits up to `timeout` for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
import structlog

from tollspan.collector.backlog import Backlog, Entry, Gathering, Limits, combine
from tollspan.collector.component import TAKEN, Consumer, Factory, Host, Kind, Receipt
from tollspan.collector.config.values import Duration
from tollspan.collector.events import ProcessorEvents
from tollspan.collector.fan_out import FanOut
from tollspan.collector.queue_store import build_entry
from tollspan.errors import ConfigError, LimitError, PermanentError, RetryableError, StoreError, WireError
from tollspan.otlp.batch import Batch, Lane

BYTES_MAX = 256 << 20
"""What waits here; more is refused until there is room."""

CALLS_MAX = 8
"""Joined batches that the next consumer gets side by side."""

RETRY_AFTER_S = 1.0
"""The wait before a batch is offered again, where the next consumer asks for none."""

_log = structlog.get_logger()


class BatchConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`processors::batch`."""

    timeout_s: Duration = msgspec.field(default=0.2, name="timeout")
    send_batch_size: Annotated[int, msgspec.Meta(ge=0)] = 8192
    send_batch_max_size: Annotated[int, msgspec.Meta(ge=0)] = 0

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if 0 < self.send_batch_max_size < self.send_batch_size:
            yield ConfigError("send_batch_max_size", "must be greater or equal to send_batch_size")

    def gathering(self) -> Gathering:
        """The same for a Backlog."""
        size_min = self.send_batch_size if self.timeout_s else 0
        return Gathering(size_min, self.send_batch_max_size, self.timeout_s)


class BatchProcessor:
    """See the module."""

    def __init__(self, config: BatchConfig, consumer: Consumer) -> None:
        self._gathering = config.gathering()
        self._consumer = consumer
        self._stopping = asyncio.Event()

    async def start(self, host: Host) -> None:
        """Batches are joined and handed on."""
        self._loop = asyncio.get_running_loop()
        self._callers_wait = host.durable_downstream
        if self._callers_wait and isinstance(self._consumer, FanOut):
            # A client that sends again is joined with others then, so no branch knows what it has.
            hint = "use sending_queue::batch instead"
            _log.warning("batch_may_double_in_branches", processor=host.component_id, hint=hint)
        self._events = ProcessorEvents(host.counters, host.component_id)
        self._backlog = Backlog(Limits(BYTES_MAX, "bytes"), self._gathering)
        self._workers = [asyncio.create_task(self._work(host)) for _ in range(CALLS_MAX)]

    async def shutdown(self) -> None:
        """What waited has been handed on; what the next consumer did not take in time is counted."""
        self._stopping.set()
        self._backlog.close(drain=True)
        try:
            await asyncio.gather(*self._workers)
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
            for entry in self._backlog.entries():
                self._drop(entry.lane, entry.items, "shutdown", "no time was left")

    async def consume(self, batch: Batch) -> Receipt:
        """The batch is taken; see the module for what that means. RetryableError when there is no room."""
        if self._stopping.is_set():
            raise RetryableError("the pipeline is stopping", RETRY_AFTER_S)
        entry = build_entry(batch, self._loop.time())
        await self._backlog.reserve(entry)
        if self._callers_wait:
            entry.outcome = self._loop.create_future()
        else:
            self._events.came_in(batch.signal, batch.items)
        self._backlog.add(entry)
        return TAKEN if entry.outcome is None else await entry.outcome

    async def _work(self, host: Host) -> None:
        """Hand on one group after the other, until the backlog is closed; a defect stops the service."""
        try:
            while await self._finish(await self._backlog.take()):
                pass  # nothing here refers to a group that is done: it would stay in memory until the next
        except Exception as error:
            host.fail(error)

    async def _finish(self, group: Sequence[Entry]) -> bool:
        """What became of the group is known; whether it was one, not the end of the backlog."""
        if not group:
            return False
        items = sum(entry.items for entry in group)
        trigger = "batch_size" if items >= self._gathering.size_min else "timeout"
        self._events.count(f"batch_{trigger}_trigger_send", 1)
        batches = combine([entry.batch for entry in group if entry.batch], self._gathering)
        fates = [await self._hand_on(batch) for batch in batches]
        self._backlog.release(group)
        for entry in group:
            if entry.outlived(fates):
                self._events.copied(entry.lane, entry.items)
            entry.answer(fates)
        return True

    async def _hand_on(self, batch: Batch) -> Receipt | Exception:
        """What the next consumer said; without a waiting caller it is asked until it has decided."""
        while True:
            last = self._callers_wait or self._stopping.is_set()
            try:
                receipt = await self._consumer.consume(batch)
            except asyncio.CancelledError:
                self._drop(batch.lane, batch.items, "shutdown", "no time was left")
                raise
            except (PermanentError, WireError, LimitError) as error:
                self._drop(batch.lane, batch.items, "refused", str(error))
                return error
            except Exception as error:
                if last:
                    self._drop(batch.lane, batch.items, "shutdown", str(error))
                    return error
                await self._wait(error)
            else:
                self._went_out(batch)
                return receipt

    async def _wait(self, error: Exception) -> None:
        after_s = error.after_s if isinstance(error, RetryableError) else None
        defect = None if isinstance(error, RetryableError | StoreError) else error
        _log.info("batch_will_retry", reason=str(error), exc_info=defect)
        try:
            async with asyncio.timeout(after_s or RETRY_AFTER_S):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _went_out(self, batch: Batch) -> None:
        if self._callers_wait:
            self._events.came_in(batch.signal, batch.items)
        self._events.went_out(batch.signal, batch.items)
        self._events.count("batch_batch_send_size_sum", batch.items)
        self._events.count("batch_batch_send_size_count", 1)

    def _drop(self, lane: Lane, items: int, reason: str, detail: str) -> None:
        """Count a loss, unless callers wait: then the items are still theirs."""
        if not self._callers_wait:
            self._events.dropped(lane, items, reason)
            _log.error(
                "batch_dropped_data", signal=lane[0].value, dropped_items=items, loss=reason, reason=detail
            )


FACTORY = Factory(kind=Kind.PROCESSOR, type="batch", config=BatchConfig, build=BatchProcessor)
