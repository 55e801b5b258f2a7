"""Log records, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from tollspan.gateway.query import attributes
from tollspan.gateway.query.attribute_filter import ANY, AttributeFilter
from tollspan.gateway.query.attributes import Attributes, Value
from tollspan.gateway.query.newest_first import find_page, next_cursor, read_cursor
from tollspan.gateway.query.origins import InstrumentationScope, Origin, Resource, find_origins
from tollspan.gateway.query.time_range import ALWAYS, TimeRange
from tollspan.gateway.storage.attribute_conditions import OF_OTHER_ITEMS
from tollspan.gateway.storage.engine import Row
from tollspan.gateway.storage.item_columns import UNITS
from tollspan.gateway.storage.store import View

NO_TRACE, NO_SPAN = "0" * 32, "0" * 16

# What needs no reading: fields of LogRecord that are columns of the answer.
_AS_STORED = (
    "moment_unix_nano",
    "time_unix_nano",
    "observed_time_unix_nano",
    "service",
    "severity_number",
    "severity_text",
    "event_name",
    "flags",
    "dropped_attributes",
)


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which log records to list: those of the service, unit, trace and span (empty: any).

    They are at least as severe as `severity_min` (0: any) and have all `attributes`, and `text` is
    in their body, in upper or lower case. In a body that is a map or list, it is looked for in
    each string.
    """

    time_range: TimeRange = ALWAYS
    service: str = ""
    unit: str = ""
    trace_id: str = ""
    span_id: str = ""
    severity_min: int = 0
    text: str = ""
    attributes: AttributeFilter = ANY

    def parameters(self) -> dict[str, Any]:
        """The parameters of the statement about such records, without its time."""
        return {
            "service": self.service,
            "unit": self.unit,
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "severity_min": self.severity_min,
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A log record as it was sent; trace and span are None when it is linked to none.

    `moment_unix_nano` is its place in the list: its own time, else when it was observed, else
    when it was received.
    """

    moment_unix_nano: int
    time_unix_nano: int
    observed_time_unix_nano: int
    service: str
    severity_number: int
    severity_text: str
    body: Value
    event_name: str
    trace_id: str | None
    span_id: str | None
    flags: int
    unit: str | None
    parent_unit: str | None
    attributes: Attributes
    resource: Resource
    instrumentation_scope: InstrumentationScope
    dropped_attributes: int


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some records, newest first. `next_cursor` asks for those after them; None when there are none."""

    records: list[LogRecord]
    next_cursor: str | None


async def find_logs(view: View, query: LogQuery, *, limit: int, cursor: str | None = None) -> LogPage:
    """The first `limit` records, or those after `cursor`. QueryError for a cursor that was not given out."""
    after = read_cursor(cursor)
    narrowed = await query.attributes.narrow(view, OF_OTHER_ITEMS)
    ask = partial(narrowed.rows, "find_log_records", **query.parameters())
    rows = await find_page(ask, query.time_range, after=after, limit=limit)
    origins = await find_origins(view, rows)
    records = [_record(row, origin) for row, origin in zip(rows, origins, strict=True)]
    moments = [record.moment_unix_nano for record in records]
    return LogPage(records, next_cursor(moments, after=after, limit=limit))


def _record(row: Row, origin: Origin) -> LogRecord:
    return LogRecord(
        **{name: row[name] for name in _AS_STORED},
        body=attributes.read_cell(row["body_type"], row["body_number"], bytes.fromhex(row["body_text"])),
        trace_id=None if row["trace_id"] == NO_TRACE else row["trace_id"],
        span_id=None if row["span_id"] == NO_SPAN else row["span_id"],
        unit=row["unit"] or None,
        parent_unit=row["parent_unit"] or None,
        attributes=attributes.merge_item(row, UNITS),
        resource=origin.resource,
        instrumentation_scope=origin.instrumentation_scope,
    )
