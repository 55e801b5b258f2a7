"""What can be set for every exporter that sends over a network: `timeout`, retries, its queue.

An exporter's configuration inherits `SenderConfig`, so the keys stand beside its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from tollspan.collector.backlog import NO_BOUND, Gathering, Limits, Sizer
from tollspan.collector.component import Reference
from tollspan.collector.config.values import Duration
from tollspan.collector.queue_store import Storage
from tollspan.errors import ConfigError

MEMORY_BYTES_MAX = 256 << 20
"""A queue in memory holds no more than this, whatever else is set; with `sizer: bytes` the size decides."""

ELAPSED_MAX_S = 300.0
"""How long a batch in memory is tried where `max_elapsed_time` is not set."""

Positive = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[int, msgspec.Meta(ge=0)]


class RetryConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`retry_on_failure`. `max_elapsed_time` 0 means for ever; waiting for an access token does not count.

    Where it is not set, a batch on disk stays until it is delivered, and one in memory
    ELAPSED_MAX_S.
    """

    enabled: bool = True
    initial_interval_s: Duration = msgspec.field(default=5.0, name="initial_interval")
    randomization_factor: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    multiplier: Annotated[float, msgspec.Meta(ge=0)] = 1.5
    max_interval_s: Duration = msgspec.field(default=30.0, name="max_interval")
    max_elapsed_s: Duration | None = msgspec.field(default=None, name="max_elapsed_time")

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if 0 < (self.max_elapsed_s or 0) < max(self.initial_interval_s, self.max_interval_s):
            yield ConfigError("max_elapsed_time", "must not be less than initial_interval or max_interval")


class GatheringConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`sending_queue::batch`: what waits is sent together."""

    flush_timeout_s: Duration = msgspec.field(default=0.2, name="flush_timeout")
    min_size: NotNegative = 8192
    max_size: NotNegative = 0
    sizer: Literal["items", "bytes"] = "items"

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if not self.flush_timeout_s:
            yield ConfigError("flush_timeout", "must be more than 0")
        if 0 < self.max_size < self.min_size:
            yield ConfigError("max_size", "must not be less than min_size")

    def gathering(self) -> Gathering:
        """The same for a Backlog."""
        return Gathering(self.min_size, self.max_size, self.flush_timeout_s, self.sizer)


class QueueConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`sending_queue`. With `storage`, the id of a storage extension, it is on disk."""

    enabled: bool = True
    num_consumers: Positive = 10
    queue_size: Positive = 1000
    sizer: Sizer = "requests"
    block_on_overflow: bool = False
    wait_for_result: bool = False
    storage: Annotated[str, Reference(Storage)] | None = None
    batch: GatheringConfig | None = None

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if self.storage is not None and self.wait_for_result:
            yield ConfigError("wait_for_result", "is not supported together with storage")
        if (
            self.batch is not None
            and self.batch.sizer == self.sizer
            and self.batch.min_size > self.queue_size
        ):
            yield ConfigError("batch::min_size", "must not be more than queue_size")

    @property
    def durable(self) -> bool:
        """Whether what was taken outlives the process."""
        return self.enabled and self.storage is not None

    def gathering(self) -> Gathering | None:
        """How what waits is sent together, if it is."""
        return self.batch.gathering() if self.batch else None

    def limits(self) -> Limits:
        """The same for a Backlog."""
        in_memory = self.storage is None and self.sizer != "bytes"
        bytes_max = MEMORY_BYTES_MAX if in_memory else NO_BOUND
        return Limits(self.queue_size, self.sizer, bytes_max, self.block_on_overflow)


class SenderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that a sending exporter shares with all others. `timeout` is for one attempt; 0 means none."""

    timeout_s: Duration = msgspec.field(default=5.0, name="timeout")
    retry_on_failure: RetryConfig = RetryConfig()
    sending_queue: QueueConfig = QueueConfig()

    @property
    def elapsed_max_s(self) -> float:
        """For how long a batch is tried; 0 means for ever."""
        chosen_s = self.retry_on_failure.max_elapsed_s
        if chosen_s is None:
            return 0.0 if self.sending_queue.durable else ELAPSED_MAX_S
        return chosen_s
