"""Data points under /api/v1/points/NAME: asked of `query.data_points`, in the conventions of `answers`."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from typing import Annotated, Any, TypeAlias

from fastapi import Query
from pydantic import BaseModel, Field

from tollspan.gateway.query import data_points
from tollspan.gateway.query.data_points import PointQuery
from tollspan.gateway.query.metrics import Exemplar
from tollspan.gateway.web.access import CallersView
from tollspan.gateway.web.answers import InstrumentationScope, JSONValue, Resource
from tollspan.gateway.web.json_value import attributes_to_json, to_json
from tollspan.gateway.web.metric_api import MetricName
from tollspan.gateway.web.origins import show_instrumentation_scope, show_resource
from tollspan.gateway.web.parameters import TimeParameters

Number: TypeAlias = int | float | str
"""A number; integers beyond ±2**53, NaN and the infinities are strings."""


class PointParameters(TimeParameters):
    """The points of a service or unit."""

    service: str = ""
    unit: str = ""
    limit: int = Field(100, ge=1, le=1000)
    cursor: str | None = None

    def point_query(self, name: str) -> PointQuery:
        """The same about a metric, in the words of `query`."""
        return PointQuery(name, self.time_range(), service=self.service, unit=self.unit)


class Histogram(BaseModel):
    """Measurements counted between bounds; null where `sum`, `min` or `max` was not sent."""

    count: Number
    sum: Number | None
    min: Number | None
    max: Number | None
    bucket_counts: list[Number]
    explicit_bounds: list[Number]


class Buckets(BaseModel):
    """Counts of neighbouring buckets, the first of them at index `offset`."""

    offset: int
    bucket_counts: list[Number]


class ExponentialHistogram(BaseModel):
    """Measurements counted between powers of 2 ** (2 ** -scale)."""

    count: Number
    sum: Number | None
    min: Number | None
    max: Number | None
    scale: int
    zero_count: Number
    zero_threshold: Number
    positive: Buckets
    negative: Buckets


class Quantile(BaseModel):
    """The value of the measurement at a rank from 0 to 1."""

    quantile: Number
    value: Number


class Summary(BaseModel):
    """Measurements that their sender has summed up."""

    count: Number
    sum: Number
    quantiles: list[Quantile]


class PointExemplar(BaseModel):
    """A single measurement, with the span that it was made in."""

    time_unix_nano: str
    value: Number | None
    trace_id: str | None
    span_id: str | None
    attributes: dict[str, JSONValue]


class DataPoint(BaseModel):
    """Everything that is stored of one data point.

    `value` is a number (null: none was recorded) in a gauge or sum; it is an object in a
    histogram, exponential_histogram or summary, by `type`.
    """

    metric: str
    type: str
    metric_unit: str
    description: str
    metadata: dict[str, JSONValue]
    temporality: int
    monotonic: bool
    time_unix_nano: str
    start_unix_nano: str
    flags: int
    value: Number | Histogram | ExponentialHistogram | Summary | None
    service: str
    unit: str | None
    parent_unit: str | None
    attributes: dict[str, JSONValue]
    exemplars: list[PointExemplar]
    resource: Resource
    instrumentation_scope: InstrumentationScope


class PointPage(BaseModel):
    """Data points, newest first; `next_cursor` asks for the ones after them."""

    data: list[DataPoint]
    next_cursor: str | None


async def find_points(
    view: CallersView, name: MetricName, asked: Annotated[PointParameters, Query()]
) -> PointPage:
    """List the data points of a metric as they were sent, newest first."""
    page = await data_points.find_points(
        view, asked.point_query(name), limit=asked.limit, cursor=asked.cursor
    )
    return PointPage(data=[_point(point) for point in page.points], next_cursor=page.next_cursor)


def _point(point: data_points.DataPoint) -> DataPoint:
    return DataPoint(
        metric=point.metric,
        type=point.type.name.lower(),
        metric_unit=point.metric_unit,
        description=point.description,
        metadata=attributes_to_json(point.metadata),
        temporality=point.temporality,
        monotonic=point.monotonic,
        time_unix_nano=str(point.time_unix_nano),
        start_unix_nano=str(point.start_unix_nano),
        flags=point.flags,
        value=_value(point.value),
        service=point.service,
        unit=point.unit,
        parent_unit=point.parent_unit,
        attributes=attributes_to_json(point.attributes),
        exemplars=[_exemplar(exemplar) for exemplar in point.exemplars],
        resource=show_resource(point.resource),
        instrumentation_scope=show_instrumentation_scope(point.instrumentation_scope),
    )


def _value(value: data_points.PointValue) -> Any:
    if not is_dataclass(value):
        return to_json(value)
    return _OBJECTS[type(value)](**attributes_to_json(asdict(value)))


def _exemplar(exemplar: Exemplar) -> PointExemplar:
    return PointExemplar(
        time_unix_nano=str(exemplar.time_unix_nano),
        value=to_json(exemplar.value),
        trace_id=exemplar.trace_id,
        span_id=exemplar.span_id,
        attributes=attributes_to_json(exemplar.attributes),
    )


_OBJECTS: dict[type, type[BaseModel]] = {
    data_points.Histogram: Histogram,
    data_points.ExponentialHistogram: ExponentialHistogram,
    data_points.Summary: Summary,
}
