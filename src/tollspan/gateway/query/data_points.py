"""The data points of a metric as they were sent, newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from tollspan.gateway.query import attributes
from tollspan.gateway.query.attributes import Attributes
from tollspan.gateway.query.metrics import Exemplar, read_exemplar
from tollspan.gateway.query.newest_first import find_page, next_cursor, read_cursor
from tollspan.gateway.query.origins import InstrumentationScope, Origin, Resource, find_origins
from tollspan.gateway.query.time_range import ALWAYS, TimeRange
from tollspan.gateway.storage.engine import Row
from tollspan.gateway.storage.item_columns import UNITS
from tollspan.gateway.storage.store import View
from tollspan.otlp.schema import MetricType


@dataclass(frozen=True, slots=True)
class PointQuery:
    """Which points to list: those of the metric, and of the service and unit (empty: any)."""

    metric: str
    time_range: TimeRange = ALWAYS
    service: str = ""
    unit: str = ""

    def parameters(self) -> dict[str, str]:
        """The parameters of the statement about such points, without its time."""
        return {"name": self.metric, "service": self.service, "unit": self.unit}


@dataclass(frozen=True, slots=True)
class Histogram:
    """Measurements counted between bounds; None where `sum`, `min` or `max` was not sent."""

    count: int
    sum: float | None
    min: float | None
    max: float | None
    bucket_counts: list[int]
    explicit_bounds: list[float]


@dataclass(frozen=True, slots=True)
class Buckets:
    """Counts of neighbouring buckets, the first of them at index `offset`."""

    offset: int
    bucket_counts: list[int]


@dataclass(frozen=True, slots=True)
class ExponentialHistogram:
    """Measurements counted between powers of `2 ** (2 ** -scale)`."""

    count: int
    sum: float | None
    min: float | None
    max: float | None
    scale: int
    zero_count: int
    zero_threshold: float
    positive: Buckets
    negative: Buckets


@dataclass(frozen=True, slots=True)
class Quantile:
    """`value` is that of the measurement at rank `quantile`, from 0 to 1."""

    quantile: float
    value: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Measurements that their sender has summed up."""

    count: int
    sum: float
    quantiles: list[Quantile]


PointValue: TypeAlias = int | float | Histogram | ExponentialHistogram | Summary | None
"""That of a gauge or sum is a number, or None when none was recorded."""


@dataclass(frozen=True, slots=True)
class DataPoint:
    """A data point as it was sent, with the description, metadata, unit, type… of its metric."""

    metric: str
    description: str
    metadata: Attributes
    metric_unit: str
    type: MetricType
    temporality: int
    monotonic: bool
    time_unix_nano: int
    start_unix_nano: int
    flags: int
    value: PointValue
    service: str
    unit: str | None
    parent_unit: str | None
    attributes: Attributes
    exemplars: list[Exemplar]
    resource: Resource
    instrumentation_scope: InstrumentationScope


@dataclass(frozen=True, slots=True)
class PointPage:
    """Some points, newest first. `next_cursor` asks for those after them; None when there are none."""

    points: list[DataPoint]
    next_cursor: str | None


async def find_points(view: View, query: PointQuery, *, limit: int, cursor: str | None = None) -> PointPage:
    """The first `limit` points, or those after `cursor`. QueryError for a cursor that was not given out."""
    after = read_cursor(cursor)
    ask = partial(view.rows, "find_points", **query.parameters())
    rows = await find_page(ask, query.time_range, after=after, limit=limit)
    origins = await find_origins(view, rows)
    points = [_point(row, origin) for row, origin in zip(rows, origins, strict=True)]
    moments = [point.time_unix_nano for point in points]
    return PointPage(points, next_cursor(moments, after=after, limit=limit))


def _point(row: Row, origin: Origin) -> DataPoint:
    metric_type = MetricType(row["type"])
    return DataPoint(
        metric=row["name"],
        description=row["description"],
        metadata=attributes.read_key_value_list(bytes.fromhex(row["metadata"])),
        metric_unit=row["metric_unit"],
        type=metric_type,
        temporality=row["temporality"],
        monotonic=bool(row["monotonic"]),
        time_unix_nano=row["time_unix_nano"],
        start_unix_nano=row["start_unix_nano"],
        flags=row["flags"],
        value=_VALUES[metric_type](row),
        service=row["service"],
        unit=row["unit"] or None,
        parent_unit=row["parent_unit"] or None,
        attributes=attributes.merge_item(row, UNITS),
        exemplars=[read_exemplar(row["service"], cells) for cells in row["exemplars"]],
        resource=origin.resource,
        instrumentation_scope=origin.instrumentation_scope,
    )


def _number(row: Row) -> int | float | None:
    value = attributes.read_cell(row["number_type"], row["number"], b"")
    assert value is None or isinstance(value, int | float)
    return value


def _histogram(row: Row) -> Histogram:
    return Histogram(
        count=row["count"],
        sum=_double(row["known_sum"]),
        min=_double(row["known_min"]),
        max=_double(row["known_max"]),
        bucket_counts=row["bucket_counts"],
        explicit_bounds=[float(bound) for bound in row["explicit_bounds"]],
    )


def _exponential_histogram(row: Row) -> ExponentialHistogram:
    return ExponentialHistogram(
        count=row["count"],
        sum=_double(row["known_sum"]),
        min=_double(row["known_min"]),
        max=_double(row["known_max"]),
        scale=row["scale"],
        zero_count=row["zero_count"],
        zero_threshold=float(row["zero_threshold"]),
        positive=Buckets(row["positive_offset"], row["positive_bucket_counts"]),
        negative=Buckets(row["negative_offset"], row["negative_bucket_counts"]),
    )


def _summary(row: Row) -> Summary:
    pairs = zip(row["quantiles.quantile"], row["quantiles.value"], strict=True)
    return Summary(
        count=row["count"],
        sum=float(row["known_sum"]),
        quantiles=[Quantile(float(rank), float(value)) for rank, value in pairs],
    )


def _double(cell: float | str | None) -> float | None:
    # NaN and the infinities, which JSON has no numbers for, come as text.
    return None if cell is None else float(cell)


_VALUES: Mapping[MetricType, Callable[[Row], PointValue]] = {
    MetricType.GAUGE: _number,
    MetricType.SUM: _number,
    MetricType.HISTOGRAM: _histogram,
    MetricType.EXPONENTIAL_HISTOGRAM: _exponential_histogram,
    MetricType.SUMMARY: _summary,
}
