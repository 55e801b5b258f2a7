"""What to do next with what waits: pack it, send it, send it again or give it up. Decides, without threads.

A destination or token endpoint that is away costs nothing until the queue is full. What
is lost is what the destination refuses for good, what it cannot be sent as, and what is
left at the end.
"""

from __future__ import annotations

import math
import random as _random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from zlib_ng import zlib_ng

from tollspan.otlp.backoff import backoff_s
from tollspan.otlp.content_coding import decompress
from tollspan.otlp.encoding import Encoded
from tollspan.otlp.http_exchange import Delivered, Later, Outcome, Refused, TooLarge
from tollspan.otlp.signals import Signal
from tollspan.sdk.events import Events
from tollspan.sdk.export_queue import ExportQueue, Parcel
from tollspan.sdk.settings import Settings
from tollspan.sdk.spool import Spool

try:
    from tollspan.otlp import _reshape
except ImportError:  # Nothing was compiled for this platform: a request that is too large is lost.
    _reshape = None  # type: ignore[assignment]

T = TypeVar("T")

RETRY_INITIAL_S, RETRY_MAX_S = 1.0, 60.0

REQUEST_BYTES_MAX = 64 << 20
"""A longer request is split before it is sent; counted uncompressed (OTLP 1.11)."""

BAD_DATA = frozenset({400, 422})
"""Refusals of something in the request: all but that is taken when it is sent in parts."""

REFUSALS_MAX = 32
"""After so many of them in a row the destination refuses everything, and parts are no help."""

LOOK_INTERVAL_S = 30.0
"""How often a spool is looked into for what other processes have left, when it was empty."""

KEPT = frozenset({*range(300, 400), 403})
"""Refusals that keep the data: redirects and missing permissions are put right in a configuration."""


@dataclass(frozen=True, slots=True)
class ItemType(Generic[T]):
    """What is delivered: of which signal, as what bytes, about how much memory it takes, and how many it is.

    Only a collection of metrics is more than one item: its data points are counted.
    """

    signal: Signal
    encode: Callable[[Sequence[T]], Encoded]
    weigh: Callable[[T], int]
    count: Callable[[T], int] | None = None


class Sender(Protocol):
    """Makes single attempts."""

    destination: str

    def send(self, body: bytes, compression: str, timeout_s: float) -> Outcome:
        """What became of a request within `timeout_s`; never raises."""

    def close(self) -> None:
        """Let go of connections, until the next attempt; in a forked child they are the parent's."""


