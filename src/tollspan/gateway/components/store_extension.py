"""The telemetry store's life, and the live hub's.

    extensions:
      store:
        data_dir: ./tollspan-data
        retention:          # days after arrival; what is not named is kept for good
          traces_days: 30
          logs_days: 7
          datasets:
            shop: {traces_days: 90}

Exporters and pages refer to it by its id. The telemetry is in the folder `telemetry` of `data_dir`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from tollspan.collector.component import Factory, Host, Kind
from tollspan.errors import ConfigError
from tollspan.gateway.live.hub import Hub
from tollspan.gateway.storage.image_socket import ImageSocket
from tollspan.gateway.storage.store import TELEMETRY, Store
from tollspan.gateway.storage.upkeep import Retention
from tollspan.otlp.signals import Signal

Days = Annotated[int, msgspec.Meta(ge=1, le=36_500)]


class SignalDays(msgspec.Struct, frozen=True, kw_only=True):
    """How many days each signal is kept."""

    traces_days: Days | None = None
    metrics_days: Days | None = None
    logs_days: Days | None = None

    def by_signal(self) -> dict[Signal, int]:
        """Those that are set."""
        found = {signal: getattr(self, f"{signal.value}_days") for signal in Signal}
        return {signal: days for signal, days in found.items() if days is not None}


class RetentionConfig(SignalDays, frozen=True, kw_only=True):
    """`datasets` are those that differ from the rest."""

    datasets: dict[str, SignalDays] = {}

    def retention(self) -> Retention:
        """The same in the words of the store."""
        datasets = {name: days.by_signal() for name, days in self.datasets.items()}
        return Retention(self.by_signal(), datasets)


class StoreConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`extensions::store`. With a `url`, the telemetry is on that ClickHouse server."""

    data_dir: str
    url: str = ""
    retention: RetentionConfig = RetentionConfig()

    def problems(self) -> Iterator[ConfigError]:
        """What the types do not show."""
        if "?" in self.data_dir:
            yield ConfigError("data_dir", 'must not contain "?"', "chDB reads options behind it")
        if self.url and not _names_a_server(self.url):
            yield ConfigError(
                "url", "is not the URL of a ClickHouse server", "write clickhouse://host:8123/database"
            )


def _names_a_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"clickhouse", "clickhouses"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False


class StoreExtension:
    """Opens the store, and closes it after the last exporter has stopped."""

    def __init__(self, config: StoreConfig) -> None:
        self.store = Store(config.url or Path(config.data_dir) / TELEMETRY, config.retention.retention())
        self.hub = Hub()
        self._images = None if config.url else ImageSocket(self.store, Path(config.data_dir))

    async def start(self, host: Host) -> None:
        """The store is open; StoreError when another process has it, or it cannot be brought up to date."""
        await self.store.open()
        if self._images is not None:
            await self._images.open()

    async def shutdown(self) -> None:
        """Everything that was taken is written, and the folder is free."""
        if self._images is not None:
            await self._images.close()
        await self.store.close()


FACTORY = Factory(kind=Kind.EXTENSION, type="store", config=StoreConfig, build=StoreExtension)
