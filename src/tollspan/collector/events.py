"""What the collector reports about itself: each event is logged and counted in one call.

Counters carry the Collector's names (`otelcol_receiver_accepted_spans`) and labels. For
every receiver and signal it holds that items received = accepted + refused, and requests
received = the sum of `otelcol_receiver_requests` over its outcomes.
"""

from __future__ import annotations

import enum
import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from tollspan.collector.ledger import Ledger
from tollspan.collector.sparse_log import SparseLog
from tollspan.otlp.batch import Batch, Lane
from tollspan.otlp.signals import Signal

LOG_INTERVAL_S = 1.0
"""A receiver logs refusals of one reason at most this often; a flood must not fill the disk."""

ITEM_NAMES = {Signal.TRACES: "spans", Signal.METRICS: "metric_points", Signal.LOGS: "log_records"}
"""What the Collector's metric names call the items of a signal."""

Sender = tuple[str, str]
"""The tenant and the dataset that a request writes to."""

UNKNOWN_SENDER = ("", "")


Key = tuple[str, tuple[tuple[str, str], ...]]
"""A metric's name and its labels, sorted."""


class Counters:
    """Whole numbers that only grow, by name and labels. Any thread may add.

    Beside them are gauges, which are read when they are asked for, and the ledger.
    """

    def __init__(self) -> None:
        self._counts: Counter[Key] = Counter()
        self._gauges: dict[Key, Callable[[], float]] = {}
        self._lock = threading.Lock()
        self.ledger = Ledger()

    def add(self, name: str, amount: int, **labels: str) -> None:
        """`amount` more of `name` with these labels."""
        self.add_to(build_key(name, labels), amount)

    def add_to(self, key: Key, amount: int) -> None:
        """`amount` more of what `build_key` names, for those who count with every request."""
        with self._lock:
            self._counts[key] += amount

    def watch(self, name: str, read: Callable[[], float], **labels: str) -> None:
        """`read` gives the gauge of that name and labels from now on, whoever gave it before."""
        self._gauges[build_key(name, labels)] = read

    def unwatch(self, name: str, **labels: str) -> None:
        """There is no such gauge any more."""
        self._gauges.pop(build_key(name, labels), None)

    def gauges(self) -> Mapping[Key, float]:
        """Every gauge as it is now; in the event loop's thread."""
        return {key: read() for key, read in self._gauges.items()}

    def total(self, name: str, **labels: str) -> int:
        """The sum over everything called `name` that has these labels, whatever others it has."""
        wanted = set(labels.items())
        with self._lock:
            return sum(n for (key, has), n in self._counts.items() if key == name and wanted <= set(has))

    def snapshot(self) -> Mapping[Key, int]:
        """Every counter as it is now, by name and sorted labels."""
        with self._lock:
            return dict(self._counts)


def count_sent(counters: Counters, exporter: str, batch: Batch, items: int) -> None:
    """So many of the batch's items have arrived where the exporter sends to."""
    counters.ledger.account(batch.lane).sent += items
    counters.add(f"otelcol_exporter_sent_{ITEM_NAMES[batch.signal]}", items, exporter=exporter)


def build_key(name: str, labels: Mapping[str, str]) -> Key:
    """How a metric's name and labels are kept."""
    return name, tuple(sorted(labels.items()))


class Refusal(enum.Enum):
    """Why a receiver did not take a request, or some of its items."""

    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    UNSUPPORTED = "unsupported"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    DISCONNECTED = "disconnected"
    REJECTED = "rejected"
    """Single items, named in a partial success."""
    UNAVAILABLE = "unavailable"
    """The pipeline could not take it now; the client is asked to send it again."""
    PERMANENT = "permanent"
    DEFECT = "defect"


class ReceiverEvents:
    """What one receiver reports for one transport (`http`, `grpc`)."""

    def __init__(self, counters: Counters, receiver: str, transport: str) -> None:
        self._counters = counters
        self._labels = {"receiver": receiver, "transport": transport}
        self._accepted_requests = build_key(
            "otelcol_receiver_requests", {"outcome": "accepted", **self._labels}
        )
        self._accepted_items = {
            signal: build_key(f"otelcol_receiver_accepted_{name}", self._labels)
            for signal, name in ITEM_NAMES.items()
        }
        self._log = SparseLog(LOG_INTERVAL_S)

    def accepted(self, signal: Signal, items: int, rejected: int = 0, reason: str = "") -> None:
        """A request was taken, except `rejected` of its `items`."""
        self._counters.add_to(self._accepted_requests, 1)
        self._counters.add_to(self._accepted_items[signal], items - rejected)
        if rejected:
            self._refused_items(signal, rejected, Refusal.REJECTED, reason)

    def refused(  # noqa: PLR0913 - whose, why, and how much
        self,
        signal: Signal,
        reason: Refusal,
        detail: str,
        items: int = 0,
        *,
        sender: Sender = UNKNOWN_SENDER,
        defect: BaseException | None = None,
    ) -> None:
        """A request was refused as a whole; `items` is 0 when they were not counted.

        A `defect` is logged with its traceback.
        """
        self._counters.add("otelcol_receiver_requests", 1, outcome=reason.value, **self._labels)
        if not items:
            self._counters.ledger.account((signal, *sender)).refused_requests[reason.value] += 1
        self._refused_items(signal, items, reason, detail, defect)

    def _refused_items(
        self, signal: Signal, items: int, reason: Refusal, detail: str, defect: BaseException | None = None
    ) -> None:
        name = f"otelcol_receiver_refused_{ITEM_NAMES[signal]}"
        self._counters.add(name, items, reason=reason.value, **self._labels)
        self._log.log(
            logging.WARNING,
            "receiver_refused",
            reason.value,
            **self._labels,
            signal=signal.value,
            reason=reason.value,
            detail=detail,
            items=items,
            exc_info=defect,
        )


class ProcessorEvents:
    """What one processor reports: items that came in are handed on, held, or dropped for a reason."""

    def __init__(self, counters: Counters, processor: str) -> None:
        self._counters = counters
        self._ledger = counters.ledger
        self._labels = {"processor": processor}
        self._flow = {
            (way, signal): build_key(
                f"otelcol_processor_{way}_items", {"signal": signal.value, **self._labels}
            )
            for way in ("incoming", "outgoing")
            for signal in Signal
        }

    def came_in(self, signal: Signal, items: int) -> None:
        """The processor has taken responsibility for the items."""
        if items:
            self._counters.add_to(self._flow["incoming", signal], items)

    def went_out(self, signal: Signal, items: int) -> None:
        """The next consumer has."""
        if items:
            self._counters.add_to(self._flow["outgoing", signal], items)

    def dropped(self, lane: Lane, items: int, reason: str) -> None:
        """The items will not be handed on; `reason` is one of a few words."""
        if items:
            self._ledger.account(lane).dropped[reason] += items
            labels = {"signal": lane[0].value, "reason": reason, **self._labels}
            self._counters.add("otelcol_processor_dropped_items", items, **labels)

    def copied(self, lane: Lane, items: int) -> None:
        """The next consumer took items that their sender was told to send again."""
        self._ledger.account(lane).copied += items

    def count(self, name: str, amount: int, **labels: str) -> None:
        """`amount` more of the processor's own counter `otelcol_processor_<name>`."""
        self._counters.add(f"otelcol_processor_{name}", amount, **self._labels, **labels)
