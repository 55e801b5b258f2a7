import uuid

import pytest
from hypothesis import HealthCheck, given, settings

from helpers import otlp_strategies
from helpers.metrics import add_point, metric, metric_batch, metric_batch_of, metrics_of
from helpers.spans import NOW, SECOND, attributes_of, exact
from helpers.stores import new_writer
from tollspan.gateway.query import data_points
from tollspan.gateway.query.data_points import (
    Buckets,
    ExponentialHistogram,
    Histogram,
    PointQuery,
    Quantile,
    Summary,
)
from tollspan.gateway.query.time_range import TimeRange
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")


def expected_points(request):
    """By a number put in `flags`: what is to be read back of each point."""
    expected = {}
    for resource, scope, own, kind in metrics_of(request):
        own.name = "any"
        data = getattr(own, kind)
        for point in data.data_points:
            point.flags = len(expected)
            point.time_unix_nano = point.time_unix_nano % NOW + 1
            expected[point.flags] = {
                "metric": [own.name, own.description, own.unit, kind],
                "temporality": getattr(data, "aggregation_temporality", 0),
                "monotonic": getattr(data, "is_monotonic", False),
                "times": [point.time_unix_nano, point.start_time_unix_nano],
                "value": VALUES[kind](point),
                "attributes": attributes_of(point.attributes),
                "exemplars": [expected_exemplar(one) for one in getattr(point, "exemplars", ())],
                "resource": [attributes_of(resource.resource.attributes), resource.schema_url],
                "scope": [scope.scope.name, attributes_of(scope.scope.attributes), scope.schema_url],
            }
    return expected


def expected_exemplar(sent):
    ids = [sent.trace_id.hex() or None, sent.span_id.hex() or None]
    return [sent.time_unix_nano, number(sent), ids, attributes_of(sent.filtered_attributes)]


def number(sent):
    member = sent.WhichOneof("value")
    return getattr(sent, member) if member else None


def measured(point):
    known = {name: getattr(point, name) if point.HasField(name) else None for name in ("sum", "min", "max")}
    return {"count": point.count, **known}


def histogram(point):
    return Histogram(
        **measured(point),
        bucket_counts=list(point.bucket_counts),
        explicit_bounds=list(point.explicit_bounds),
    )


def exponential_histogram(point):
    return ExponentialHistogram(
        **measured(point),
        scale=point.scale,
        zero_count=point.zero_count,
        zero_threshold=point.zero_threshold,
        positive=Buckets(point.positive.offset, list(point.positive.bucket_counts)),
        negative=Buckets(point.negative.offset, list(point.negative.bucket_counts)),
    )


def summary(point):
    quantiles = [Quantile(own.quantile, own.value) for own in point.quantile_values]
    return Summary(point.count, point.sum, quantiles)


VALUES = {
    "gauge": number,
    "sum": number,
    "histogram": histogram,
    "exponential_histogram": exponential_histogram,
    "summary": summary,
}


def as_read(point):
    exemplars = [
        [own.time_unix_nano, own.value, [own.trace_id, own.span_id], own.attributes]
        for own in point.exemplars
    ]
    scope = point.instrumentation_scope
    return {
        "metric": [point.metric, point.description, point.metric_unit, point.type.name.lower()],
        "temporality": point.temporality,
        "monotonic": point.monotonic,
        "times": [point.time_unix_nano, point.start_unix_nano],
        "value": point.value,
        "attributes": point.attributes,
        "exemplars": exemplars,
        "resource": [point.resource.attributes, point.resource.schema_url],
        "scope": [scope.name, scope.attributes, scope.schema_url],
    }


@given(request=otlp_strategies.requests(Signal.METRICS))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_accepted_point_is_read_back_as_it_was_sent(runner, shared_store, request):
    tenant = str(uuid.uuid4())
    expected = expected_points(request)
    # Around the group commit, which makes a lone writer wait.
    [receipt] = new_writer(shared_store._engine, Signal.METRICS).write([metric_batch_of(request, tenant)])
    page = runner.run(data_points.find_points(shared_store.view(tenant), PointQuery("any"), limit=1000))
    found = {point.flags: as_read(point) for point in page.points}
    assert len(found) == len(expected) - receipt.rejected
    assert exact(found) == exact({place: expected[place] for place in found})


async def test_points_are_paged_newest_first_and_narrowed_down(store):
    load = metric("load")
    for step in range(5):
        add_point(
            load, NOW - step // 2 * SECOND, {"tollspan.unit": "even" if step % 2 else "odd"}, as_int=step
        )
    await store.write(metric_batch(load, metric("other")))
    view = store.view("acme")

    async def values(**asked):
        page = await data_points.find_points(view, PointQuery("load", **asked), limit=10)
        return sorted(point.value for point in page.points)

    first = await data_points.find_points(view, PointQuery("load"), limit=3)
    second = await data_points.find_points(view, PointQuery("load"), limit=3, cursor=first.next_cursor)
    times = [point.time_unix_nano for point in (*first.points, *second.points)]
    assert times == sorted(times, reverse=True)
    assert sorted(point.value for point in (*first.points, *second.points)) == [0, 1, 2, 3, 4]
    assert second.next_cursor is None
    assert await values(unit="even") == [1, 3]
    assert await values(service="billing") == []
    assert await values(time_range=TimeRange(NOW)) == [0, 1]
    assert await values(time_range=TimeRange(0, NOW - SECOND)) == [4]
