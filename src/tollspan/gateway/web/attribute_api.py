"""`GET /api/v1/attributes`, of all keys and of one: asked of `query.attribute_catalogue`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, Field

from tollspan.gateway.query import attribute_catalogue
from tollspan.gateway.web.access import CallersView
from tollspan.gateway.web.parameters import TimeParameters


class AttributeKey(BaseModel):
    """A key of span attributes with values of one type; `bytes` are those of its values, uncompressed.

    The types are `string`, `int`, `double`, `bool`, and `other` for arrays, maps, bytes and nothing.
    """

    key: str
    type: str
    spans: int
    bytes: int


class AttributeKeys(BaseModel):
    """The keys in the asked time, widened to whole hours, those that take most bytes first."""

    data: list[AttributeKey]


class ValueParameters(TimeParameters):
    """The time asked about, and how many values are wanted."""

    limit: int = Field(100, ge=1, le=1000)


class AttributeValue(BaseModel):
    """A value as text, and how many of the sampled spans have it."""

    value: str
    spans: int


class AttributeValues(BaseModel):
    """A key's values, the most frequent first; `distinct` were found in the newest `sampled_spans`."""

    data: list[AttributeValue]
    distinct: int
    sampled_spans: int


AttributeName = Annotated[str, Path(min_length=1, max_length=1024)]


async def find_attribute_keys(view: CallersView, asked: Annotated[TimeParameters, Query()]) -> AttributeKeys:
    """List the attributes that spans have, and what they take."""
    found = await attribute_catalogue.find_attribute_keys(view, asked.time_range())
    return AttributeKeys(data=[AttributeKey(**asdict(key)) for key in found])


async def find_attribute_values(
    view: CallersView, key: AttributeName, asked: Annotated[ValueParameters, Query()]
) -> AttributeValues:
    """List the values of an attribute."""
    found = await attribute_catalogue.find_attribute_values(view, key, asked.time_range(), limit=asked.limit)
    return AttributeValues(
        data=[AttributeValue(value=value, spans=spans) for value, spans in found.spans.items()],
        distinct=found.distinct,
        sampled_spans=found.sampled_spans,
    )
