"""Spans and log records while they arrive."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tollspan.errors import LimitError, WireError
from tollspan.gateway.live.hub import Subscription
from tollspan.gateway.query.attributes import Value, read_cell
from tollspan.gateway.storage._native import Attributes, Rows
from tollspan.gateway.storage.envelopes import service_names
from tollspan.gateway.storage.item_columns import UNITS
from tollspan.otlp import _decode
from tollspan.otlp._columns import Table
from tollspan.otlp.batch import Batch

# More than this, or more often, is more than anyone can follow.
ITEMS_MAX = 500
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


@dataclass(frozen=True, slots=True)
class LiveLogRecord:
    """A log record as it arrived; `time_unix_nano` is when it was observed, when its own is unknown."""

    time_unix_nano: int
    service: str
    severity_number: int
    severity_text: str
    body: Value
    event_name: str
    trace_id: str | None
    span_id: str | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class LiveLogs:
    """Log records in the order of their arrival; `dropped` others were skipped."""

    records: list[LiveLogRecord]
    dropped: int


Item = TypeVar("Item", LiveSpan, LiveLogRecord)


async def watch(subscription: Subscription, *, service: str = "", unit: str = "") -> AsyncIterator[LiveSpans]:
    """The spans of a service and a unit (empty: any) as they arrive, at most SPANS_MAX each INTERVAL_S."""
    async for spans, dropped in _follow(subscription, _Spans, service, unit):
        yield LiveSpans(spans, dropped)


async def watch_logs(
    subscription: Subscription, *, service: str = "", unit: str = ""
) -> AsyncIterator[LiveLogs]:
    """The log records of a service and a unit, in the same way."""
    async for records, dropped in _follow(subscription, _LogRecords, service, unit):
        yield LiveLogs(records, dropped)


async def _follow(
    subscription: Subscription, build: Callable[[Mapping[str, Table]], _Items[Item]], service: str, unit: str
) -> AsyncIterator[tuple[list[Item], int]]:
    """What is wanted, and how much of what arrived before it was skipped."""
    async for arrived in subscription:
        items, dropped = await asyncio.to_thread(_read, arrived.batches, build, service, unit)
        if items or dropped or arrived.dropped:
            yield items, dropped + arrived.dropped
            await asyncio.sleep(INTERVAL_S)


def _read(
    batches: Sequence[Batch], build: Callable[[Mapping[str, Table]], _Items[Item]], service: str, unit: str
) -> tuple[list[Item], int]:
    """The newest ITEMS_MAX that are wanted, and how many more were. What cannot be decoded is not stored."""
    wanted: list[tuple[_Items[Item], int]] = []
    for batch in batches:
        try:
            items = build(_decode.decode(batch.signal.value, batch.wire).tables)
        except (WireError, LimitError):
            continue
        wanted += [(items, row) for row in items.rows(service.encode(), unit.encode())]
    return [items[row] for items, row in wanted[-ITEMS_MAX:]], max(0, len(wanted) - ITEMS_MAX)


class _Items(ABC, Generic[Item]):
    """Decoded items, of which only those that are asked for become objects."""

    def __init__(self, tables: Mapping[str, Table], name: str) -> None:
        self._columns = tables[f"{name}s"].columns
        self._services = service_names(tables)
        every = Rows.every(tables[f"{name}s"].rows)
        attributes = Attributes(tables[f"{name}_attributes"], self._columns["attributes"], every)
        texts = [attributes.texts(key.encode()) for key in UNITS["unit"]]
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

    @abstractmethod
    def __getitem__(self, row: int) -> Item: ...


class _Spans(_Items[LiveSpan]):
    def __init__(self, tables: Mapping[str, Table]) -> None:
        super().__init__(tables, "span")

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


class _LogRecords(_Items[LiveLogRecord]):
    def __init__(self, tables: Mapping[str, Table]) -> None:
        super().__init__(tables, "log_record")

    def __getitem__(self, row: int) -> LiveLogRecord:
        cells = self._columns
        trace_id, span_id = cells["trace_id"][row], cells["span_id"][row]
        return LiveLogRecord(
            time_unix_nano=cells["time_unix_nano"][row] or cells["observed_time_unix_nano"][row],
            service=self._services[cells["resource"][row]].decode(),
            severity_number=cells["severity_number"][row],
            severity_text=cells["severity_text"][row].decode(),
            body=read_cell(cells["body_type"][row], cells["body_number"][row], cells["body_text"][row]),
            event_name=cells["event_name"][row].decode(),
            trace_id=trace_id.hex() if any(trace_id) else None,
            span_id=span_id.hex() if any(span_id) else None,
            unit=self._units[row].decode() or None,
        )
