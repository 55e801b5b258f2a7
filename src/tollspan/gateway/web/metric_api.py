"""Metrics under /api/v1/metrics: asked of `query.metrics`, in the conventions of `answers`."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, Field

from tollspan.errors import QueryError
from tollspan.gateway.query import metrics
from tollspan.gateway.query.metrics import Aggregation, MetricQuery
from tollspan.gateway.query.time_range import NANO_MAX, TimeRange
from tollspan.gateway.web.access import CallersView
from tollspan.gateway.web.answers import JSONValue
from tollspan.gateway.web.json_value import attributes_to_json, to_json
from tollspan.gateway.web.parameters import AttributeParameters, Instant, TimeParameters

HOUR_NANO = 3600 * 10**9
STEPS_MAX = 11_000
STEPS_DEFAULT = 60

MetricName = Annotated[str, Path(max_length=1024)]


class CatalogueParameters(TimeParameters):
    """Metrics with points in that time, of a service, with `q` in their name."""

    service: str = ""
    q: str = Field("", max_length=1000)
    limit: int = Field(1000, ge=1, le=10_000)


class SeriesParameters(AttributeParameters, extra="forbid"):
    """The points to aggregate and how; by default those of the hour up to `end` or now, in 60 steps.

    `by` is one or several attribute keys, or `service`, `unit`, `parent_unit`: there is one
    series for each combination of their values.
    """

    start: Instant | None = None
    end: Instant | None = None
    step_s: float | None = Field(None, ge=1e-3, le=1e9)
    aggregation: Aggregation = Aggregation.AVG
    by: list[str] = Field([], max_length=10)
    service: str = ""
    unit: str = ""

    def time_range(self) -> TimeRange:
        """The time asked about."""
        end = time.time_ns() if self.end is None else self.end
        return TimeRange(max(0, end - HOUR_NANO) if self.start is None else self.start, min(end, NANO_MAX))

    def step_nano(self) -> int:
        """The length of a step; QueryError when there would be too many."""
        asked = self.time_range()
        width = max(1, asked.end_unix_nano - asked.start_unix_nano)
        step = max(1, width // STEPS_DEFAULT) if self.step_s is None else round(self.step_s * 1e9)
        if width // step > STEPS_MAX:
            raise QueryError("step_s", f"makes more than {STEPS_MAX} steps")
        return step


class Metric(BaseModel):
    """One metric of the catalogue; `type` is gauge, sum, histogram, exponential_histogram or summary."""

    name: str
    type: str
    unit: str
    description: str
    metadata: dict[str, JSONValue]
    temporality: int
    monotonic: bool
    services: list[str]
    points: int
    timeseries: int
    latest_unix_nano: str


class Metrics(BaseModel):
    """The metrics that have points in the asked time, by name."""

    data: list[Metric]


class Series(BaseModel):
    """One combination of the asked labels: a value for each step that has points."""

    labels: dict[str, str]
    steps_unix_nano: list[str]
    values: list[float]


class Exemplar(BaseModel):
    """A single measurement, with the span that it was made in."""

    time_unix_nano: str
    value: JSONValue
    service: str
    trace_id: str | None
    span_id: str | None
    attributes: dict[str, JSONValue]


class MetricSeries(BaseModel):
    """A metric over time; `exemplars` are the newest ones."""

    name: str
    aggregation: str
    step_nano: int
    series: list[Series]
    exemplars: list[Exemplar]


async def find_metrics(view: CallersView, asked: Annotated[CatalogueParameters, Query()]) -> Metrics:
    """List the metrics, by name."""
    found = await metrics.find_metrics(
        view, time_range=asked.time_range(), service=asked.service, text=asked.q, limit=asked.limit
    )
    return Metrics(data=[_metric(metric) for metric in found])


async def get_metric(
    view: CallersView, name: MetricName, asked: Annotated[SeriesParameters, Query()]
) -> MetricSeries:
    """Show a metric over time, aggregated in steps."""
    query = MetricQuery(
        name,
        asked.time_range(),
        asked.step_nano(),
        asked.aggregation,
        by=tuple(asked.by),
        service=asked.service,
        unit=asked.unit,
        attributes=asked.attribute_filter(),
    )
    series = await metrics.aggregate(view, query)
    exemplars = await metrics.find_exemplars(view, query)
    return MetricSeries(
        name=name,
        aggregation=query.aggregation,
        step_nano=query.step_nano,
        series=[_series(own) for own in series],
        exemplars=[_exemplar(own) for own in exemplars],
    )


def _metric(metric: metrics.Metric) -> Metric:
    return Metric(
        name=metric.name,
        type=metric.type.name.lower(),
        unit=metric.unit,
        description=metric.description,
        metadata=attributes_to_json(metric.metadata),
        temporality=metric.temporality,
        monotonic=metric.monotonic,
        services=list(metric.services),
        points=metric.points,
        timeseries=metric.timeseries,
        latest_unix_nano=str(metric.latest_unix_nano),
    )


def _series(series: metrics.Series) -> Series:
    return Series(
        labels=series.labels,
        steps_unix_nano=[str(step) for step in series.steps_unix_nano],
        values=series.values,
    )


def _exemplar(exemplar: metrics.Exemplar) -> Exemplar:
    return Exemplar(
        time_unix_nano=str(exemplar.time_unix_nano),
        value=to_json(exemplar.value),
        service=exemplar.service,
        trace_id=exemplar.trace_id,
        span_id=exemplar.span_id,
        attributes=attributes_to_json(exemplar.attributes),
    )
