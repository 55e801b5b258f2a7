"""Two processors over a batch of 512 spans of which none matches, beside protobuf parsing and writing it."""

from __future__ import annotations

import time
from collections.abc import Callable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.spans import BATCH, build_wire
from tollspan.collector.attribute_actions import Action
from tollspan.collector.processors import attributes, filter  # noqa: A004 - the component's name
from tollspan.collector.processors.attributes import AttributesConfig
from tollspan.otlp.request_walk import rewrite
from tollspan.otlp.signals import Signal

TITLE = "filter and attributes over a batch of 512 spans that do not match"
ITEM = "span"
ROUNDS = 400

CONDITIONS = ['attributes["http.route"] == "/health"', 'attributes["http.route"] == "/readyz"']


def _per_span(work: Callable[[bytes], object]) -> float:
    wires = [build_wire(seed) for seed in range(8)]
    for wire in wires:
        work(wire)
    started = time.process_time()
    for number in range(ROUNDS):
        work(wires[number % len(wires)])
    return (time.process_time() - started) / (ROUNDS * BATCH)


def _filter() -> float:
    config = filter.FilterConfig(traces=filter.TraceConditions(span=CONDITIONS))
    (visitors,) = config.passes()[Signal.TRACES]
    return _per_span(lambda wire: rewrite(Signal.TRACES, wire, BATCH, visitors))


def _attributes() -> float:
    visitors = attributes.visitors(
        AttributesConfig(actions=[Action(key="none", action="delete")]), Signal.TRACES
    )
    return _per_span(lambda wire: rewrite(Signal.TRACES, wire, BATCH, visitors))


PEERS: dict[str, Callable[[], float]] = {
    "Tollspan, filter with two conditions": _filter,
    "Tollspan, attributes with one deletion": _attributes,
    "protobuf (upb), FromString and SerializeToString alone": lambda: _per_span(
        lambda wire: ExportTraceServiceRequest.FromString(wire).SerializeToString()
    ),
}
