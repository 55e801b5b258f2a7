"""Refuses data while the process uses too much memory, so that clients hold it back.

    processors:
      memory_limiter:
        check_interval: 1s
        limit_mib: 1024
        spike_limit_mib: 256

It belongs first in a pipeline. Above the soft limit (`limit_mib` less `spike_limit_mib`)
every batch is refused with a wait for the client, and memory that is free already goes
back to the system; at the hard limit that is tried more often. What counts is the
resident memory of the whole process. Percentages are of the container's memory, or of the
machine's where there is no container.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import psutil
import structlog

from tollspan.collector.component import Consumer, Factory, Host, Kind, Receipt
from tollspan.collector.config.values import Duration
from tollspan.collector.events import ITEM_NAMES, ProcessorEvents
from tollspan.errors import ConfigError, RetryableError
from tollspan.otlp.batch import Batch

CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
SPIKE_SHARE = 0.2
"""The spike limit where none is set, as a share of the limit."""

_log = structlog.get_logger()

NotNegative = Annotated[int, msgspec.Meta(ge=0)]
Percentage = Annotated[int, msgspec.Meta(ge=0, le=100)]


class MemoryLimiterConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`processors::memory_limiter`; `limit_mib` goes before `limit_percentage`."""

    check_interval_s: Duration = msgspec.field(default=0.0, name="check_interval")
    limit_mib: NotNegative = 0
    spike_limit_mib: NotNegative = 0
    limit_percentage: Percentage = 0
    spike_limit_percentage: Percentage = 0
    soft_gc_interval_s: Duration = msgspec.field(default=10.0, name="min_gc_interval_when_soft_limited")
    hard_gc_interval_s: Duration = msgspec.field(default=0.0, name="min_gc_interval_when_hard_limited")

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if not self.check_interval_s:
            yield ConfigError("check_interval", "must be greater than zero", "write for example 1s")
        if not self.limit_mib and not self.limit_percentage:
            yield ConfigError("", "limit_mib or limit_percentage must be greater than zero")
        if self.limit_mib and self.spike_limit_mib >= self.limit_mib:
            yield ConfigError("spike_limit_mib", "must be smaller than limit_mib")
        if self.limit_percentage and self.spike_limit_percentage >= self.limit_percentage:
            yield ConfigError("spike_limit_percentage", "must be smaller than limit_percentage")

    def bytes_max(self, total: int) -> tuple[int, int]:
        """The soft and the hard limit, where percentages are of `total` bytes."""
        if self.limit_mib:
            hard, spike = self.limit_mib << 20, self.spike_limit_mib << 20
        else:
            hard, spike = (
                total * self.limit_percentage // 100,
                total * self.spike_limit_percentage // 100,
            )
        return hard - (spike or int(hard * SPIKE_SHARE)), hard


class MemoryLimiter:
    """See the module."""

    def __init__(self, config: MemoryLimiterConfig, consumer: Consumer) -> None:
        self._config = config
        self._consumer = consumer
        self._process = psutil.Process()
        self._soft, self._hard = config.bytes_max(total_memory())
        self._refusing = False
        self._trimmed_s = -float("inf")

    async def start(self, host: Host) -> None:
        """Memory is looked at now, and then at every interval."""
        self._events = ProcessorEvents(host.counters, host.component_id)
        self._check()
        self._clock = asyncio.create_task(self._keep_checking())

    async def shutdown(self) -> None:
        """Nothing is held."""
        self._clock.cancel()

    async def consume(self, batch: Batch) -> Receipt:
        """What the next consumer says; RetryableError while there is too little memory."""
        name = ITEM_NAMES[batch.signal]
        if self._refusing:
            self._events.count(f"memory_limiter_refused_{name}", batch.items)
            after_s = self._config.check_interval_s * (1 + random.random())  # noqa: S311 - no secret
            raise RetryableError("data refused due to high memory usage", after_s)
        receipt = await self._consumer.consume(batch)
        self._events.count(f"memory_limiter_accepted_{name}", batch.items)
        return receipt

    async def _keep_checking(self) -> None:
        while True:
            await asyncio.sleep(self._config.check_interval_s)
            self._check()

    def _check(self) -> None:
        used = self._process.memory_info().rss
        if used > self._soft and self._may_trim(used):
            trim_memory()
            used = self._process.memory_info().rss
        if (used > self._soft) is not self._refusing:
            self._refusing = used > self._soft
            event = "memory_limiter_refuses" if self._refusing else "memory_limiter_accepts_again"
            _log.warning(event, used_mib=used >> 20, limit_mib=self._soft >> 20)

    def _may_trim(self, used: int) -> bool:
        config, now_s = self._config, time.monotonic()
        interval_s = config.hard_gc_interval_s if used > self._hard else config.soft_gc_interval_s
        due = now_s - self._trimmed_s >= interval_s
        if due:
            self._trimmed_s = now_s
        return due


def total_memory() -> int:
    """The bytes that this container may use, or that the machine has."""
    total = psutil.virtual_memory().total
    for path in CGROUP_LIMITS:
        try:
            return min(total, int(Path(path).read_text()))
        except (OSError, ValueError):  # no such file, or it says "max"
            continue
    return total


def trim_memory() -> None:
    """Garbage is collected, and free memory is the system's again where the C library can do that."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


FACTORY = Factory(kind=Kind.PROCESSOR, type="memory_limiter", config=MemoryLimiterConfig, build=MemoryLimiter)
