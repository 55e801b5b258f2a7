"""What a sender reports: every item that was taken is pending, sent or lost for a reason."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Callable

from tollspan.collector.backlog import Backlog, Entry
from tollspan.collector.component import Condition, Receipt
from tollspan.collector.events import ITEM_NAMES, LOG_INTERVAL_S, Counters, count_sent
from tollspan.collector.sparse_log import SparseLog
from tollspan.otlp.batch import Batch, Lane


class Loss(enum.Enum):
    """Why items that had been taken were not delivered."""

    REFUSED = "refused"
    """The destination will never take them."""
    REJECTED = "rejected"
    """Single items that the destination named in a partial success."""
    RETRIES_EXHAUSTED = "retries_exhausted"
    SHUTDOWN = "shutdown"
    DAMAGED = "damaged"
    """What the disk gave back is not what was written to it."""
    EXPIRED = "expired"
    """They were on disk for longer than the storage's `max_age`."""


class SenderEvents:
    """What one sender reports."""

    def __init__(self, counters: Counters, exporter: str, backlog: Backlog) -> None:
        self._counters = counters
        self._exporter = exporter
        self._labels = {"exporter": exporter}
        self._backlog = backlog
        self._log = SparseLog(LOG_INTERVAL_S)
        self._failures = 0
        self._reason = ""
        for name, read in self._gauges().items():
            counters.watch(name, read, **self._labels)

    def close(self) -> None:
        """The queue is gone, and its gauges with it."""
        for name in self._gauges():
            self._counters.unwatch(name, **self._labels)

    def _gauges(self) -> dict[str, Callable[[], float]]:
        backlog = self._backlog
        return {
            "otelcol_exporter_queue_size": lambda: backlog.size,
            "otelcol_exporter_queue_capacity": lambda: backlog.capacity,
            "otelcol_exporter_queue_items": lambda: backlog.items,
        }

    def sent(self, batch: Batch, receipt: Receipt) -> None:
        """The destination has the batch, less what it rejected."""
        self._failures, self._reason = 0, ""
        count_sent(self._counters, self._exporter, batch, batch.items - receipt.rejected)
        if receipt.rejected:
            self._lose(batch.lane, receipt.rejected, Loss.REJECTED, receipt.reason)

    def failed(self, batch: Batch, reason: str, wait_s: float) -> None:
        """An attempt failed, and the batch will be sent again after `wait_s`."""
        self._failures += 1
        self._reason = reason
        facts = {"signal": batch.signal.value, "items": batch.items, "interval_s": round(wait_s, 3)}
        self._log.log(logging.INFO, "exporter_will_retry", **self._labels, **facts, reason=reason)

    def lost(self, lane: Lane, items: int, loss: Loss, reason: str) -> None:
        """The items will never be delivered."""
        self._failures += 1
        self._reason = reason
        self._lose(lane, items, loss, reason)

    def not_queued(self, batch: Batch) -> None:
        """The queue did not take the batch; whoever offered it still has it."""
        name = f"otelcol_exporter_enqueue_failed_{ITEM_NAMES[batch.signal]}"
        self._counters.add(name, batch.items, **self._labels)

    def condition(self) -> Condition:
        """How sending goes."""
        oldest_s = self._backlog.oldest_s
        waiting_s = 0.0 if oldest_s is None else asyncio.get_running_loop().time() - oldest_s
        return Condition(self._failures, self._reason, waiting_s)

    def recovered(self, entry: Entry) -> None:
        """The entry was left by an earlier run."""
        self._counters.ledger.account(entry.lane).received += entry.items

    def copied(self, entry: Entry) -> None:
        """The destination took an entry whose caller was told to send it again."""
        self._counters.ledger.account(entry.lane).copied += entry.items

    def left(self, entry: Entry) -> None:
        """The entry is left to a later run, which recovers it."""
        self._counters.ledger.account(entry.lane).received -= entry.items

    def _lose(self, lane: Lane, items: int, loss: Loss, reason: str) -> None:
        name = f"otelcol_exporter_send_failed_{ITEM_NAMES[lane[0]]}"
        self._counters.ledger.account(lane).dropped[loss.value] += items
        self._counters.add(name, items, reason=loss.value, **self._labels)
        facts = {"signal": lane[0].value, "dropped_items": items, "loss": loss.value, "reason": reason}
        self._log.log(logging.ERROR, "exporter_dropped_data", loss.value, **self._labels, **facts)
