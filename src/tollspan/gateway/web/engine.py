"""Reads for clients of the Unomiq engine, in its requests and answers (as unomiq-sdk 0.1.1 has them).

Times are Unix nanoseconds as numbers here. What no price book knows costs 0.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from tollspan.gateway.query import spans, traces
from tollspan.gateway.query.spans import Span
from tollspan.gateway.query.time_range import NANO_MAX, TimeRange
from tollspan.gateway.query.traces import TraceQuery, TraceSummary
from tollspan.gateway.web.access import CallersView
from tollspan.gateway.web.engine_filter import read_filter
from tollspan.gateway.web.json_value import attributes_to_json
from tollspan.gateway.web.parameters import Instant, TraceId

SPAN_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")


class EngineTimes(BaseModel, extra="forbid"):
    """From `start_time` up to and without `end_time`."""

    start_time: Instant = 0
    end_time: Instant = NANO_MAX

    def time_range(self) -> TimeRange:
        """The same in the words of `query`."""
        return TimeRange(self.start_time, self.end_time)


class EnginePage(EngineTimes):
    """One page, counted from 1."""

    page: int = Field(1, ge=1, le=1_000_000)
    limit: int = Field(20, ge=1, le=100)


class EngineTraceParameters(EngineTimes):
    """Of one trace, all spans in this time, or the one with `span_id`."""

    span_id: str = Field("", pattern="^([0-9a-fA-F]{16})?$")


class EngineSearch(EnginePage):
    """Whether the filter is about any span of a trace, or its root alone."""

    search_child_spans: bool = False


class FilterBody(BaseModel, extra="forbid"):
    """A filter expression: see `engine_filter`."""

    filter: dict[str, Any] | None = None


class Pagination(BaseModel):
    """Which page this is, and how many entries all pages have together."""

    page: int
    limit: int
    total: int


class LiveSpan(BaseModel):
    """A span as the list of live spans shows it."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    span_name: str
    span_kind: str
    span_start_time_unix_nano: int
    span_end_time_unix_nano: int
    service_name: str
    resource_attributes: dict[str, Any]
    span_attributes: dict[str, Any]


class LiveSpans(BaseModel):
    """A page of spans, newest first."""

    data: list[LiveSpan]
    pagination: Pagination


class TraceSpan(LiveSpan):
    """A span as its trace shows it. `billing` and `usage` must not be null: they are left out."""

    duration_ms: float
    unit: str | None
    parent_unit: str | None
    cost: float


class RootTrace(BaseModel):
    """A trace summed up."""

    trace_id: str
    span_name: str
    duration_ms: float
    spans_count: int
    total_cost: float
    min_start_time_unix_nano: int
    service_name: str
    unit: str | None
    parent_unit: str | None


class RootTraces(BaseModel):
    """A page of traces, newest first."""

    data: list[RootTrace]
    pagination: Pagination


async def live_spans(view: CallersView, asked: Annotated[EnginePage, Query()]) -> LiveSpans:
    """List the spans of a time, newest first."""
    found = await spans.live_spans(view, asked.time_range(), page=asked.page, limit=asked.limit)
    data = [LiveSpan(**_live_fields(span)) for span in found.spans]
    return LiveSpans(data=data, pagination=_pagination(asked, found.total))


async def get_trace(
    view: CallersView, trace_id: TraceId, asked: Annotated[EngineTraceParameters, Query()]
) -> list[TraceSpan]:
    """List the spans of a trace by their start; none when there is no such trace in that time."""
    span_id = asked.span_id.lower()
    found = await spans.trace_spans(view, trace_id, span_id=span_id, time_range=asked.time_range())
    return [_trace_span(span) for span in sorted(found, key=lambda span: span.start_unix_nano)]


async def find_traces(
    view: CallersView, asked: Annotated[EngineSearch, Query()], body: FilterBody
) -> RootTraces:
    """List the traces that a filter finds, newest first."""
    wanted = read_filter(body.filter)
    query = TraceQuery(
        asked.time_range(),
        service=wanted.get("service_name", ""),
        name=wanted.get("span_name", ""),
        unit=wanted.get("unit", ""),
        parent_unit=wanted.get("parent_unit", ""),
        roots=not asked.search_child_spans,
    )
    found = await traces.page_traces(view, query, page=asked.page, limit=asked.limit)
    data = [_root_trace(trace) for trace in found.traces]
    return RootTraces(data=data, pagination=_pagination(asked, found.total))


def _pagination(asked: EnginePage, total: int) -> Pagination:
    return Pagination(page=asked.page, limit=asked.limit, total=total)


def _live_fields(span: Span) -> dict[str, Any]:
    known = 0 <= span.kind < len(SPAN_KINDS)
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "span_name": span.name,
        "span_kind": "SPAN_KIND_" + (SPAN_KINDS[span.kind] if known else str(span.kind)),
        "span_start_time_unix_nano": span.start_unix_nano,
        "span_end_time_unix_nano": span.start_unix_nano + span.duration_nano,
        "service_name": span.service,
        "resource_attributes": attributes_to_json(span.resource.attributes),
        "span_attributes": attributes_to_json(span.attributes),
    }


def _trace_span(span: Span) -> TraceSpan:
    return TraceSpan(
        **_live_fields(span),
        duration_ms=span.duration_nano / 1e6,
        unit=span.unit,
        parent_unit=span.parent_unit,
        cost=0.0,
    )


def _root_trace(trace: TraceSummary) -> RootTrace:
    return RootTrace(
        trace_id=trace.trace_id,
        span_name=trace.root_name,
        duration_ms=trace.duration_nano / 1e6,
        spans_count=trace.spans,
        total_cost=0.0,
        min_start_time_unix_nano=trace.start_unix_nano,
        service_name=trace.root_service,
        unit=trace.unit,
        parent_unit=trace.parent_unit,
    )
