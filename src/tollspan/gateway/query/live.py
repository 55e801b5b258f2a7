"""Spans while they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from tollspan.errors import LimitError, WireError
from tollspan.gateway.live.hub import Subscription
from tollspan.gateway.storage._native import Attributes, Rows
from tollspan.gateway.storage.envelopes import service_names
from tollspan.gateway.storage.span_block import PROMOTED
from tollspan.otlp import _decode
from tollspan.otlp._columns import Table
from tollspan.otlp.batch import Batch

# More than this, or more often, is more than anyone can follow.
SPANS_MAX = 500
INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True)
class LiveSpan:
    """A span as it arrived. Ids are lower-case hexadecimal."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    service: str
    start_unix_nano: int
    duration_nano: int
    status: int
    unit: str | None


@dataclass(frozen=True, slots=True)
class LiveSpans:
    """Spans in the order of their arrival; `dropped` others were skipped."""

    spans: list[LiveSpan]
    dropped: int


async def watch(subscription: Subscription, *, service: str = "", unit: str = "") -> AsyncIterator[LiveSpans]:
    """The spans of a service and a unit (empty: any) as they arrive, at most SPANS_MAX each INTERVAL_S."""
    async for arrived in subscription:
        live = await asyncio.to_thread(_read, arrived.batches, service, unit)
        if live.spans or live.dropped or arrived.dropped:
            yield LiveSpans(live.spans, live.dropped + arrived.dropped)
            await asyncio.sleep(INTERVAL_S)


def _read(batches: Sequence[Batch], service: str, unit: str) -> LiveSpans:
    """The newest SPANS_MAX of the spans that are wanted. What cannot be decoded is not stored either."""
    wanted: list[tuple[_Spans, int]] = []
    for batch in batches:
        try:
            spans = _Spans(_decode.decode(batch.signal.value, batch.wire).tables)
        except (WireError, LimitError):
            continue
        wanted += [(spans, row) for row in spans.rows(service.encode(), unit.encode())]
    return LiveSpans([spans[row] for spans, row in wanted[-SPANS_MAX:]], max(0, len(wanted) - SPANS_MAX))


class _Spans:
    """Decoded spans, of which only those that are asked for become objects."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._columns = tables["spans"].columns
        self._services = service_names(tables)
        every = Rows.every(tables["spans"].rows)
        attributes = Attributes(tables["span_attributes"], self._columns["attributes"], every)
        texts = [attributes.texts(key.encode()) for key in PROMOTED["unit"]]
        self._units = [next(filter(None, found), b"") for found in zip(*texts, strict=True)]

    def rows(self, service: bytes, unit: bytes) -> list[int]:
        """The rows of that service and that unit; empty stands for any."""
        return [
            row
            for row, (resource, own_unit) in enumerate(
                zip(self._columns["resource"], self._units, strict=True)
            )
            if (not service or self._services[resource] == service) and (not unit or own_unit == unit)
        ]

    def __getitem__(self, row: int) -> LiveSpan:
        cells = self._columns
        start = cells["start_unix_nano"][row]
        parent = cells["parent_span_id"][row]
        return LiveSpan(
            trace_id=cells["trace_id"][row].hex(),
            span_id=cells["span_id"][row].hex(),
            parent_span_id=parent.hex() if any(parent) else None,
            name=cells["name"][row].decode(),
            service=self._services[cells["resource"][row]].decode(),
            start_unix_nano=start,
            duration_nano=max(0, cells["end_unix_nano"][row] - start),
            status=cells["status_code"][row],
            unit=self._units[row].decode() or None,
        )
