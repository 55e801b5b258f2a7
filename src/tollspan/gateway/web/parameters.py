"""The query parameters that several routes share, read into the units that `query` takes."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema

from tollspan.gateway.query.attribute_filter import AttributeFilter
from tollspan.gateway.query.time_range import NANO_MAX, TimeRange
from tollspan.gateway.storage.attribute_conditions import AttributeCondition

SECONDS_END = 1 << 33
"""In the year 2242: nanoseconds up to there fit 63 bits."""

CONDITIONS_MAX = 10
CONDITION_CHARS_MAX = 1000
_CONDITION = re.compile(r"((?:[^\\=]|\\[\\=])+)=(.*)", re.DOTALL)


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


def _read_condition(value: object) -> AttributeCondition:
    """`key=value`; the key is up to the first `=` that no backslash is before."""
    text = str(value)
    parts = _CONDITION.fullmatch(text)
    if not parts:
        raise ValueError(
            r"write key=value, for example http.route=/orders; in a key, \= is = and \\ is a backslash"
        )
    if len(text) > CONDITION_CHARS_MAX:
        raise ValueError(f"write at most {CONDITION_CHARS_MAX} characters")
    return AttributeCondition(re.sub(r"\\(.)", r"\1", parts[1]), parts[2])


Condition = Annotated[
    AttributeCondition,
    BeforeValidator(_read_condition),
    WithJsonSchema(
        {
            "type": "string",
            "description": r"key=value; in a key, \= is = and \\ is a backslash; 42 finds int and double too",
            "maxLength": CONDITION_CHARS_MAX,
            "pattern": r"^([^\\=]|\\[\\=])+=",
        }
    ),
]
"""A condition on an attribute, as text `key=value`."""

TraceId = Annotated[str, Path(pattern="^[0-9a-fA-F]{32}$"), AfterValidator(str.lower)]
SpanId = Annotated[str, Path(pattern="^[0-9a-fA-F]{16}$"), AfterValidator(str.lower)]


class TimeParameters(BaseModel, extra="forbid"):
    """The time asked about: from `start` up to and without `end`; a side that is left out is open."""

    start: Instant = 0
    end: Instant = NANO_MAX

    def time_range(self) -> TimeRange:
        """The same in the words of `query`."""
        return TimeRange(self.start, self.end)


class AttributeParameters(BaseModel):
    """The attributes that an item has, all of them, and those of the resource that sent it."""

    attribute: list[Condition] = Field([], max_length=CONDITIONS_MAX)
    resource_attribute: list[Condition] = Field([], max_length=CONDITIONS_MAX)

    def attribute_filter(self) -> AttributeFilter:
        """The same in the words of `query`."""
        return AttributeFilter(tuple(self.attribute), tuple(self.resource_attribute))


class TraceParameters(TimeParameters, AttributeParameters):
    """The conditions of the trace list: a trace is in it when one of its spans meets all of them."""

    service: str = ""
    unit: str = ""
    name: str = ""
    errors: bool = False
    min_duration_ms: float = Field(0, ge=0, le=1e9)
    limit: int = Field(50, ge=1, le=1000)
    cursor: str | None = None
