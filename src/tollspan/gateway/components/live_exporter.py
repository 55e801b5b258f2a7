"""Shows what arrives to whoever is watching.

exporters:
  live:
    store: store
"""

from __future__ import annotations

from typing import Annotated, cast

import msgspec

from tollspan.collector.component import Factory, Host, Kind, Receipt, Reference
from tollspan.gateway.live.hub import HubOwner
from tollspan.otlp.batch import Batch


class LiveConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`store` is the id of the extension that has the hub."""

    store: Annotated[str, Reference(HubOwner)]


class LiveExporter:
    """Takes every batch, and keeps it only while a watcher has not read it."""

    observer = True

    def __init__(self, config: LiveConfig) -> None:
        self._config = config

    async def start(self, host: Host) -> None:
        """The hub is there."""
        self._hub = cast(HubOwner, host.extension(self._config.store)).hub

    async def shutdown(self) -> None:
        """Nothing is held."""

    async def consume(self, batch: Batch) -> Receipt:
        """The batch is before everyone who watches its tenant and dataset."""
        self._hub.publish(batch)
        return Receipt()


FACTORY = Factory(
    kind=Kind.EXPORTER,
    type="live",
    config=LiveConfig,
    build=LiveExporter,
)
