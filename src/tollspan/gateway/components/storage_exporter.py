"""Stores what arrives.

exporters:
  storage:
    store: store
"""

from __future__ import annotations

from typing import Annotated, cast

import msgspec

from tollspan.collector.component import Factory, Host, Kind, Receipt, Reference
from tollspan.collector.events import ITEM_NAMES
from tollspan.errors import RetryableError, StoreError
from tollspan.gateway.storage.store import StoreOwner
from tollspan.otlp.batch import Batch

RETRY_AFTER_S = 5.0


class StorageConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`store` is the id of the extension that has the store open."""

    store: Annotated[str, Reference(StoreOwner)]


class StorageExporter:
    """Answers when a batch is durable."""

    durable = True

    def __init__(self, config: StorageConfig) -> None:
        self._config = config

    async def start(self, host: Host) -> None:
        """The store is open."""
        self._store = cast(StoreOwner, host.extension(self._config.store)).store
        self._counters, self._component_id = host.counters, host.component_id

    async def shutdown(self) -> None:
        """Nothing is held: what was taken has been answered."""

    async def consume(self, batch: Batch) -> Receipt:
        """The sound items of the batch are durable and can be queried, once, however often they are sent."""
        try:
            receipt = await self._store.write(batch)
        except StoreError as error:
            raise RetryableError(str(error), after_s=RETRY_AFTER_S) from error
        account = self._counters.ledger.account(batch.lane)
        account.stored += batch.items - receipt.rejected
        account.refused["rejected"] += receipt.rejected
        name = f"otelcol_exporter_sent_{ITEM_NAMES[batch.signal]}"
        self._counters.add(name, batch.items - receipt.rejected, exporter=self._component_id)
        return receipt


FACTORY = Factory(
    kind=Kind.EXPORTER,
    type="storage",
    config=StorageConfig,
    build=StorageExporter,
)
