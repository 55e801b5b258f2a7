"""Traces of a shop as its services send them: many different requests, made fast enough to fill a store.

A round is ROUND_TRACES traces of eight spans over four services, one request from each service. Rounds are
copies of a few templates, in which ids, times, paths and customers are replaced.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

Bytes = NDArray[np.uint8]

ROUND_TRACES = 512
SPANS_OF_TRACE = 8
ROUND_SPANS = ROUND_TRACES * SPANS_OF_TRACE
TEMPLATES = 8
CUSTOMERS = 500

# The spans of every trace: service, name, kind, the place of its parent in this list, attributes.
_STEPS = (
    ("web", "GET /orders/{id}", Span.SPAN_KIND_SERVER, None, ("route", "path", "agent")),
    ("web", "GET orders", Span.SPAN_KIND_CLIENT, 0, ("peer", "path")),
    ("orders", "GET /api/orders/{id}", Span.SPAN_KIND_SERVER, 1, ("route", "path")),
    ("orders", "SELECT orders", Span.SPAN_KIND_CLIENT, 2, ("database", "rows")),
    ("orders", "POST payments", Span.SPAN_KIND_CLIENT, 2, ("peer", "path")),
    ("payments", "POST /charge", Span.SPAN_KIND_SERVER, 4, ("route", "rows")),
    ("payments", "score", Span.SPAN_KIND_INTERNAL, 5, ("rows", "ratio")),
    ("mail", "send receipt", Span.SPAN_KIND_CONSUMER, 2, ("queue",)),
)
SERVICES = ("web", "orders", "payments", "mail")


@dataclass(frozen=True, slots=True)
class _Template:
    """A request of one service, and where in its bytes something is to be replaced, by span."""

    wire: Bytes
    steps: list[int]
    trace_ids: NDArray[np.int64]
    span_ids: NDArray[np.int64]
    parents: NDArray[np.int64]
    starts: NDArray[np.int64]
    paths: NDArray[np.int64]
    traces_of_paths: NDArray[np.int64]


def rounds(count: int, start_unix_nano: int, end_unix_nano: int, seed: int = 0) -> Iterator[list[bytes]]:
    """`count` rounds, spread evenly over the time; each is a request of every service in SERVICES."""
    dice = np.random.default_rng(seed)
    templates = [[_template(service, number) for service in SERVICES] for number in range(TEMPLATES)]
    for number in range(count):
        begin = start_unix_nano + (end_unix_nano - start_unix_nano) * number // count
        step_ns = max(1, (end_unix_nano - start_unix_nano) // count // ROUND_TRACES)
        yield _round(templates[number % TEMPLATES], dice, begin + np.arange(ROUND_TRACES) * step_ns)


def _round(templates: list[_Template], dice: np.random.Generator, begins: NDArray[np.int64]) -> list[bytes]:
    trace_ids = dice.integers(0, 256, (ROUND_TRACES, 16), np.uint8)
    span_ids = dice.integers(0, 256, (SPANS_OF_TRACE, ROUND_TRACES, 8), np.uint8)
    paths = np.frombuffer(dice.bytes(ROUND_TRACES * 6).hex().encode(), np.uint8).reshape(ROUND_TRACES, 12)
    return [_request(template, trace_ids, span_ids, paths, begins) for template in templates]


def _request(
    template: _Template, trace_ids: Bytes, span_ids: Bytes, paths: Bytes, begins: NDArray[np.int64]
) -> bytes:
    wire = template.wire.copy()
    _put(wire, template.trace_ids, np.tile(trace_ids, (len(template.steps), 1)))
    _put(wire, template.span_ids, np.concatenate([span_ids[step] for step in template.steps]))
    parents = [_STEPS[step][3] for step in template.steps]
    named = [span_ids[parent] for parent in parents if parent is not None]
    _put(wire, template.parents, np.concatenate(named))
    starts = np.concatenate([begins + step * 1_000_000 for step in template.steps])
    spent = _cells(wire, template.starts + 9, 8).copy().view(np.int64).ravel()
    _put(wire, template.starts, starts.astype("<u8").view(np.uint8).reshape(-1, 8))
    _put(wire, template.starts + 9, (starts + spent).astype("<u8").view(np.uint8).reshape(-1, 8))
    if len(template.paths):
        _put(wire, template.paths, paths[template.traces_of_paths])
    return wire.tobytes()


def _cells(wire: Bytes, places: NDArray[np.int64], width: int) -> Bytes:
    found: Bytes = wire[places[:, None] + np.arange(width)]
    return found


def _put(wire: Bytes, places: NDArray[np.int64], cells: Bytes) -> None:
    wire[places[:, None] + np.arange(cells.shape[1])] = cells


def _template(service: str, seed: int) -> _Template:
    dice = random.Random(f"{service} {seed}")
    steps = [number for number, step in enumerate(_STEPS) if step[0] == service]
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    for key, value in (
        ("service.name", service),
        ("service.version", "1.2.3"),
        ("host.name", f"{service}-1"),
    ):
        resource_spans.resource.attributes.add(key=key).value.string_value = value
    spans = resource_spans.scope_spans.add().spans
    for step in steps:
        # The same customer in every service: what the trace number and the seed say.
        customers = random.Random(seed)
        for number in range(ROUND_TRACES):
            spans.append(_span(step, number, f"customer-{customers.randrange(CUSTOMERS):04}", dice))
    wire = request.SerializeToString()
    return _located(wire, steps)


def _span(step: int, number: int, customer: str, dice: random.Random) -> Span:
    _, name, kind, parent, kinds = _STEPS[step]
    # `end` holds the duration until the span gets its time.
    duration = dice.randrange(10**5, 10**8)
    span = Span(name=name, kind=kind, trace_id=b"T" * 16, span_id=b"S" * 8)
    span.start_time_unix_nano, span.end_time_unix_nano = int.from_bytes(b"B" * 8, "little"), duration
    if parent is not None:
        span.parent_span_id = b"P" * 8
    if dice.random() < 0.02:
        span.status.code, span.status.message = Status.STATUS_CODE_ERROR, "timed out"
    for key, value in _attributes(kinds, customer, dice).items():
        added = span.attributes.add(key=key).value
        setattr(added, {str: "string_value", int: "int_value", float: "double_value"}[type(value)], value)
    return span


def _attributes(kinds: tuple[str, ...], customer: str, dice: random.Random) -> dict[str, str | int | float]:
    found: dict[str, str | int | float] = {
        "tollspan.unit": customer,
        "tollspan.parent_unit": f"plan-{int(customer[-1]) % 3}",
        "deployment.region": "eu-central-1",
    }
    if "route" in kinds:
        status = dice.choice((200, 200, 200, 201, 404))
        found |= {
            "http.request.method": "GET",
            "http.route": "/orders/{id}",
            "http.response.status_code": status,
        }
    if "path" in kinds:
        found |= {"url.path": "/orders/" + "U" * 12, "server.address": "orders.internal"}
    if "agent" in kinds:
        found |= {"user_agent.original": f"Mozilla/5.0 (X11; Linux x86_64; rv:{dice.randrange(90, 130)}.0)"}
    if "peer" in kinds:
        found |= {"http.request.method": "GET", "server.port": 8080}
    if "database" in kinds:
        found |= {"db.system.name": "postgresql", "db.query.text": "SELECT * FROM orders WHERE id = $1"}
    if "rows" in kinds:
        found |= {"db.rows": dice.randrange(100)}
    if "ratio" in kinds:
        found |= {"score": dice.random()}
    if "queue" in kinds:
        found |= {"messaging.system": "rabbitmq", "messaging.destination.name": "receipts"}
    return found


def _located(wire: bytes, steps: list[int]) -> _Template:
    trace_ids = _places(wire, b"T" * 16)
    paths = _places(wire, b"U" * 12)
    # The span that a path is in is the last that begins before it.
    owners = np.searchsorted(trace_ids, paths) - 1 if len(paths) else paths
    return _Template(
        wire=np.frombuffer(wire, np.uint8),
        steps=steps,
        trace_ids=trace_ids,
        span_ids=_places(wire, b"S" * 8),
        parents=_places(wire, b"P" * 8),
        starts=_places(wire, b"B" * 8),
        paths=paths,
        traces_of_paths=owners % ROUND_TRACES,
    )


def _places(wire: bytes, mark: bytes) -> NDArray[np.int64]:
    found, place = [], wire.find(mark)
    while place >= 0:
        found.append(place)
        place = wire.find(mark, place + len(mark))
    return np.array(found, np.int64)
