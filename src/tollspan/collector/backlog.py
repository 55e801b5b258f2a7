"""Batches that wait for their turn: bounded, in order, gathered into groups worth sending.

A lane holds what may be sent as one batch: one signal, tenant and dataset. Lanes take
turns, so that a tenant who sends much does not hold up one who sends little. Without
batching every entry is a group of its own; with it a lane is due once it has `size_min`,
or once its oldest entry has waited `wait_s`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tollspan.collector.component import Receipt
from tollspan.errors import LimitError, RetryableError, WireError
from tollspan.otlp.batch import Batch, Lane, merge, split

FULL_AFTER_S = 2.0
"""How long a caller is asked to wait when there is no space."""

NO_BOUND = 1 << 62

Sizer = Literal["requests", "items", "bytes"]


@dataclass(slots=True, eq=False)
class Entry:
    """One batch that was taken. `batch` is None while it is only on disk, at `place`."""

    lane: Lane
    items: int
    bytes: int
    arrived_s: float
    batch: Batch | None = None
    place: Any = None
    outcome: asyncio.Future[Receipt] | None = None

    def size(self, sizer: Sizer) -> int:
        """Its size as `sizer` counts."""
        return 1 if sizer == "requests" else self.items if sizer == "items" else self.bytes

    def outlived(self, fates: Sequence[Receipt | Exception | None]) -> bool:
        """Whether it was taken after its caller had given up, and so counts it as refused."""
        gone = self.outcome is not None and self.outcome.cancelled()
        return gone and all(isinstance(fate, Receipt) for fate in fates)

    def answer(self, fates: Sequence[Receipt | Exception | None]) -> None:
        """Whoever waits for the outcome has it: the first failure of its group, if there is any."""
        if self.outcome is None or self.outcome.done():
            return
        failures = [fate for fate in fates if isinstance(fate, Exception)]
        if failures:
            self.outcome.set_exception(failures[0])
        else:
            self.outcome.set_result(next((fate for fate in fates if isinstance(fate, Receipt)), Receipt()))


@dataclass(frozen=True, slots=True)
class Limits:
    """A backlog holds at most `size_max` as `sizer` counts, and never more than `bytes_max`."""

    size_max: int
    sizer: Sizer = "requests"
    bytes_max: int = NO_BOUND
    block: bool = False
    """Wait for space instead of refusing."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """When a lane is due, and how much of it makes one group; `size_max` 0 means no bound."""

    size_min: int
    size_max: int
    wait_s: float
    sizer: Sizer = "items"


class Backlog:
    """Entries from `reserve` or `recover` until `release`; those that were taken still count."""

    def __init__(self, limits: Limits, gathering: Gathering | None = None) -> None:
        self._limits = limits
        self._gathering = gathering or Gathering(size_min=1, size_max=1, wait_s=0, sizer="requests")
        self._loop = asyncio.get_running_loop()
        self._lanes: dict[Lane, _LaneEntries] = {}
        self._due: OrderedDict[Lane, None] = OrderedDict()
        self._waiting: OrderedDict[Lane, None] = OrderedDict()  # not due yet, oldest first
        self._timer: asyncio.TimerHandle | None = None
        self._takers: deque[asyncio.Future[None]] = deque()
        self._space = asyncio.Event()
        self._closed = False
        self.size = self.items = self.bytes = 0

    @property
    def capacity(self) -> int:
        """The largest `size`, as the sizer counts."""
        return self._limits.size_max

    @property
    def oldest_s(self) -> float | None:
        """When the oldest entry that nobody has taken arrived, by the event loop's clock."""
        return min((lane.entries[0].arrived_s for lane in self._lanes.values()), default=None)

    async def reserve(self, entry: Entry) -> None:
        """There is room for the entry, and it counts until `release`.

        RetryableError when there is none and callers do not wait; LimitError when there never will be.
        """
        limits, size = self._limits, entry.size(self._limits.sizer)
        if size > limits.size_max:
            raise LimitError(f"{limits.sizer} in the sending queue", limits.size_max, size)
        while self.size + size > limits.size_max or (
            self.size and self.bytes + entry.bytes > limits.bytes_max
        ):
            if not limits.block:
                raise RetryableError("sending queue is full", FULL_AFTER_S)
            self._space.clear()
            await self._space.wait()
        self._count(entry, 1)

    def recover(self, entry: Entry) -> None:
        """An entry of an earlier run waits, whether there is room for it or not."""
        self._count(entry, 1)
        self.add(entry)

    def add(self, entry: Entry) -> None:
        """The entry, which has its room, waits at the end of its lane."""
        lane = self._lanes.get(entry.lane)
        if lane is None:
            lane = self._lanes[entry.lane] = _LaneEntries(deque())
        lane.entries.append(entry)
        lane.size += entry.size(self._gathering.sizer)
        self._schedule(entry.lane, lane)

    async def take(self) -> list[Entry]:
        """The next group, oldest entry first; empty once the backlog is closed and nothing waits."""
        while not self._due:
            if self._closed:
                return []
            taker: asyncio.Future[None] = self._loop.create_future()
            self._takers.append(taker)
            try:
                await taker
            except asyncio.CancelledError:
                self._wake()  # the turn that this taker may have been given goes to the next
                raise
        key, _ = self._due.popitem(last=False)
        group = self._pop(key, self._lanes[key])
        if self._due:
            self._wake()
        return group

    def release(self, group: Sequence[Entry]) -> None:
        """The entries are done with; there is room for others."""
        for entry in group:
            self._count(entry, -1)
        self._space.set()

    def entries(self) -> Iterator[Entry]:
        """Those that nobody has taken."""
        for lane in self._lanes.values():
            yield from lane.entries

    def close(self, *, drain: bool) -> None:
        """Takers get nothing any more; with `drain` only once they have taken all that waits."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if not drain:
            self._due.clear()
            self._waiting.clear()
        for key in list(self._waiting):
            self._make_due(key)
        while self._takers:
            self._wake()

    def _count(self, entry: Entry, sign: int) -> None:
        self.size += sign * entry.size(self._limits.sizer)
        self.items += sign * entry.items
        self.bytes += sign * entry.bytes

    def _pop(self, key: Lane, lane: _LaneEntries) -> list[Entry]:
        """At least one entry: as many as `size_max` allows, or without one just enough for `size_min`."""
        gathering, entries = self._gathering, lane.entries
        group = [entries.popleft()]
        size = group[0].size(gathering.sizer)
        while entries and (gathering.size_max or size < gathering.size_min):
            more = entries[0].size(gathering.sizer)
            if gathering.size_max and size + more > gathering.size_max:
                break
            group.append(entries.popleft())
            size += more
        lane.size -= size
        if entries:
            self._schedule(key, lane)
        else:
            del self._lanes[key]
        return group

    def _schedule(self, key: Lane, lane: _LaneEntries) -> None:
        """The lane is due, or waits until it will be."""
        if key in self._due:
            return
        if self._closed or lane.size >= self._gathering.size_min:
            self._make_due(key)
        elif key not in self._waiting:
            self._waiting[key] = None
            self._set_timer()

    def _make_due(self, key: Lane) -> None:
        self._waiting.pop(key, None)
        self._due[key] = None
        self._wake()

    def _wake(self) -> None:
        while self._takers:
            taker = self._takers.popleft()
            if not taker.done():
                taker.set_result(None)
                return

    def _set_timer(self) -> None:
        """The lane that began to wait first will be due when its time is over."""
        if self._timer is None and self._waiting:
            oldest = self._lanes[next(iter(self._waiting))].entries[0]
            self._timer = self._loop.call_at(oldest.arrived_s + self._gathering.wait_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        since_s = self._loop.time() - self._gathering.wait_s
        for key in list(self._waiting):
            if self._lanes[key].entries[0].arrived_s > since_s:
                break
            self._make_due(key)
        self._set_timer()


@dataclass(slots=True)
class _LaneEntries:
    """The entries of one lane that nobody has taken, and their size as the gathering counts."""

    entries: deque[Entry]
    size: int = 0


def combine(batches: Sequence[Batch], gathering: Gathering | None) -> list[Batch]:
    """The batches of one lane as one, or as several when that is larger than `gathering` allows."""
    if not batches:
        return []
    whole = merge(batches)
    size = whole.items if gathering is None or gathering.sizer == "items" else len(whole.wire)
    if gathering is None or not gathering.size_max or size <= gathering.size_max:
        return [whole]
    try:
        return split(whole, max(1, whole.items * gathering.size_max // size))
    except (WireError, LimitError):
        return [whole]  # its envelopes weigh so much that the pieces would be many times as large
