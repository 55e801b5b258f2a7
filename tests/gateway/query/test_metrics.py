import math
import uuid

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpers import otlp_strategies
from helpers.metrics import (
    CUMULATIVE,
    DELTA,
    KINDS,
    add_point,
    metric,
    metric_batch,
    metric_batch_of,
    metrics_of,
    one_of_each_kind,
)
from helpers.spans import NOW, SECOND
from helpers.stores import new_writer
from tollspan.errors import QueryError
from tollspan.gateway.query import metrics
from tollspan.gateway.query.metrics import Aggregation, MetricQuery, quantile
from tollspan.gateway.query.time_range import TimeRange
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")

MINUTE = 60 * SECOND


async def values(store, name, aggregation, by=(), time_range=None, datasets=(), **query):
    """The values by the labels' values, a list of steps of a minute each."""
    asked = MetricQuery(
        name, time_range or TimeRange(NOW, NOW + 5 * MINUTE), MINUTE, Aggregation(aggregation), by, **query
    )
    found = await metrics.aggregate(store.view("acme", datasets), asked)
    return {tuple(series.labels.values()): series.values for series in found}


async def test_the_catalogue_has_every_kind_of_metric(store):
    await store.write(metric_batch(*one_of_each_kind()))
    found = await metrics.find_metrics(store.view("acme"), limit=10)
    assert sorted((own.name, own.type.name.lower()) for own in found) == sorted((f"a.{k}", k) for k in KINDS)
    assert {(own.points, own.timeseries, own.services) for own in found} == {(1, 1, ("orders",))}


async def test_the_catalogue_is_searched_by_name_and_service(store):
    await store.write(metric_batch(*one_of_each_kind()))
    view = store.view("acme")
    assert [own.name for own in await metrics.find_metrics(view, text="SUMM", limit=10)] == ["a.summary"]
    assert await metrics.find_metrics(view, service="billing", limit=10) == []
    assert len(await metrics.find_metrics(view, limit=2)) == 2


@given(request=otlp_strategies.requests(Signal.METRICS), aggregation=st.sampled_from(Aggregation))
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_was_accepted_can_be_aggregated_in_every_way(runner, shared_store, request, aggregation):
    tenant = str(uuid.uuid4())
    for _, _, own, kind in metrics_of(request):
        own.name = "any"
        for point in getattr(own, kind).data_points:
            point.time_unix_nano = NOW + point.time_unix_nano % MINUTE
    new_writer(shared_store._engine, Signal.METRICS).write([metric_batch_of(request, tenant)])
    asked = MetricQuery("any", TimeRange(NOW, NOW + MINUTE), SECOND, aggregation, by=("a", "service"))
    found = runner.run(metrics.aggregate(shared_store.view(tenant), asked))
    assert all(math.isfinite(value) for series in found for value in series.values)


async def test_a_histogram_without_buckets_has_a_mean_and_no_quantile(store):
    waited = metric("waited", "histogram", DELTA)
    add_point(waited, count=4, sum=6)
    await store.write(metric_batch(waited))
    assert await values(store, "waited", "avg") == {(): [1.5]}
    assert await values(store, "waited", "p99") == {}


async def test_points_are_grouped_by_attributes_of_every_simple_type(store):
    load = metric("load")
    for member, value in (
        ("string_value", "x"),
        ("int_value", 7),
        ("double_value", 0.5),
        ("bool_value", True),
    ):
        setattr(add_point(load, as_int=1).attributes.add(key="by").value, member, value)
    await store.write(metric_batch(load))
    assert sorted(await values(store, "load", "sum", ("by",))) == [("0.5",), ("7",), ("true",), ("x",)]


