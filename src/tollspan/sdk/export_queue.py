"""What waits to be sent, and the count of what became of everything that ever waited.

put → waiting items → take, pack → parcels (request bodies) → settle. Items are in exactly
one of these places or counted once: put + recovered = sent + rejected + dropped + spooled
+ pending, where spooled ones went to a file and recovered ones came from one.

Bounded by items and by bytes. Where there is no room the oldest make place: what one
looks for after an outage is what happens now, and a request that its destination never
takes and never refuses cannot block the way for ever.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_Waiting = tuple[T, int, int]
"""An item, about how much memory it takes, and how many it counts for."""


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """One request body, compressed, with `items` items and `wire_bytes` bytes when uncompressed."""

    body: bytes
    compression: str
    items: int
    wire_bytes: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the items that were put or recovered, none twice; see the head of this module.

    `pending_bytes` is about the memory of those that wait.
    """

    sent: int
    rejected: int
    dropped: dict[str, int]
    pending: int
    pending_bytes: int = 0
    spooled: int = 0
    recovered: int = 0

    @property
    def settled(self) -> int:
        """Items that wait no more."""
        return self.sent + self.rejected + sum(self.dropped.values()) + self.spooled


class ExportQueue(Generic[T]):
    """Holds items of one signal. Any thread may put; one worker takes, packs and settles.

    `lock` guards every method; it is re-entrant, as a garbage collection inside may end a
    span. `settled` is notified whenever items cease to wait.
    """

    def __init__(
        self,
        items_max: int,
        bytes_max: int,
        weigh: Callable[[T], int],
        count: Callable[[T], int] | None = None,
    ) -> None:
        self.items_max = items_max
        self.bytes_max = bytes_max
        self._weigh = weigh
        self._count = count
        self.clear()

    def clear(self) -> None:
        """Nothing waits and nothing was ever counted; nobody holds the lock."""
        self.lock = threading.RLock()
        self.settled = threading.Condition(self.lock)
        self.closed = False
        self._waiting: deque[_Waiting[T]] = deque()
        self._taken: list[_Waiting[T]] = []
        self._parcels: deque[Parcel] = deque()
        self._in_flight: Parcel | None = None
        self._pending = 0
        self._bytes = 0
        self._sent = 0
        self._rejected = 0
        self._dropped: Counter[str] = Counter()
        self._spooled = 0
        self._recovered = 0

    def put(self, item: T) -> int:
        """Accept `item` and return how many wait to be packed; what is dropped for it is counted."""
        weight = self._weigh(item)
        count = 1 if self._count is None else self._count(item)
        with self.lock:
            self._pending += count
            if self.closed:
                self._drop("shutdown", count)
                return 0
            while self._pending > self.items_max or self._bytes + weight > self.bytes_max:
                if not self._drop_oldest():
                    self._drop("queue_full", count)
                    return len(self._waiting)
            self._waiting.append((item, weight, count))
            self._bytes += weight
            return len(self._waiting)

    @property
    def waiting(self) -> int:
        """How many items wait to be packed."""
        return len(self._waiting)

    @property
    def parcels(self) -> int:
        """How many parcels there are, the one in flight included."""
        return len(self._parcels)

    def take(self, items_max: int) -> Sequence[T]:
        """The oldest items, to be packed."""
        with self.lock:
            count = min(items_max, len(self._waiting))
            self._taken = [self._waiting.popleft() for _ in range(count)]
            return [item for item, _, _ in self._taken]

    def pack(self, parcel: Parcel | None, failures: int) -> None:
        """The items taken are now `parcel`, except `failures` of them that cannot be encoded."""
        with self.lock:
            if self.closed:
                return
            self._bytes -= sum(weight for _, weight, _ in self._taken)
            self._taken = []
            if parcel is not None:
                self._parcels.append(parcel)
                self._bytes += len(parcel.body)
            self._drop("encode_error", failures)

    def launch(self) -> Parcel | None:
        """The oldest parcel. It stays, and is safe from being dropped, until one of the next three calls."""
        with self.lock:
            self._in_flight = self._parcels[0] if self._parcels else None
            return self._in_flight

    def put_back(self) -> None:
        """What was taken or is in flight waits again."""
        with self.lock:
            self._in_flight = None
            self._waiting.extendleft(reversed(self._taken))
            self._taken = []

    def settle(self, *, rejected: int = 0, dropped: str | None = None) -> None:
        """The parcel in flight arrived, except `rejected` items, or it is `dropped` for that reason."""
        with self.lock:
            if (parcel := self._land()) is None:
                return
            if dropped is not None:
                self._drop(dropped, parcel.items)
                return
            self._sent += parcel.items - rejected
            self._rejected += rejected
            self._pending -= parcel.items
            self.settled.notify_all()

    def split(self, parts: Sequence[Parcel]) -> None:
        """The parcel in flight is now `parts`, which hold the same items in the same order."""
        with self.lock:
            if self._land() is not None:
                self._parcels.extendleft(reversed(parts))
                self._bytes += sum(len(part.body) for part in parts)

    def oldest(self) -> Parcel | None:
        """The parcel that waits longest, none of which is in flight."""
        with self.lock:
            return self._parcels[0] if self._parcels else None

    def adopt(self, parcel: Parcel) -> None:
        """A parcel from a file is in flight, before all others."""
        with self.lock:
            self._parcels.appendleft(parcel)
            self._in_flight = parcel
            self._pending += parcel.items
            self._bytes += len(parcel.body)
            self._recovered += parcel.items

    def move_out(self, parcel: Parcel) -> bool:
        """A parcel that is in a file does not wait here; False if it was dropped meanwhile."""
        with self.lock:
            if parcel not in self._parcels:
                return False
            self._parcels.remove(parcel)
            self._bytes -= len(parcel.body)
            self._count_spooled(parcel.items)
            return True

    def close(self) -> tuple[list[T], list[Parcel]]:
        """Nothing is accepted any more; what is pending is the caller's, and counted with `write_off`."""
        with self.lock:
            items = [item for item, _, _ in (*self._taken, *self._waiting)]
            parcels = list(self._parcels)
            self.closed = True
            self._waiting.clear()
            self._taken = []
            self._parcels.clear()
            self._in_flight = None
            self._bytes = 0
            return items, parcels

    def write_off(self, spooled: int, unencodable: int) -> int:
        """So many pending items are in files or at fault; the others, returned, are dropped: `shutdown`."""
        with self.lock:
            self._count_spooled(spooled)
            self._drop("encode_error", unencodable)
            lost = self._pending
            self._drop("shutdown", lost)
            return lost

    def tally(self) -> Tally:
        """The counts at one instant."""
        with self.lock:
            return Tally(
                self._sent,
                self._rejected,
                dict(self._dropped),
                self._pending,
                self._bytes,
                self._spooled,
                self._recovered,
            )

    def _count_spooled(self, items: int) -> None:
        self._spooled += items
        self._pending -= items
        self.settled.notify_all()

    def _land(self) -> Parcel | None:
        """Take the parcel in flight out of the queue; None when the queue was closed meanwhile."""
        parcel, self._in_flight = self._in_flight, None
        if parcel is not None:
            self._parcels.popleft()
            self._bytes -= len(parcel.body)
        return parcel

    def _drop_oldest(self) -> bool:
        first = 0 if self._in_flight is None else 1
        if len(self._parcels) > first:
            parcel = self._parcels[first]
            del self._parcels[first]
            self._bytes -= len(parcel.body)
            self._drop("queue_full", parcel.items)
            return True
        if self._waiting:
            _, weight, count = self._waiting.popleft()
            self._bytes -= weight
            self._drop("queue_full", count)
            return True
        return False

    def _drop(self, reason: str, items: int) -> None:
        if items:
            self._dropped[reason] += items
            self._pending -= items
            self.settled.notify_all()
