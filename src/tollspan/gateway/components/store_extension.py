"""The telemetry store's life, and the live hub's.

    extensions:
      store:
        data_dir: ./tollspan-data

Exporters and pages refer to it by its id. The telemetry is in the folder `telemetry` of `data_dir`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from tollspan.collector.component import Factory, Host, Kind
from tollspan.errors import ConfigError
from tollspan.gateway.live.hub import Hub
from tollspan.gateway.storage.store import Store


class StoreConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`extensions::store`."""

    data_dir: str

    def problems(self) -> Iterator[ConfigError]:
        """What the types do not show."""
        if "?" in self.data_dir:
            yield ConfigError("data_dir", 'must not contain "?"', "chDB reads options behind it")


class StoreExtension:
    """Opens the store, and closes it after the last exporter has stopped."""

    def __init__(self, config: StoreConfig) -> None:
        self.store = Store(Path(config.data_dir) / "telemetry")
        self.hub = Hub()

    async def start(self, host: Host) -> None:
        """The store is open; StoreError when another process has it, or it cannot be brought up to date."""
        await self.store.open()

    async def shutdown(self) -> None:
        """Everything that was taken is written, and the folder is free."""
        await self.store.close()


FACTORY = Factory(kind=Kind.EXTENSION, type="store", config=StoreConfig, build=StoreExtension)