async def test_the_newest_metadata_and_description_of_a_metric_are_told(store):
    for age, kind in enumerate(("counter", "unknown")):
        sent = metric("load", description=kind)
        sent.metadata.add(key="prometheus.type").value.string_value = kind
        sent.metadata.add(key="of").value.array_value.values.add(int_value=age)
        for step in range(1000):
            add_point(sent, NOW - age * MINUTE + step, as_int=1)
        await store.write(metric_batch(sent, metric("bare")))
    bare = metric("bare")
    add_point(bare, as_int=1)
    await store.write(metric_batch(bare))
    plain, told = await metrics.find_metrics(store.view("acme"), limit=10)
    assert (told.metadata, told.description) == ({"prometheus.type": "counter", "of": [0]}, "counter")
    assert plain.metadata == {}


async def test_gauges_count_as_they_are(store):
    load = metric("load")
    for step, value in enumerate((1, 5, 2, 8)):
        add_point(load, NOW + step * 20 * SECOND, {"host": "a"}, as_int=value)
    add_point(load, NOW, {"host": "b"}, as_double=0.25)
    await store.write(metric_batch(load))
    assert await values(store, "load", "avg", ("host",)) == {("a",): [8 / 3, 8], ("b",): [0.25]}
    assert await values(store, "load", "max") == {(): [5, 8]}
    assert await values(store, "load", "min") == {(): [0.25, 8]}
    assert await values(store, "load", "last", ("host",)) == {("a",): [2, 8], ("b",): [0.25]}
    assert await values(store, "load", "count") == {(): [4, 1]}


async def test_a_delta_sum_adds_up(store):
    sold = metric("sold", "sum", DELTA, monotonic=True)
    for step in range(6):
        add_point(sold, NOW + step * 30 * SECOND, as_int=3)
    await store.write(metric_batch(sold))
    assert await values(store, "sold", "sum") == {(): [6, 6, 6]}
    assert await values(store, "sold", "rate") == {(): [0.1, 0.1, 0.1]}


async def test_a_cumulative_sum_counts_what_was_added_and_survives_a_restart_of_its_process(store):
    served = metric("served", "sum", CUMULATIVE, monotonic=True)
    since, again = NOW - MINUTE, NOW + 100 * SECOND
    for offset_s, value, start in ((0, 100, since), (30, 110, since), (60, 130, since), (120, 7, again)):
        add_point(served, NOW + offset_s * SECOND, start_time_unix_nano=start, as_int=value)
    await store.write(metric_batch(served))
    # What the first point adds is not known: its series began before the time asked about.
    assert await values(store, "served", "sum") == {(): [10, 20, 7]}
    earlier = TimeRange(since, NOW + 5 * MINUTE)
    assert await values(store, "served", "sum", time_range=earlier) == {(): [110, 20, 7]}


async def test_a_cumulative_sum_that_falls_has_started_again(store):
    served = metric("served", "sum", CUMULATIVE, monotonic=True)
    for offset_s, value in ((0, 100), (30, 4)):
        add_point(served, NOW + offset_s * SECOND, as_int=value)
    await store.write(metric_batch(served))
    assert await values(store, "served", "sum") == {(): [4]}


