"""Many callers, one writer: what arrives while the database is busy is written together."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from tollspan.collector.component import Receipt
from tollspan.collector.events import LOG_INTERVAL_S
from tollspan.collector.sparse_log import SparseLog
from tollspan.errors import RetryableError
from tollspan.gateway.storage.chunks import Answer
from tollspan.otlp.batch import Batch

PENDING_BYTES_MAX = 64 << 20
GROUP_BYTES_MAX = 16 << 20
GROUP_ITEMS_MAX = 50_000
LINGER_S = 0.08
"""So long after the group before it a group that is not full is written. An insert costs as much as
some ten thousand spans, at once and when its part is merged, whatever is in it."""


@dataclass(frozen=True, slots=True)
class _Pending:
    batch: Batch
    answer: asyncio.Future[Receipt]


class GroupCommit:
    """Offers batches in groups to `write`, which blocks and runs in `executor`, one group at a time."""

    def __init__(self, write: Callable[[Sequence[Batch]], Sequence[Answer]], executor: Executor) -> None:
        self._write = write
        self._executor = executor
        self._log = SparseLog(LOG_INTERVAL_S)
        self._pending: deque[_Pending] = deque()
        self._pending_bytes = 0
        self._pending_items = 0
        self._changed = asyncio.Event()
        self._closing = False
        self._written_s = 0.0
        self._task = asyncio.create_task(self._run())

    async def submit(self, batch: Batch) -> Receipt:
        """The answer to `batch`, once `write` has given it.

        Raises what `write` answered or raised, and RetryableError when too much waits already.
        A caller that is cancelled leaves its batch behind; it will be written.
        """
        if self._closing:
            raise RetryableError("the gateway is shutting down", after_s=1.0)
        if self._pending and self._pending_bytes + len(batch.wire) > PENDING_BYTES_MAX:
            raise RetryableError("too much is waiting to be stored", after_s=1.0)
        pending = _Pending(batch, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        self._pending_bytes += len(batch.wire)
        self._pending_items += batch.items
        self._changed.set()
        return await pending.answer

    async def close(self) -> None:
        """Everything that was submitted has its answer; nothing more is taken."""
        self._closing = True
        self._changed.set()
        await self._task

    async def _run(self) -> None:
        while self._pending or not self._closing:
            self._changed.clear()
            wait_s = self._wait_s()
            if wait_s > 0 and not self._closing:
                await _wait(self._changed, wait_s)
            else:
                await self._write_group(self._take_group())
                self._written_s = asyncio.get_running_loop().time()

    def _wait_s(self) -> float:
        """How long the next group may still grow."""
        if not self._pending:
            return float("inf")
        if self._pending_bytes >= GROUP_BYTES_MAX or self._pending_items >= GROUP_ITEMS_MAX:
            return 0.0
        return self._written_s + LINGER_S - asyncio.get_running_loop().time()

    def _take_group(self) -> list[_Pending]:
        group: list[_Pending] = []
        size = items = 0
        while self._pending and size < GROUP_BYTES_MAX and items < GROUP_ITEMS_MAX:
            group.append(self._pending.popleft())
            size += len(group[-1].batch.wire)
            items += group[-1].batch.items
        self._pending_bytes -= size
        self._pending_items -= items
        return group

    async def _write_group(self, group: Sequence[_Pending]) -> None:
        loop = asyncio.get_running_loop()
        answers: Sequence[Answer | Exception]
        try:
            answers = await loop.run_in_executor(self._executor, self._write, [own.batch for own in group])
        except Exception as error:
            items = sum(own.batch.items for own in group)
            facts = {"error": str(error), "requests": len(group), "items": items}
            self._log.log(logging.WARNING, "group_not_written", **facts)
            answers = [error] * len(group)
        for own, answer in zip(group, answers, strict=True):
            if own.answer.done():
                continue
            if isinstance(answer, Receipt):
                own.answer.set_result(answer)
            else:
                own.answer.set_exception(answer)


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(None if timeout_s == float("inf") else timeout_s):
            await event.wait()
    except TimeoutError:
        return
