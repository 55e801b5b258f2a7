"""One batch to its destination: attempts with a timeout each, waits between them, halves when too large."""

from __future__ import annotations

import asyncio
import random

import structlog

from tollspan.collector.component import Destination, Receipt
from tollspan.collector.sender_config import SenderConfig
from tollspan.collector.sender_events import SenderEvents
from tollspan.errors import AuthError, LimitError, PermanentError, RetryableError, StoreError, WireError
from tollspan.otlp.batch import Batch, split

_log = structlog.get_logger()


class Attempts:
    """How one sender delivers; `stopping` ends every wait, and leaves one more attempt."""

    def __init__(
        self,
        destination: Destination,
        config: SenderConfig,
        events: SenderEvents,
        stopping: asyncio.Event,
    ) -> None:
        self._destination = destination
        self._timeout_s = config.timeout_s or None
        self._retry = config.retry_on_failure
        self._elapsed_max_s = config.elapsed_max_s
        self._events = events
        self._stopping = stopping

    async def deliver(self, batch: Batch) -> Receipt:
        """The destination has the batch, and that is counted.

        RetryableError or AuthError when the attempts are over, PermanentError or WireError
        when the destination will never take it, LimitError when it does not even take a
        single item.
        """
        try:
            receipt = await self._deliver_whole(batch)
        except LimitError:
            if batch.items <= 1:
                raise
            return await self._deliver_halves(batch)
        self._events.sent(batch, receipt)
        return receipt

    async def _deliver_halves(self, batch: Batch) -> Receipt:
        receipts = [await self.deliver(half) for half in split(batch, (batch.items + 1) // 2)]
        return Receipt(sum(r.rejected for r in receipts), "; ".join(r.reason for r in receipts if r.reason))

    async def _deliver_whole(self, batch: Batch) -> Receipt:
        retry, clock = self._retry, asyncio.get_running_loop().time
        since_s, interval_s = clock(), retry.initial_interval_s
        while True:
            last = self._stopping.is_set() or not retry.enabled
            try:
                return await self._attempt(batch)
            except (RetryableError, AuthError) as error:
                jitter = 1 + retry.randomization_factor * (2 * random.random() - 1)  # noqa: S311 - no secret
                wait_s = max(interval_s * jitter, getattr(error, "after_s", None) or 0.0)
                if isinstance(error, AuthError):
                    since_s = clock() + wait_s  # time without credentials is not the batch's fault
                over = self._elapsed_max_s and clock() + wait_s - since_s > self._elapsed_max_s
                if last or over:
                    raise
                self._events.failed(batch, str(error), wait_s)
                await self._wait(wait_s)
                interval_s = min(interval_s * retry.multiplier, retry.max_interval_s)

    async def _attempt(self, batch: Batch) -> Receipt:
        """One attempt; whatever may pass is a RetryableError or AuthError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._destination.send(batch)
        except (AuthError, LimitError, PermanentError, RetryableError, WireError):
            raise
        except TimeoutError as error:
            raise RetryableError("the destination did not answer in time") from error
        except StoreError as error:
            raise (RetryableError if error.retryable else PermanentError)(str(error)) from error
        except Exception as error:
            _log.exception("exporter_defect")
            raise RetryableError(f"internal error: {error!r}") from error

    async def _wait(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._stopping.wait()
        except TimeoutError:
            return