async def test_histograms_tell_the_mean_and_quantiles_of_what_was_measured(store):
    took = metric("took", "histogram", CUMULATIVE)
    for step, count in enumerate((10, 20)):
        add_point(
            took,
            NOW + step * MINUTE,
            start_time_unix_nano=NOW,
            count=count,
            sum=count * 2.0,
            bucket_counts=[count // 2, count // 2, 0],
            explicit_bounds=[1, 3],
        )
    await store.write(metric_batch(took))
    assert await values(store, "took", "avg") == {(): [2, 2]}
    assert await values(store, "took", "count") == {(): [10, 10]}
    assert await values(store, "took", "p50") == {(): [1, 1]}
    assert await values(store, "took", "p90") == {(): [pytest.approx(2.6)] * 2}
    assert await values(store, "took", "min") == {}


async def test_exponential_histograms_have_quantiles_below_and_above_zero(store):
    drift = metric("drift", "exponential_histogram", DELTA)
    buckets = {"offset": 0, "bucket_counts": [4]}  # from 1 to 2, with scale 0
    add_point(drift, count=9, zero_count=1, positive=buckets, negative=buckets)
    await store.write(metric_batch(drift))
    [low], [middle], [high] = [(await values(store, "drift", p))[()] for p in ("p50", "p90", "p99")]
    assert -1 <= low <= 0 < 1 <= middle < high <= 2


async def test_points_of_a_sum_that_says_nothing_was_recorded_do_not_count(store):
    load = metric("load")
    add_point(load, as_int=3)
    add_point(load, NOW + SECOND, flags=1)
    await store.write(metric_batch(load))
    assert await values(store, "load", "avg") == {(): [3]}


async def test_points_are_narrowed_by_service_unit_and_dataset(store):
    for service, unit, dataset in (("web", "u1", "shop"), ("mail", "u2", "bank")):
        load = metric("load")
        add_point(load, attributes={"tollspan.unit": unit}, as_int=len(service))
        await store.write(metric_batch(load, service=service, dataset=dataset))
    by_both = await values(store, "load", "avg", ("service", "unit"))
    assert by_both == {("mail", "u2"): [4], ("web", "u1"): [3]}
    assert await values(store, "load", "avg", service="web") == {(): [3]}
    assert await values(store, "load", "avg", unit="u2") == {(): [4]}
    assert await values(store, "load", "avg", datasets=("bank",)) == {(): [4]}
    rival = metrics.find_metrics(store.view("rival"), limit=10)
    assert await rival == []


async def test_exemplars_lead_to_their_spans(store):
    load = metric("load")
    point = add_point(load, as_int=3)
    made = point.exemplars.add(time_unix_nano=NOW, as_double=2.5, trace_id=b"t" * 16, span_id=b"s" * 8)
    made.filtered_attributes.add(key="host").value.string_value = "a"
    point.exemplars.add(time_unix_nano=NOW - 1, as_int=2**60)
    await store.write(metric_batch(load))
    asked = MetricQuery("load", TimeRange(NOW, NOW + 1), MINUTE, Aggregation.AVG)
    linked, lone = await metrics.find_exemplars(store.view("acme"), asked)
    assert (linked.value, linked.trace_id, linked.attributes) == (2.5, (b"t" * 16).hex(), {"host": "a"})
    assert (lone.value, lone.trace_id, lone.span_id) == (2**60, None, None)


async def test_too_many_values_are_refused(store, monkeypatch):
    monkeypatch.setattr(metrics, "CELLS_MAX", 2)
    load = metric("load")
    for host in range(3):
        add_point(load, attributes={"host": host}, as_int=1)
    await store.write(metric_batch(load))
    assert await values(store, "load", "avg") == {(): [1]}
    with pytest.raises(QueryError, match="more than 2"):
        await values(store, "load", "avg", ("host",))


BUCKET = st.tuples(st.floats(-1e6, 1e6), st.integers(0, 1000))
BUCKETS = st.lists(BUCKET, min_size=1, unique_by=lambda bucket: bucket[0])


@given(buckets=BUCKETS, ranks=st.tuples(st.floats(0.001, 1), st.floats(0.001, 1)))
@example(buckets=[(699051.1163318448, 3)], ranks=(1.0, 1.0))  # three thirds of it are more, rounded
def test_quantiles_grow_with_their_rank_and_stay_within_the_bounds(buckets, ranks):
    bounds, counts = zip(*sorted(buckets), strict=True)
    low, high = (quantile(rank, bounds, counts) for rank in sorted(ranks))
    if sum(counts) == 0:
        assert math.isnan(low)
        return
    assert min(0.0, bounds[0]) <= low <= high + 1e-6 * abs(high)
    assert high <= bounds[-1]


def test_the_bucket_without_an_end_counts_as_its_beginning():
    assert quantile(0.99, [1, 3, math.inf], [0, 1, 99]) == 3
