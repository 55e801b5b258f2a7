"""The query parameters that several routes share, read into the units that `query` takes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema

from tollspan.gateway.query.time_range import NANO_MAX, TimeRange

SECONDS_END = 1 << 33
"""In the year 2242: nanoseconds up to there fit 63 bits."""


def _read_instant(value: object) -> int:
    """Unix seconds, whole or not, or an RFC 3339 date and time, as Unix nanoseconds."""
    text = str(value)
    try:
        seconds = float(text)
    except ValueError:
        seconds = _rfc3339_s(text)
    if not 0 <= seconds < SECONDS_END:
        raise ValueError("a time lies between 1970 and 2242")
    return round(seconds * 1e9)


def _rfc3339_s(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("a time is Unix seconds or RFC 3339, for example 2026-01-31T12:00:00Z")
    return moment.timestamp()


Instant = Annotated[
    int,
    BeforeValidator(_read_instant),
    WithJsonSchema({"type": "string", "description": "Unix seconds, or RFC 3339 with an offset"}),
]
"""A moment; in Python, Unix nanoseconds."""

TraceId = Annotated[str, Path(pattern="^[0-9a-fA-F]{32}$"), AfterValidator(str.lower)]
SpanId = Annotated[str, Path(pattern="^[0-9a-fA-F]{16}$"), AfterValidator(str.lower)]


class TimeParameters(BaseModel, extra="forbid"):
    """The time asked about: from `start` up to and without `end`; a side that is left out is open."""

    start: Instant = 0
    end: Instant = NANO_MAX

    def time_range(self) -> TimeRange:
        """The same in the words of `query`."""
        return TimeRange(self.start, self.end)


class TraceParameters(TimeParameters):
    """The conditions of the trace list: a trace is in it when one of its spans meets all of them."""

    service: str = ""
    unit: str = ""
    name: str = ""
    errors: bool = False
    min_duration_ms: float = Field(0, ge=0, le=1e9)
    limit: int = Field(50, ge=1, le=1000)
    cursor: str | None = None
