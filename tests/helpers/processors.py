"""Processors under test: configured as from YAML, with a Recorder behind them."""

import contextlib

from helpers.components import Recorder
from helpers.otlp_strategies import REQUESTS
from helpers.service import StandInHost
from tollspan.collector.config.decode import Decoding
from tollspan.otlp import _reshape
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal


def problems(factory, body):
    """What is wrong with the configuration, as texts."""
    decoding = Decoding()
    decoding.struct(factory.config, body, "")
    return [str(problem) for problem in decoding.problems]


def configured(factory, body):
    """The configuration, which is right."""
    assert problems(factory, body) == []
    return Decoding().struct(factory.config, body, "")


def batch_of(request, tenant="acme", dataset="shop"):
    """An official request as a batch."""
    (signal,) = (signal for signal, kind in REQUESTS.items() if isinstance(request, kind))
    wire = request.SerializeToString()
    return Batch(signal, wire, _reshape.count(signal.value, wire), tenant, dataset)


@contextlib.asynccontextmanager
async def running_processor(factory, body, answer=None):
    """The started processor; `.recorder` is what comes behind it, `.counters` what it counted."""
    recorder = Recorder(answer)
    processor = factory.build(configured(factory, body), recorder)
    host = StandInHost()
    await processor.start(host)
    processor.recorder, processor.counters = recorder, host.counters
    try:
        yield processor
    finally:
        await processor.shutdown()


async def processed(factory, body, request):
    """What a processor leaves of an official request; None when nothing is left."""
    async with running_processor(factory, body) as processor:
        await processor.consume(batch_of(request))
    batches = processor.recorder.batches
    if not batches:
        return None
    (batch,) = batches
    assert batch.items == _reshape.count(batch.signal.value, batch.wire)
    assert (batch.tenant, batch.dataset) == ("acme", "shop")
    return REQUESTS[batch.signal].FromString(batch.wire)


def attributes_of(owner):
    """The attributes of an official message as a dict of plain values."""
    return {a.key: getattr(a.value, a.value.WhichOneof("value") or "string_value") for a in owner.attributes}


def spans_of(request):
    """Every span of an official request."""
    entries = request.resource_spans if request is not None else []
    return [span for entry in entries for scope_entry in entry.scope_spans for span in scope_entry.spans]


def logs_of(request):
    """Every log record of an official request."""
    entries = request.resource_logs if request is not None else []
    return [
        record for entry in entries for scope_entry in entry.scope_logs for record in scope_entry.log_records
    ]


def metrics_of(request):
    """Every metric of an official request."""
    entries = request.resource_metrics if request is not None else []
    return [
        metric for entry in entries for scope_entry in entry.scope_metrics for metric in scope_entry.metrics
    ]


def with_attributes(owner, **pairs):
    """The official message with these attributes; a double underscore in a name is a dot."""
    for name, value in pairs.items():
        attribute = owner.attributes.add(key=name.replace("__", "."))
        kind = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}[type(value)]
        setattr(attribute.value, kind, value)
    return owner


def trace_request(*spans, resource=None, scope="shop"):
    """A request of one resource and scope with these spans: each a dict of fields, `attributes` a dict."""
    request = REQUESTS[Signal.TRACES]()
    entry = request.resource_spans.add()
    with_attributes(entry.resource, **(resource or {"service__name": "orders"}))
    scope_entry = entry.scope_spans.add()
    scope_entry.scope.name = scope
    for fields in spans:
        plain = {key: value for key, value in fields.items() if key not in ("attributes", "status")}
        span = scope_entry.spans.add(**plain)
        with_attributes(span, **fields.get("attributes", {}))
        span.status.code = fields.get("status", 0)
    return request


def log_request(*records, resource=None):
    """The same for log records; `body` is a text."""
    request = REQUESTS[Signal.LOGS]()
    entry = request.resource_logs.add()
    with_attributes(entry.resource, **(resource or {"service__name": "orders"}))
    scope_entry = entry.scope_logs.add()
    for fields in records:
        plain = {key: value for key, value in fields.items() if key not in ("attributes", "body")}
        record = scope_entry.log_records.add(**plain)
        with_attributes(record, **fields.get("attributes", {}))
        if "body" in fields:
            record.body.string_value = fields["body"]
    return request


def metric_request(**sums):
    """A request of sums by name, each with data points of these attributes: `requests=[{"route": "/"}]`."""
    request = REQUESTS[Signal.METRICS]()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    for name, points in sums.items():
        metric = metrics.add(name=name)
        for pairs in points:
            with_attributes(metric.sum.data_points.add(as_int=1), **pairs)
    return request
