"""Hands batches to watchers while they arrive.

To publish costs next to nothing: a batch is put before each watcher of its tenant as it came, and
decoded by `query.live` when the watcher is ready for it. A watcher who is slower than the batches
misses some and is told how many items; the sender never waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

# What waits before one watcher; a larger batch is skipped, for every watcher would have to decode it.
WAITING_BYTES_MAX = 4 << 20


@dataclass(frozen=True, slots=True)
class Arrived:
    """Batches in the order of their arrival, and how many items were skipped before them."""

    batches: list[Batch]
    dropped: int


class Hub:
    """Where batches are published and watched. Everything happens on one event loop."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    @property
    def watchers(self) -> int:
        """How many are watching."""
        return len(self._subscriptions)

    def watchers_of(self, tenant: str) -> int:
        """How many of them watch that tenant."""
        return sum(subscription.tenant == tenant for subscription in self._subscriptions)

    def publish(self, batch: Batch) -> None:
        """Each watcher of the batch's tenant and dataset gets it, or counts its items as dropped."""
        for subscription in self._subscriptions:
            subscription.offer(batch)

    def subscribe(
        self, tenant: str, datasets: Collection[str] = (), signal: Signal = Signal.TRACES
    ) -> Subscription:
        """A watcher of a signal in these datasets of `tenant`, or in all when none are named."""
        subscription = Subscription(self._subscriptions, tenant, frozenset(datasets), signal)
        self._subscriptions.add(subscription)
        return subscription


class Subscription:
    """An endless asynchronous iterator of what has arrived; used as a context, it ends with it."""

    def __init__(
        self, subscriptions: set[Subscription], tenant: str, datasets: frozenset[str], signal: Signal
    ) -> None:
        self._subscriptions = subscriptions
        self.tenant = tenant
        self._datasets = datasets
        self._signal = signal
        self._waiting: deque[Batch] = deque()
        self._waiting_bytes = 0
        self._dropped = 0
        self._offered = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Arrived:
        """Everything since the last time, as soon as there is something."""
        await self._offered.wait()
        arrived = Arrived(list(self._waiting), self._dropped)
        self._waiting.clear()
        self._waiting_bytes = self._dropped = 0
        self._offered.clear()
        return arrived

    def offer(self, batch: Batch) -> None:
        """The batch waits to be read, when it is of the watched tenant, datasets and signal."""
        if (batch.tenant, batch.signal) != (self.tenant, self._signal):
            return
        if self._datasets and batch.dataset not in self._datasets:
            return
        self._waiting.append(batch)
        self._waiting_bytes += len(batch.wire)
        while self._waiting_bytes > WAITING_BYTES_MAX:
            skipped = self._waiting.popleft()
            self._waiting_bytes -= len(skipped.wire)
            self._dropped += skipped.items
        self._offered.set()

    def close(self) -> None:
        """Nothing more is offered."""
        self._subscriptions.discard(self)


@runtime_checkable
class HubOwner(Protocol):
    """An extension with a hub."""

    hub: Hub
