"""Spans with everything that is stored of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tollspan.gateway.query import attributes
from tollspan.gateway.query.attributes import Attributes
from tollspan.gateway.query.origins import InstrumentationScope, Origin, Resource, find_origins
from tollspan.gateway.query.time_range import ALWAYS, TimeRange
from tollspan.gateway.query.trace_slots import find_trace_slots
from tollspan.gateway.storage.engine import Parameter, Row
from tollspan.gateway.storage.span_block import PROMOTED
from tollspan.gateway.storage.store import View

TRACE_SPANS_MAX = 10_000
NO_SPAN = "0" * 16


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened during the span."""

    name: str
    time_unix_nano: int
    attributes: Attributes
    dropped_attributes: int


@dataclass(frozen=True, slots=True)
class SpanLink:
    """Another span that this one belongs with."""

    trace_id: str
    span_id: str
    trace_state: str
    flags: int
    attributes: Attributes
    dropped_attributes: int


@dataclass(frozen=True, slots=True)
class Span:
    """A span as it was sent. Ids are lower-case hexadecimal; the parent of a root span is None.

    `duration_nano` is negative in a span that says it ended before it started.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    service: str
    kind: int
    status_code: int
    status_message: str
    start_unix_nano: int
    duration_nano: int
    unit: str | None
    parent_unit: str | None
    trace_state: str
    flags: int
    attributes: Attributes
    resource: Resource
    instrumentation_scope: InstrumentationScope
    events: tuple[SpanEvent, ...]
    links: tuple[SpanLink, ...]
    dropped_attributes: int
    dropped_events: int
    dropped_links: int


# What needs no reading: fields of Span that are columns of the answer.
_AS_STORED = (
    "trace_id",
    "span_id",
    "name",
    "service",
    "kind",
    "status_code",
    "status_message",
    "start_unix_nano",
    "duration_nano",
    "trace_state",
    "flags",
    "dropped_attributes",
    "dropped_events",
    "dropped_links",
)


@dataclass(frozen=True, slots=True)
class SpanPage:
    """One page of spans, newest first; `total` counts those on all pages."""

    spans: list[Span]
    total: int


async def live_spans(view: View, time_range: TimeRange, *, page: int, limit: int) -> SpanPage:
    """Page number `page`, from 1, of the spans in `time_range`."""
    bounds = time_range.parameters()
    [counted] = await view.rows("count_spans", **bounds)
    offset = (page - 1) * limit
    spans = await _find(view, trace_id="", slots=[], span_id="", limit=limit, offset=offset, **bounds)
    return SpanPage(spans, counted["spans"])


async def trace_spans(
    view: View, trace_id: str, *, span_id: str = "", time_range: TimeRange = ALWAYS
) -> list[Span]:
    """The newest TRACE_SPANS_MAX spans of a trace, or those with `span_id`; maybe none."""
    return await _find_in_trace(view, trace_id, span_id, TRACE_SPANS_MAX, time_range)


async def get_span(view: View, trace_id: str, span_id: str) -> Span | None:
    """The span, or None. Of several with the same id, the newest."""
    spans = await _find_in_trace(view, trace_id, span_id, 1, ALWAYS)
    return spans[0] if spans else None


async def _find_in_trace(
    view: View, trace_id: str, span_id: str, limit: int, time_range: TimeRange
) -> list[Span]:
    slots = await find_trace_slots(view, [trace_id])
    if not slots:
        return []
    bounds = time_range.parameters()
    return await _find(view, trace_id=trace_id, slots=slots, span_id=span_id, limit=limit, offset=0, **bounds)


async def _find(view: View, **parameters: Parameter) -> list[Span]:
    rows = await view.rows("find_spans", **parameters)
    origins = await find_origins(view, rows)
    return [_span(row, origin) for row, origin in zip(rows, origins, strict=True)]


def _span(row: Row, origin: Origin) -> Span:
    return Span(
        **{name: row[name] for name in _AS_STORED},
        parent_span_id=None if row["parent_span_id"] == NO_SPAN else row["parent_span_id"],
        unit=row["unit"] or None,
        parent_unit=row["parent_unit"] or None,
        attributes=attributes.merge_item(row, PROMOTED),
        resource=origin.resource,
        instrumentation_scope=origin.instrumentation_scope,
        events=tuple(_events(row)),
        links=tuple(_links(row)),
    )


def _events(row: Row) -> Iterator[SpanEvent]:
    columns = ("name", "time_unix_nano", "attributes_string", "attributes_other", "dropped_attributes")
    for name, time, strings, others, dropped in zip(
        *(row[f"events.{column}"] for column in columns), strict=True
    ):
        yield SpanEvent(name, time, attributes.merge_nested(strings, others), dropped)


def _links(row: Row) -> Iterator[SpanLink]:
    columns = (
        "trace_id",
        "span_id",
        "trace_state",
        "flags",
        "attributes_string",
        "attributes_other",
        "dropped_attributes",
    )
    for trace_id, span_id, state, flags, strings, others, dropped in zip(
        *(row[f"links.{column}"] for column in columns), strict=True
    ):
        yield SpanLink(trace_id, span_id, state, flags, attributes.merge_nested(strings, others), dropped)
