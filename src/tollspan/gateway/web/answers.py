"""What the API under /api/v1 answers, as its OpenAPI describes it.

Times are Unix nanoseconds in decimal strings, and amounts billionths of a currency, because JSON
readers lose digits beyond 2**53; durations are numbers of nanoseconds. Ids are lower-case hexadecimal.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

JSONValue = Any
"""A string, number, boolean, array, object or null.

Integers beyond ±2**53 are decimal strings; bytes are `{"bytes": "<base64>"}`.
"""


class Cost(BaseModel):
    """An amount in billionths of the currency, in a decimal string."""

    currency: str
    amount_nano: str


class TraceSummary(BaseModel):
    """One row of the trace list. `costs` are what the spans report, by currency."""

    trace_id: str
    root_name: str
    root_service: str
    start_unix_nano: str
    duration_nano: int
    spans: int
    errors: int
    services: list[str]
    unit: str | None
    parent_unit: str | None
    costs: list[Cost]


class TracePage(BaseModel):
    """Traces, newest first; `next_cursor` asks for the ones after them."""

    data: list[TraceSummary]
    next_cursor: str | None


class SpanColumns(BaseModel):
    """One array per field, one place per span; `service`, `name` and `unit` index the trace's lists."""

    span_id: list[str]
    parent: list[int]
    service: list[int]
    name: list[int]
    kind: list[int]
    status: list[int]
    offset_nano: list[int]
    duration_nano: list[int]
    unit: list[int]
    events: list[int]


class Trace(BaseModel):
    """A whole trace in columns, its spans by start.

    `parent` is the row of the parent, or -1. The rows whose parent is named but not
    there are in `orphans`. `unit` is -1 where a span has none.
    """

    trace_id: str
    start_unix_nano: str
    duration_nano: int
    services: list[str]
    names: list[str]
    units: list[str]
    spans: SpanColumns
    orphans: list[int]


class Resource(BaseModel):
    """What sent the item; its sender left `dropped_attributes` out."""

    attributes: dict[str, JSONValue]
    schema_url: str
    dropped_attributes: int


class InstrumentationScope(BaseModel):
    """What made the item, within its process."""

    name: str
    version: str
    attributes: dict[str, JSONValue]
    schema_url: str
    dropped_attributes: int


class SpanEvent(BaseModel):
    """Something that happened during the span."""

    name: str
    time_unix_nano: str
    attributes: dict[str, JSONValue]
    dropped_attributes: int


class SpanLink(BaseModel):
    """A span elsewhere that this one belongs with."""

    trace_id: str
    span_id: str
    trace_state: str
    flags: int
    attributes: dict[str, JSONValue]
    dropped_attributes: int


class Dropped(BaseModel):
    """How many of each the sender left out."""

    attributes: int
    events: int
    links: int


class Span(BaseModel):
    """Everything that is stored of one span."""

    span_id: str
    parent_span_id: str | None
    name: str
    service: str
    kind: int
    status: int
    status_message: str
    start_unix_nano: str
    duration_nano: int
    unit: str | None
    parent_unit: str | None
    trace_state: str
    flags: int
    attributes: dict[str, JSONValue]
    resource: Resource
    instrumentation_scope: InstrumentationScope
    events: list[SpanEvent]
    links: list[SpanLink]
    dropped: Dropped


class ServiceSummary(BaseModel):
    """One service and what it sent in the asked time."""

    name: str
    spans: int
    errors: int


class Services(BaseModel):
    """The services that sent something in the asked time."""

    data: list[ServiceSummary]


class LiveSpan(BaseModel):
    """A span as it arrived."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    service: str
    start_unix_nano: str
    duration_nano: int
    status: int
    unit: str | None


class LiveSpans(BaseModel):
    """The data of one `spans` event; `dropped` spans before these were skipped: the reader was too slow."""

    spans: list[LiveSpan]
    dropped: int


class LiveLogRecord(BaseModel):
    """A log record as it arrived."""

    time_unix_nano: str
    service: str
    severity_number: int
    severity_text: str
    body: JSONValue
    event_name: str
    trace_id: str | None
    span_id: str | None
    unit: str | None


class LiveLogs(BaseModel):
    """The data of one `logs` event; `dropped` records before these were skipped: the reader was too slow."""

    records: list[LiveLogRecord]
    dropped: int
