"""The questions of the API under /api/v1: asked of `query`, answered in the shapes of `answers`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, fields
from typing import Annotated, Any

import msgspec
from fastapi import Query, Response
from starlette.exceptions import HTTPException

from tollspan.gateway.query import spans, traces
from tollspan.gateway.query.traces import TraceQuery
from tollspan.gateway.web import answers
from tollspan.gateway.web.access import CallersView
from tollspan.gateway.web.json_value import attributes_to_json
from tollspan.gateway.web.origins import show_instrumentation_scope, show_resource
from tollspan.gateway.web.parameters import SpanId, TimeParameters, TraceId, TraceParameters


async def find_traces(view: CallersView, asked: Annotated[TraceParameters, Query()]) -> answers.TracePage:
    """List traces, newest first."""
    query = TraceQuery(
        asked.time_range(),
        service=asked.service,
        name=asked.name,
        unit=asked.unit,
        errors=asked.errors,
        duration_min_nano=round(asked.min_duration_ms * 1e6),
        attributes=asked.attribute_filter(),
    )
    page = await traces.find_traces(view, query, limit=asked.limit, cursor=asked.cursor)
    return answers.TracePage(data=[_summary(trace) for trace in page.traces], next_cursor=page.next_cursor)


async def get_trace(view: CallersView, trace_id: TraceId) -> Response:
    """Show a whole trace in columns."""
    trace = await traces.get_trace(view, trace_id)
    if trace is None:
        raise HTTPException(404, "there is no such trace")
    # A trace may have a million spans: the event loop must not wait for its JSON.
    body = await asyncio.to_thread(_encode_trace, trace)
    return Response(body, media_type="application/json")


async def get_span(view: CallersView, trace_id: TraceId, span_id: SpanId) -> answers.Span:
    """Show everything that is stored of one span."""
    span = await spans.get_span(view, trace_id, span_id)
    if span is None:
        raise HTTPException(404, "there is no such span")
    return _span(span)


async def find_services(view: CallersView, asked: Annotated[TimeParameters, Query()]) -> answers.Services:
    """List the services, by name."""
    found = await traces.find_services(view, asked.time_range())
    return answers.Services(data=[answers.ServiceSummary(**asdict(service)) for service in found])


def _summary(trace: traces.TraceSummary) -> answers.TraceSummary:
    costs = [answers.Cost(currency=cost.currency, amount_nano=str(cost.amount_nano)) for cost in trace.costs]
    texts = {"start_unix_nano": str(trace.start_unix_nano), "costs": costs}
    return answers.TraceSummary(**asdict(trace) | texts)


def _encode_trace(trace: traces.Trace) -> bytes:
    ids = trace.spans.span_id.hex()
    columns: dict[str, Any] = {
        field.name: getattr(trace.spans, field.name).tolist()
        for field in fields(trace.spans)
        if field.name != "span_id"
    }
    columns["span_id"] = [ids[place : place + 16] for place in range(0, len(ids), 16)]
    whole = {field.name: getattr(trace, field.name) for field in fields(trace)}
    return msgspec.json.encode(whole | {"start_unix_nano": str(trace.start_unix_nano), "spans": columns})


def _span(span: spans.Span) -> answers.Span:
    return answers.Span(
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        name=span.name,
        service=span.service,
        kind=span.kind,
        status=span.status_code,
        status_message=span.status_message,
        start_unix_nano=str(span.start_unix_nano),
        duration_nano=span.duration_nano,
        unit=span.unit,
        parent_unit=span.parent_unit,
        trace_state=span.trace_state,
        flags=span.flags,
        attributes=attributes_to_json(span.attributes),
        resource=show_resource(span.resource),
        instrumentation_scope=show_instrumentation_scope(span.instrumentation_scope),
        events=[_event(span_event) for span_event in span.events],
        links=[_link(link) for link in span.links],
        dropped=answers.Dropped(
            attributes=span.dropped_attributes, events=span.dropped_events, links=span.dropped_links
        ),
    )


def _event(span_event: spans.SpanEvent) -> answers.SpanEvent:
    return answers.SpanEvent(
        name=span_event.name,
        time_unix_nano=str(span_event.time_unix_nano),
        attributes=attributes_to_json(span_event.attributes),
        dropped_attributes=span_event.dropped_attributes,
    )


def _link(link: spans.SpanLink) -> answers.SpanLink:
    return answers.SpanLink(**asdict(link) | {"attributes": attributes_to_json(link.attributes)})
