"""Writes what arrives to the log, to see what a pipeline does.

    exporters:
      debug:
        verbosity: detailed

`basic` counts what is in a batch, `normal` adds whose it is, `detailed` the batch itself as OTLP/JSON.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import structlog

from tollspan.collector.component import Factory, Host, Kind, Receipt
from tollspan.collector.events import count_sent
from tollspan.otlp.batch import Batch
from tollspan.otlp.json_mapping import wire_to_json

_log = structlog.get_logger()


class DebugConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`exporters::debug`."""

    verbosity: Literal["basic", "normal", "detailed"] = "basic"


class DebugExporter:
    """Takes every batch and keeps none."""

    def __init__(self, config: DebugConfig) -> None:
        self._verbosity = config.verbosity

    async def start(self, host: Host) -> None:
        """The log lines and counters will carry the component's id."""
        self._counters, self._component_id = host.counters, host.component_id

    async def shutdown(self) -> None:
        """Nothing is held."""

    async def consume(self, batch: Batch) -> Receipt:
        """The batch is in the log; WireError when it is to be shown in detail and can't be read."""
        facts: dict[str, object] = {"items": batch.items, "bytes": len(batch.wire)}
        if self._verbosity != "basic":
            facts |= {"tenant": batch.tenant, "dataset": batch.dataset}
        if self._verbosity == "detailed":
            facts["data"] = wire_to_json(batch.signal, batch.wire).decode()
        _log.info("batch_received", exporter=self._component_id, signal=batch.signal.value, **facts)
        count_sent(self._counters, self._component_id, batch, batch.items)
        return Receipt()


FACTORY = Factory(kind=Kind.EXPORTER, type="debug", config=DebugConfig, build=DebugExporter)
