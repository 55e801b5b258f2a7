import uuid

import pytest
from hypothesis import HealthCheck, given, settings

from helpers import otlp_strategies
from helpers.metrics import metric_batch, metric_batch_of, one_of_each_kind
from helpers.spans import NOW, attributes_of, exact
from helpers.stores import new_writer, open_engine
from tollspan.gateway.query.attributes import read_key_value_list
from tollspan.otlp.schema import MetricType, ValueType
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")


@pytest.fixture
def engine(tmp_path):
    with open_engine(tmp_path) as opened:
        yield opened


def test_what_a_kind_does_not_have_is_zero_or_empty(engine):
    new_writer(engine, Signal.METRICS, clock_ns=lambda: NOW).write([metric_batch(*one_of_each_kind())])
    rows = engine.rows(
        """
        SELECT name, value, count, sum, has_sum, bucket_counts, positive_bucket_counts, `quantiles.value` AS q
        FROM metric_points
        """,
        {},
    )
    kinds = [row.pop("name").removeprefix("a.") for row in rows]
    found = [{key: own for key, own in row.items() if own} for row in rows]
    assert dict(zip(kinds, found, strict=True)) == {
        "gauge": {"value": -7},
        "sum": {"value": 0.5},
        "histogram": {"count": 3, "sum": 4, "has_sum": 1, "bucket_counts": [1, 2]},
        "exponential_histogram": {"count": 4, "positive_bucket_counts": [1, 2]},
        "summary": {"count": 9, "sum": 1, "q": [2]},
    }


def points_of(request):
    """All data points, numbered in `flags`, with their metric and its kind."""
    found = []
    for resource_metrics in request.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                kind = metric.WhichOneof("data")
                if kind is None:
                    continue
                data = getattr(metric, kind)
                for point in data.data_points:
                    point.flags = len(found)
                    point.time_unix_nano = point.time_unix_nano % NOW + 1
                    found.append((metric, kind, data, point))
    return found


NUMBER_TYPES = {None: ValueType.EMPTY, "as_int": ValueType.INT, "as_double": ValueType.DOUBLE}


def as_sent(metric, kind, data, point):
    number = point.WhichOneof("value") if kind in {"gauge", "sum"} else None
    buckets = {name: getattr(point, name, None) for name in ("positive", "negative")}
    return {
        "name": metric.name,
        "metric_unit": metric.unit,
        "metadata": attributes_of(metric.metadata),
        "type": int(MetricType[kind.upper()]),
        "temporality": getattr(data, "aggregation_temporality", 0),
        "monotonic": int(getattr(data, "is_monotonic", False)),
        "number_type": int(NUMBER_TYPES[number]),
        "integer": getattr(point, "as_int", 0) if number == "as_int" else 0,
        "start_unix_nano": point.start_time_unix_nano,
        "count": getattr(point, "count", 0),
        "scale": getattr(point, "scale", 0),
        "bucket_counts": list(getattr(point, "bucket_counts", [])),
        "explicit_bounds": [float(bound) for bound in getattr(point, "explicit_bounds", [])],
        "positive": [buckets["positive"].offset, *buckets["positive"].bucket_counts]
        if buckets["positive"] is not None
        else [0],
        "quantiles": [own.quantile for own in getattr(point, "quantile_values", [])],
        "exemplars": [own.time_unix_nano for own in getattr(point, "exemplars", [])],
    }


SQL = """
    SELECT
        flags, name, metric_unit, hex(metadata) AS metadata, type, temporality, monotonic, number_type,
        if(number_type = 3, reinterpretAsInt64(number), 0) AS integer,
        start_unix_nano, count, scale, bucket_counts, explicit_bounds,
        arrayConcat([toInt64(positive_offset)], positive_bucket_counts::Array(Int128)) AS positive,
        `quantiles.quantile` AS quantiles, `exemplars.time_unix_nano` AS exemplars
    FROM metric_points WHERE tenant = {tenant:String}
"""


def as_read(row):
    doubles = {name: [float(own) for own in row[name]] for name in ("explicit_bounds", "quantiles")}
    metadata = read_key_value_list(bytes.fromhex(row["metadata"]))
    return {name: cell for name, cell in row.items() if name != "flags"} | doubles | {"metadata": metadata}


@given(request=otlp_strategies.requests(Signal.METRICS))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_accepted_point_is_stored_as_it_was_sent(engine, request):
    tenant = str(uuid.uuid4())
    sent = {point[-1].flags: as_sent(*point) for point in points_of(request)}
    [receipt] = new_writer(engine, Signal.METRICS).write([metric_batch_of(request, tenant)])
    found = {row["flags"]: as_read(row) for row in engine.rows(SQL, {"tenant": tenant})}
    assert len(found) == len(sent) - receipt.rejected
    assert exact(found) == exact({number: sent[number] for number in found})
