"""Log records under /api/v1/logs: asked of `query.logs`, in the conventions of `answers`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from tollspan.gateway.query import logs
from tollspan.gateway.query.logs import LogQuery
from tollspan.gateway.web.access import CallersView
from tollspan.gateway.web.answers import InstrumentationScope, JSONValue, Resource
from tollspan.gateway.web.json_value import attributes_to_json, to_json
from tollspan.gateway.web.origins import show_instrumentation_scope, show_resource
from tollspan.gateway.web.parameters import AttributeParameters, TimeParameters

SEVERITIES = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
"""The lowest SeverityNumber of each range (OTLP, "Severity Fields")."""


class LogParameters(TimeParameters, AttributeParameters):
    """The conditions of the log list; `severity` and everything above it, `q` anywhere in the body."""

    service: str = ""
    unit: str = ""
    severity: Literal["", "trace", "debug", "info", "warn", "error", "fatal"] = ""
    trace_id: str = Field("", pattern="^([0-9a-fA-F]{32})?$")
    span_id: str = Field("", pattern="^([0-9a-fA-F]{16})?$")
    q: str = Field("", max_length=1000)
    limit: int = Field(100, ge=1, le=1000)
    cursor: str | None = None

    def log_query(self) -> LogQuery:
        """The same in the words of `query`."""
        return LogQuery(
            self.time_range(),
            service=self.service,
            unit=self.unit,
            trace_id=self.trace_id.lower(),
            span_id=self.span_id.lower(),
            severity_min=SEVERITIES.get(self.severity, 0),
            text=self.q,
            attributes=self.attribute_filter(),
        )


class LogRecord(BaseModel):
    """Everything that is stored of one log record.

    `moment_unix_nano` is its own time, else when it was observed, else when it was received;
    the list is ordered by it.
    """

    moment_unix_nano: str
    time_unix_nano: str
    observed_time_unix_nano: str
    service: str
    severity_number: int
    severity_text: str
    body: JSONValue
    event_name: str
    trace_id: str | None
    span_id: str | None
    flags: int
    unit: str | None
    parent_unit: str | None
    attributes: dict[str, JSONValue]
    resource: Resource
    instrumentation_scope: InstrumentationScope
    dropped_attributes: int


class LogPage(BaseModel):
    """Log records, newest first; `next_cursor` asks for the ones after them."""

    data: list[LogRecord]
    next_cursor: str | None


async def find_logs(view: CallersView, asked: Annotated[LogParameters, Query()]) -> LogPage:
    """List log records, newest first."""
    page = await logs.find_logs(view, asked.log_query(), limit=asked.limit, cursor=asked.cursor)
    return LogPage(data=[_record(record) for record in page.records], next_cursor=page.next_cursor)


def _record(record: logs.LogRecord) -> LogRecord:
    return LogRecord(
        moment_unix_nano=str(record.moment_unix_nano),
        time_unix_nano=str(record.time_unix_nano),
        observed_time_unix_nano=str(record.observed_time_unix_nano),
        service=record.service,
        severity_number=record.severity_number,
        severity_text=record.severity_text,
        body=to_json(record.body),
        event_name=record.event_name,
        trace_id=record.trace_id,
        span_id=record.span_id,
        flags=record.flags,
        unit=record.unit,
        parent_unit=record.parent_unit,
        attributes=attributes_to_json(record.attributes),
        resource=show_resource(record.resource),
        instrumentation_scope=show_instrumentation_scope(record.instrumentation_scope),
        dropped_attributes=record.dropped_attributes,
    )
