"""Metrics: which there are, and one over time."""

from __future__ import annotations

import bisect
import enum
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tollspan.errors import QueryError
from tollspan.gateway.query import attributes
from tollspan.gateway.query.attribute_filter import ANY, AttributeFilter
from tollspan.gateway.query.attributes import Attributes
from tollspan.gateway.query.logs import NO_SPAN, NO_TRACE
from tollspan.gateway.query.time_range import ALWAYS, TimeRange
from tollspan.gateway.storage.attribute_conditions import OF_OTHER_ITEMS
from tollspan.gateway.storage.engine import Row
from tollspan.gateway.storage.store import View
from tollspan.otlp.schema import MetricType

CELLS_MAX = 100_000
"""Values in one answer: groups times steps."""

EXEMPLARS_MAX = 100


class Aggregation(enum.StrEnum):
    """What becomes of the points of a group within a step.

    Of gauges and of sums that go up and down the values count as they are. Of sums that only
    grow, and of histograms, it counts what was added.
    """

    AVG = "avg"
    """The mean value; of a histogram that of all measurements."""
    MIN = "min"
    MAX = "max"
    LAST = "last"
    """The newest value; of a histogram its sum as it was sent."""
    SUM = "sum"
    COUNT = "count"
    """Measurements of a histogram, points of anything else."""
    RATE = "rate"
    """Added per second; of a histogram: measurements per second."""
    P50 = "p50"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"


QUANTILES = {Aggregation.P50: 0.5, Aggregation.P90: 0.9, Aggregation.P95: 0.95, Aggregation.P99: 0.99}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric and what there is of it. `temporality` is 1 for delta, 2 for cumulative, else 0.

    Description and metadata are those of its newest point.
    """

    name: str
    type: MetricType
    unit: str
    description: str
    metadata: Attributes
    temporality: int
    monotonic: bool
    services: tuple[str, ...]
    points: int
    timeseries: int
    latest_unix_nano: int


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """Which points of a metric to aggregate, into groups that agree in all `by`.

    `by` are attribute keys, or `service`, `unit` and `parent_unit`. The points have all `attributes`.
    """

    name: str
    time_range: TimeRange
    step_nano: int
    aggregation: Aggregation
    by: tuple[str, ...] = ()
    service: str = ""
    unit: str = ""
    attributes: AttributeFilter = ANY

    def parameters(self) -> dict[str, Any]:
        """The parameters of every statement about these points."""
        return {
            "name": self.name,
            "service": self.service,
            "unit": self.unit,
            **self.time_range.parameters(),
        }


@dataclass(frozen=True, slots=True)
class Series:
    """A group over time: the start of each step that has points, and its value."""

    labels: dict[str, str]
    steps_unix_nano: list[int]
    values: list[float]


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A single measurement, and the span it was made in when that is known."""

    time_unix_nano: int
    value: float | int | None
    service: str
    trace_id: str | None
    span_id: str | None
    attributes: Attributes


async def find_metrics(
    view: View, *, time_range: TimeRange = ALWAYS, service: str = "", text: str = "", limit: int
) -> list[Metric]:
    """The first `limit` metrics by name, of the service (empty: any), with `text` in their name."""
    bounds = time_range.parameters()
    rows = await view.rows("find_metrics", service=service, text=text, limit=limit, **bounds)
    return [_metric(row) for row in rows]


async def aggregate(view: View, query: MetricQuery) -> list[Series]:
    """The groups with their values; QueryError when they would be too many."""
    narrowed = await query.attributes.narrow(view, OF_OTHER_ITEMS)
    rows = await narrowed.rows(
        "aggregate_metric",
        by=query.by,
        step=query.step_nano,
        buckets=int(query.aggregation in QUANTILES),
        limit=CELLS_MAX + 1,
        **query.parameters(),
    )
    if len(rows) > CELLS_MAX:
        raise QueryError("by", f"makes more than {CELLS_MAX} values; ask for fewer keys or a longer step")
    groups = itertools.groupby(rows, key=lambda row: row["labels"])
    series = [_series(query, labels, list(own)) for labels, own in groups]
    return [own for own in series if own.values]


