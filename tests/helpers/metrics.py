"""Metric requests built with the official protobuf classes."""

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from helpers.spans import NOW, put_attributes
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

DELTA, CUMULATIVE = 1, 2
KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")


def metric(name, kind="gauge", temporality=0, monotonic=False, **fields):
    """A metric without points; see `add_point`."""
    made = Metric(name=name, **fields)
    data = getattr(made, kind)
    data.SetInParent()
    if temporality:
        data.aggregation_temporality = temporality
    if monotonic:
        data.is_monotonic = True
    return made


def add_point(made, time=NOW, attributes=None, **fields):
    """One more data point of the metric."""
    point = getattr(made, made.WhichOneof("data")).data_points.add(time_unix_nano=time, **fields)
    put_attributes(point.attributes, attributes or {})
    return point


def one_of_each_kind(time=NOW):
    """A metric of each kind, with one point."""
    made = {kind: metric(f"a.{kind}", kind, DELTA if kind in KINDS[1:4] else 0) for kind in KINDS}
    add_point(made["gauge"], time, as_int=-7)
    add_point(made["sum"], time, as_double=0.5)
    add_point(made["histogram"], time, count=3, sum=4, min=1, bucket_counts=[1, 2], explicit_bounds=[1.5])
    buckets = {"offset": 1, "bucket_counts": [1, 2]}
    add_point(made["exponential_histogram"], time, count=4, zero_count=1, scale=1, positive=buckets)
    add_point(made["summary"], time, count=9, sum=1, quantile_values=[{"quantile": 0.5, "value": 2}])
    return list(made.values())


def metric_batch(*metrics, tenant="acme", dataset="default", service="orders"):
    """These metrics as they reach the store."""
    made = ExportMetricsServiceRequest()
    resource_metrics = made.resource_metrics.add()
    put_attributes(resource_metrics.resource.attributes, {"service.name": service})
    resource_metrics.scope_metrics.add().metrics.extend(metrics)
    return metric_batch_of(made, tenant, dataset)


def metric_batch_of(made, tenant="acme", dataset="default"):
    """A request of any shape as it reaches the store."""
    metrics = (
        metric
        for resource in made.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )
    kinds = ((metric, metric.WhichOneof("data")) for metric in metrics)
    items = sum(len(getattr(metric, kind).data_points) for metric, kind in kinds if kind)
    return Batch(Signal.METRICS, made.SerializeToString(), items, tenant, dataset)


def metrics_of(request):
    """Each metric that has a kind, with its ResourceMetrics and ScopeMetrics before and its kind after it."""
    for resource_metrics in request.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for own in scope_metrics.metrics:
                if kind := own.WhichOneof("data"):
                    yield resource_metrics, scope_metrics, own, kind
