"""Kept traces on their way to the next consumer, which is asked until it has taken or refused them."""

from __future__ import annotations

import asyncio

import structlog

from tollspan.collector.component import Consumer
from tollspan.collector.events import ProcessorEvents
from tollspan.errors import LimitError, PermanentError, RetryableError, StoreError, WireError
from tollspan.otlp.batch import Batch

RETRY_AFTER_S = 1.0
"""The wait before a batch is offered again, where the next consumer asks for none."""

_log = structlog.get_logger()


class Outbox:
    """Batches in their order, one at a time; `size` is how many bytes are held."""

    def __init__(self, consumer: Consumer, events: ProcessorEvents) -> None:
        self._consumer = consumer
        self._events = events
        self._batches: asyncio.Queue[Batch | None] = asyncio.Queue()
        self._closing = asyncio.Event()
        self.size = 0

    def put(self, batch: Batch) -> None:
        """The batch will be handed on."""
        self.size += len(batch.wire)
        self._batches.put_nowait(batch)

    def close(self) -> None:
        """What is held is offered once more; nothing may be put any more."""
        self._closing.set()
        self._batches.put_nowait(None)

    async def run(self) -> None:
        """Hand on until closed and empty. When cancelled, count what is left as lost."""
        batch: Batch | None = None
        try:
            while (batch := await self._batches.get()) is not None:
                await self._hand_on(batch)
                self.size -= len(batch.wire)
        except asyncio.CancelledError:
            while batch is not None:
                self._drop(batch, "shutdown", "no time was left")
                batch = None if self._batches.empty() else self._batches.get_nowait()
            raise

    async def _hand_on(self, batch: Batch) -> None:
        while True:
            try:
                await self._consumer.consume(batch)
            except (PermanentError, WireError, LimitError) as error:
                self._drop(batch, "refused", str(error))
                return
            except Exception as error:
                if self._closing.is_set():
                    self._drop(batch, "shutdown", str(error))
                    return
                await self._wait(error)
            else:
                self._events.went_out(batch.signal, batch.items)
                return

    async def _wait(self, error: Exception) -> None:
        after_s = error.after_s if isinstance(error, RetryableError) else None
        defect = None if isinstance(error, RetryableError | StoreError) else error
        _log.info("tail_sampling_will_retry", reason=str(error), exc_info=defect)
        try:
            async with asyncio.timeout(after_s or RETRY_AFTER_S):
                await self._closing.wait()
        except TimeoutError:
            return

    def _drop(self, batch: Batch, reason: str, detail: str) -> None:
        self._events.dropped(batch.lane, batch.items, reason)
        _log.error("tail_sampling_dropped_data", dropped_items=batch.items, loss=reason, reason=detail)