async def find_exemplars(view: View, query: MetricQuery) -> list[Exemplar]:
    """The newest EXEMPLARS_MAX exemplars of the points, newest first."""
    narrowed = await query.attributes.narrow(view, OF_OTHER_ITEMS)
    rows = await narrowed.rows("find_exemplars", limit=EXEMPLARS_MAX, **query.parameters())
    found = [read_exemplar(row["service"], own) for row in rows for own in row["exemplars"]]
    return sorted(found, key=lambda own: own.time_unix_nano, reverse=True)[:EXEMPLARS_MAX]


def _metric(row: Row) -> Metric:
    return Metric(
        name=row["name"],
        type=MetricType(row["type"]),
        unit=row["metric_unit"],
        description=row["latest_description"],
        metadata=attributes.read_key_value_list(bytes.fromhex(row["latest_metadata"])),
        temporality=row["temporality"],
        monotonic=bool(row["monotonic"]),
        services=tuple(row["services"]),
        points=row["points"],
        timeseries=row["timeseries"],
        latest_unix_nano=row["latest"],
    )


def _series(query: MetricQuery, labels: Sequence[str], rows: Sequence[Row]) -> Series:
    read = _READERS[query.aggregation]
    divisor = query.step_nano / 1e9 if query.aggregation is Aggregation.RATE else 1
    start = query.time_range.start_unix_nano
    values = [(start + row["step"] * query.step_nano, read(row) / divisor) for row in rows]
    known = [(step, value) for step, value in values if math.isfinite(value)]
    return Series(
        labels=dict(zip(query.by, labels, strict=True)),
        steps_unix_nano=[step for step, _ in known],
        values=[value for _, value in known],
    )


def read_exemplar(service: str, cells: Sequence[Any]) -> Exemplar:
    """The exemplar that a statement answers as a tuple of these cells."""
    time_unix_nano, value_type, number, trace_id, span_id, strings, others = cells
    value = attributes.read_cell(value_type, number, b"")
    assert value is None or isinstance(value, int | float)
    return Exemplar(
        time_unix_nano=time_unix_nano,
        value=value,
        service=service,
        trace_id=None if trace_id == NO_TRACE else trace_id,
        span_id=None if span_id == NO_SPAN else span_id,
        attributes=attributes.merge_nested(strings, others),
    )


def quantile(rank: float, bounds: Sequence[float], counts: Sequence[int]) -> float:
    """The value at `rank` (0 to 1) of measurements counted in buckets up to `bounds`; NaN of none.

    Within a bucket they count as evenly spread. The last one may have no end; a value in it
    is as large as where it begins.
    """
    sums = list(itertools.accumulate(max(0, count) for count in counts))
    if not sums or not sums[-1]:
        return math.nan
    place = bisect.bisect_left(sums, rank * sums[-1])
    upper = bounds[place]
    lower = bounds[place - 1] if place else min(0.0, upper)
    if math.isinf(upper):
        return lower
    before = sums[place - 1] if place else 0
    share = (rank * sums[-1] - before) / (sums[place] - before)
    return min(upper, lower + (upper - lower) * share)


def _quantile_reader(rank: float) -> Callable[[Row], float]:
    def read(row: Row) -> float:
        bounds, counts = row["buckets"]
        return quantile(rank, [float(bound) for bound in bounds], counts)

    return read


def _mean(row: Row) -> float:
    if row["of_numbers"]:
        return float(row["mean"])
    return float(row["added_sum"]) / row["added_count"] if row["added_count"] else math.nan


def _added(row: Row) -> float:
    return float(row["added_sum" if row["of_numbers"] else "added_count"])


_READERS: Mapping[Aggregation, Callable[[Row], float]] = {
    Aggregation.AVG: _mean,
    Aggregation.MIN: lambda row: float(row["lowest"]),
    Aggregation.MAX: lambda row: float(row["highest"]),
    Aggregation.LAST: lambda row: float(row["latest"]),
    Aggregation.SUM: lambda row: float(row["added_sum"]),
    Aggregation.COUNT: lambda row: float(row["added_count"]),
    Aggregation.RATE: _added,
    **{aggregation: _quantile_reader(rank) for aggregation, rank in QUANTILES.items()},
}
