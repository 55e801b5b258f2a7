"""The component: its settings, and the requests that it makes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from tollspan.collector.component import Factory, Host, Kind, Receipt
from tollspan.collector.compression import Compression
from tollspan.collector.config.values import Duration, Parsed
from tollspan.collector.exporters.prometheus_remote_write.series import Style, translate
from tollspan.collector.exporters.prometheus_remote_write.write_request import HEADERS, build_requests
from tollspan.collector.http_client import parse_url
from tollspan.collector.http_destination import (
    HTTPDestination,
    HTTPDestinationConfig,
    require_success,
    user_agent,
)
from tollspan.collector.sender import Sender
from tollspan.collector.sender_config import Positive, QueueConfig, RetryConfig
from tollspan.errors import ConfigError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal


class RemoteWriteQueueConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`remote_write_queue`."""

    enabled: bool = True
    queue_size: Positive = 10_000


class ResourceConversionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`resource_to_telemetry_conversion`."""

    enabled: bool = False
    exclude_service_attributes: bool = False


class TargetInfoConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`target_info`."""

    enabled: bool = True


class RemoteWriteConfig(HTTPDestinationConfig, frozen=True, kw_only=True):
    """`exporters::prometheus_remote_write`."""

    endpoint: Annotated[str, Parsed(parse_url)]
    namespace: str = ""
    external_labels: dict[str, str] = msgspec.field(default_factory=dict)
    compression: Compression = "snappy"
    timeout_s: Duration = msgspec.field(default=5.0, name="timeout")
    retry_on_failure: RetryConfig = RetryConfig(initial_interval_s=0.05)
    remote_write_queue: RemoteWriteQueueConfig = RemoteWriteQueueConfig()
    body_bytes_max: Positive = msgspec.field(default=3_000_000, name="max_batch_size_bytes")
    resource_to_telemetry_conversion: ResourceConversionConfig = ResourceConversionConfig()
    target_info: TargetInfoConfig = TargetInfoConfig()
    disable_scope_info: bool = False
    add_metric_suffixes: bool = True
    translation_strategy: Literal[
        "", "UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes"
    ] = ""

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        yield from super().problems()
        if self.compression != "snappy":
            yield ConfigError("compression", "compression type must be snappy")

    def style(self) -> Style:
        """The same for `translate`."""
        suffixes = self.add_metric_suffixes and not self.translation_strategy.endswith("WithoutSuffixes")
        return Style(
            namespace=self.namespace,
            suffixes=suffixes,
            external_labels=self.external_labels,
            resource_labels=self.resource_to_telemetry_conversion.enabled,
            service_labels=not self.resource_to_telemetry_conversion.exclude_service_attributes,
            target_info=self.target_info.enabled,
            scope_labels=not self.disable_scope_info,
        )


class RemoteWriteDestination:
    """Posts remote write requests."""

    def __init__(self, config: RemoteWriteConfig) -> None:
        self._config = config
        self._style = config.style()
        self._destination = HTTPDestination(config)

    async def start(self, host: Host) -> None:
        """Requests can be made."""
        self._destination.open(host, self._config.endpoint)

    async def shutdown(self) -> None:
        """No connection is left."""
        await self._destination.close()

    async def send(self, batch: Batch) -> Receipt:
        """As Destination.send. A batch that is sent again repeats samples, which Prometheus takes as one."""
        translation = await asyncio.to_thread(translate, batch.wire, self._style)
        for body in build_requests(translation.samples, self._config.body_bytes_max):
            headers = {**HEADERS, "User-Agent": user_agent()}
            require_success(await self._destination.post(self._config.endpoint, headers, body))
        return Receipt(translation.rejected, translation.reason)


def build(config: RemoteWriteConfig) -> Sender:
    """The exporter, with a queue that keeps the order of samples."""
    queue = msgspec.structs.replace(config.sending_queue, num_consumers=1)
    if queue == QueueConfig(num_consumers=1):
        ours = config.remote_write_queue
        queue = QueueConfig(enabled=ours.enabled, queue_size=ours.queue_size, num_consumers=1)
    return Sender(msgspec.structs.replace(config, sending_queue=queue), RemoteWriteDestination(config))


FACTORY = Factory(
    kind=Kind.EXPORTER,
    type="prometheus_remote_write",
    config=RemoteWriteConfig,
    build=build,
    signals=frozenset({Signal.METRICS}),
    old_names=("prometheusremotewrite",),
)