class Delivery(Generic[T]):
    """Moves the items of `queue` to `sender`, one `step` at a time, all from one thread."""

    def __init__(  # noqa: PLR0913, PLR0917 - clock and random are for tests
        self,
        item_type: ItemType[T],
        sender: Sender,
        settings: Settings,
        events: Events,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = _random.random,
        spool: Spool | None = None,
    ) -> None:
        self.queue: ExportQueue[T] = ExportQueue(
            settings.queue_items_max, settings.queue_bytes_max, item_type.weigh, item_type.count
        )
        self.sender = sender
        self.settings = settings
        self._item_type = item_type
        self._events = events
        self._clock = clock
        self._random = random
        self._spool = spool
        self.begin()

    def begin(self) -> None:
        """Nothing has failed and nobody is in a hurry."""
        self._tick_s = -math.inf
        self._retry_s = -math.inf
        self._failures = 0
        self._refusals = 0
        self._full_reported = 0
        self._hurry_to = 0
        self._deadline_s: float | None = None
        self._look_s = -math.inf
        self._resending: Parcel | None = None

    def tick_in(self, wait_s: float) -> None:
        """A batch that is not full may fill for `wait_s`."""
        self._tick_s = self._clock() + wait_s

    def hurry(self, settled: int) -> None:
        """Wait for nothing until `settled` items have ceased to wait; any thread may call."""
        with self.queue.lock:
            self._hurry_to = max(self._hurry_to, settled)
            self._retry_s = -math.inf

    def finish(self, timeout_s: float) -> None:
        """From now on each request gets one attempt, until one fails or time is up; any thread may call."""
        self._deadline_s = self._clock() + timeout_s

    def step(self) -> float | None:
        """Do what is due; return for how many seconds nothing is, or None when all is done for good."""
        now_s = self._clock()
        deadline_s = self._deadline_s
        self._pack_what_is_due(now_s)
        if self._spool is not None:
            self._spill(self._spool)
        if deadline_s is not None:
            timeout_s = min(self.settings.export_timeout_s, deadline_s - now_s)
            parcel = self.queue.launch() if timeout_s > 0 else None
            return 0.0 if parcel is not None and self._deliver(parcel, timeout_s) else None
        if now_s >= self._retry_s:
            if (parcel := self.queue.launch()) is not None:
                self._deliver(parcel, self.settings.export_timeout_s)
                return 0.0
            if self._spool is not None and now_s >= self._look_s and self._resend(self._spool):
                return 0.0
        due_s = self._tick_s if now_s >= self._retry_s else min(self._tick_s, self._retry_s)
        return due_s - now_s

    def end(self) -> None:
        """Nothing is accepted any more; what waits is in files, or dropped."""
        items, parcels = self.queue.close()
        spooled = unencodable = 0
        if self._spool is not None:
            try:
                spooled, unencodable = self._save(self._spool, items, parcels)
            except Exception as error:
                self._events.bug("the last spooling", error)
        if lost := self.queue.write_off(spooled, unencodable):
            self._lost("shutdown", lost, f"{self.sender.destination} did not take it in time")

    def _save(self, spool: Spool, items: Sequence[T], parcels: list[Parcel]) -> tuple[int, int]:
        """How many of these items are in files now, and how many of them cannot be encoded."""
        unencodable = 0
        for start in range(0, len(items), self.settings.batch_items_max):
            encoded = self._item_type.encode(items[start : start + self.settings.batch_items_max])
            unencodable += len(encoded.failures)
            if encoded.items:
                parcels.append(_parcel(encoded.body, encoded.items, self.settings.compression))
        kept = [p.items for p in parcels if p is self._resending or spool.write(p) is not None]
        return sum(kept), unencodable

    def _spill(self, spool: Spool) -> None:
        """In an outage the oldest parcels go to files, until half of the queue is free."""
        while self._failures and (parcel := self.queue.oldest()) is not None:
            tally = self.queue.tally()
            if tally.pending * 2 <= self.queue.items_max and tally.pending_bytes * 2 <= self.queue.bytes_max:
                return
            if (path := spool.write(parcel)) is None:
                return
            if not self.queue.move_out(parcel):
                path.unlink(missing_ok=True)

    def _resend(self, spool: Spool) -> bool:
        """Send one parcel from a file; whether there was one."""
        stored = spool.claim()
        if stored is None:
            self._look_s = self._clock() + LOOK_INTERVAL_S
            return False
        self._resending = stored.parcel
        self.queue.adopt(stored.parcel)
        try:
            settled = self._deliver(stored.parcel, self.settings.export_timeout_s)
        except Exception as error:  # In the file is not what its name says.
            self._events.bug("a file of the spool", error)
            self.queue.settle(dropped="refused")
            settled = True
        if settled or not self.queue.move_out(stored.parcel):
            stored.remove()
        else:
            stored.release()
        self._resending = None
        return True

    def _pack_what_is_due(self, now_s: float) -> None:
        """Full batches at once; the rest at a tick unless parcels wait anyway, or in a hurry."""
        tick = now_s >= self._tick_s
        if tick:
            self._tick_s = now_s + self.settings.export_interval_s
        tally = self.queue.tally()
        hurry = self._deadline_s is not None or tally.settled < self._hurry_to
        while waiting := self.queue.waiting:
            if not (waiting >= self.settings.batch_items_max or hurry or (tick and not self.queue.parcels)):
                break
            self._pack()
        if full := tally.dropped.get("queue_full", 0) - self._full_reported:
            self._full_reported += full
            self._lost("queue_full", full, "more wait than settings allow")

    def _pack(self) -> None:
        encoded = self._item_type.encode(self.queue.take(self.settings.batch_items_max))
        if encoded.failures:
            # What follows the colon may quote the item.
            part = encoded.failures[0][1].partition(":")[0]
            self._lost("encode_error", len(encoded.failures), f"cannot be encoded: {part}")
        parcel = _parcel(encoded.body, encoded.items, self.settings.compression) if encoded.items else None
        self.queue.pack(parcel, len(encoded.failures))

    def _deliver(self, parcel: Parcel, timeout_s: float) -> bool:
        """Make one attempt; whether it settled the parcel."""
        if parcel.wire_bytes > REQUEST_BYTES_MAX:
            outcome: Outcome = TooLarge(f"at most {REQUEST_BYTES_MAX} bytes are sent at once")
        else:
            outcome = self.sender.send(parcel.body, parcel.compression, timeout_s)
        destination = self.sender.destination
        # What is to be said is said first: with the last item settled a waiting flush returns.
        match outcome:
            case Delivered(rejected=rejected, message=message):
                self._failures = self._refusals = 0
                self._events.delivered(destination, self._item_type.signal.item)
                if rejected or message:
                    self._events.rejected(destination, rejected, message)
                self.queue.settle(rejected=min(rejected, parcel.items))
            case TooLarge(reason=reason) if parcel.items > 1 and _reshape is not None:
                self._events.split(destination, reason)
                self.queue.split(_halves(self._item_type.signal, parcel))
            case TooLarge(reason=reason):
                self._lost("too_large", parcel.items, f"{destination}: {reason}")
                self.queue.settle(dropped="too_large")
            case Refused(reason=reason, status=status) if status in BAD_DATA and self._may_isolate(parcel):
                self._events.isolating(destination, reason)
                self.queue.split(_halves(self._item_type.signal, parcel))
            case Refused(reason=reason, status=status) if status not in KEPT:
                self._lost("refused", parcel.items, f"{destination}: {reason}")
                self.queue.settle(dropped="refused")
            case _:
                self._events.held_back(destination, self._item_type.signal.item, outcome.reason)
                self._wait(outcome.after_s if isinstance(outcome, Later) else None)
                self.queue.put_back()
                return False
        return True

    def _may_isolate(self, parcel: Parcel) -> bool:
        self._refusals += 1
        return parcel.items > 1 and self._refusals <= REFUSALS_MAX and _reshape is not None

    def _lost(self, reason: str, number: int, detail: str) -> None:
        self._events.lost(reason, number, self._item_type.signal.item, detail)

    def _wait(self, asked_s: float | None) -> None:
        """Make no attempt for a while: what the destination asked for, if that is longer than ours."""
        self._failures += 1
        wait_s = backoff_s(self._failures, initial_s=RETRY_INITIAL_S, max_s=RETRY_MAX_S, random=self._random)
        self._retry_s = self._clock() + max(wait_s, asked_s or 0.0)


def _parcel(wire: bytes, items: int, compression: str) -> Parcel:
    body = zlib_ng.compress(wire, 1, 31) if compression == "gzip" else wire
    return Parcel(body, compression, items, len(wire))


def _halves(signal: Signal, parcel: Parcel) -> list[Parcel]:
    wire = decompress(parcel.body, parcel.compression, parcel.wire_bytes)
    parts = _reshape.split(signal.value, wire, (parcel.items + 1) // 2)
    return [_parcel(part, _reshape.count(signal.value, part), parcel.compression) for part in parts]
