"""OpenTelemetry SDK records to the bytes of an export request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tollspan.otlp import _encode_metrics_py, _encode_py
from tollspan.otlp.protobuf import WireType, tag, varint

try:
    from tollspan.otlp import _encode as encoder
    from tollspan.otlp import _encode_metrics as metrics_encoder
except ImportError:  # nothing was compiled for this platform
    from tollspan.otlp import _encode_metrics_py as metrics_encoder  # type: ignore[no-redef]  # the same function
    from tollspan.otlp import _encode_py as encoder  # type: ignore[no-redef]  # the same functions

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData, ScopeMetrics
    from opentelemetry.sdk.trace import ReadableSpan

T = TypeVar("T")
Envelope = tuple[bytes, bytes]
"""What stands before and after the children of a ResourceSpans or ScopeSpans, and of its like."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An export request, how many items it carries, and the position and fault of each one left out."""

    body: bytes
    items: int
    failures: list[tuple[int, str]]


def encode_spans(spans: Sequence[ReadableSpan]) -> Encoded:
    """`spans` as an ExportTraceServiceRequest, grouped by resource, then instrumentation scope.

    Never raises: a span that cannot be encoded is listed in `failures` and costs nothing
    else. An attribute that cannot be encoded is left out alone and counted in its owner's
    dropped_attributes_count. Works with opentelemetry-sdk 1.39 and later.
    """
    why_not = partial(_encode_py.why_not, parts=_encode_py.SPAN_PARTS)
    return _encode_records(spans, encoder.encode_spans, why_not)


def encode_logs(records: Sequence[ReadableLogRecord]) -> Encoded:
    """`records` as an ExportLogsServiceRequest; otherwise as `encode_spans`."""
    why_not = partial(_encode_py.why_not, parts=_encode_py.LOG_PARTS)
    return _encode_records(records, encoder.encode_logs, why_not)


def encode_metrics(collections: Sequence[MetricsData]) -> Encoded:
    """What was collected, at once or one after the other, as an ExportMetricsServiceRequest.

    An item is a data point, and positions count those of all collections. One that cannot
    be encoded, which a bad attribute is enough for, is listed in `failures` and costs
    nothing else. Instruments without points leave no trace.
    """
    points = 0
    failures: list[tuple[int, str]] = []
    resource_metrics = []
    for original in (metrics for data in collections for metrics in data.resource_metrics):
        scope_metrics = []
        for scope in original.scope_metrics:
            places = list(accumulate((len(m.data.data_points) for m in scope.metrics), initial=points))
            scope_metrics.append(_encode_scope_metrics(scope, places, failures))
            points = places[-1]
        resource_metrics.append(
            _wrapped(1, resource_envelopes.of(original.resource), b"".join(scope_metrics))
        )
    return Encoded(b"".join(resource_metrics), points - len(failures), failures)


def _encode_scope_metrics(
    scope: ScopeMetrics, places: Sequence[int], failures: list[tuple[int, str]]
) -> bytes:
    """A ScopeMetrics field; `places` are the positions of the first point of each metric, and of the end."""
    try:
        envelope = scope_envelopes.of(scope.scope)
    except Exception as error:
        reason = f"instrumentation scope: {error}"
        failures += [(position, reason) for position in range(places[0], places[-1])]
        return b""
    wire, failed = metrics_encoder.encode_metrics(scope.metrics)
    for metric, index in failed:
        failures.append((places[metric] + index, _encode_metrics_py.why_not(scope.metrics[metric], index)))
    return _wrapped(2, envelope, wire)


def _encode_records(
    records: Sequence[Any],
    encode: Callable[[Sequence[Any]], tuple[bytes, list[int]]],
    why_not: Callable[[Any], str],
) -> Encoded:
    """Records that know their resource and instrumentation scope, as an export request."""
    failures: list[tuple[int, str]] = []
    resources = []
    for resource, instrumentation_scopes in _grouped(records, failures).items():
        scopes = []
        for instrumentation_scope, positions in instrumentation_scopes.items():
            wire, failed = encode([records[position] for position in positions])
            failures += [(positions[index], why_not(records[positions[index]])) for index in failed]
            scopes.append(_wrapped(2, instrumentation_scope, wire))
        resources.append(_wrapped(1, resource, b"".join(scopes)))
    return Encoded(b"".join(resources), len(records) - len(failures), sorted(failures))


def _grouped(
    records: Sequence[Any], failures: list[tuple[int, str]]
) -> dict[Envelope, dict[Envelope, list[int]]]:
    """The positions of the records of each instrumentation scope of each resource."""
    groups: dict[Envelope, dict[Envelope, list[int]]] = {}
    positions: list[int] = []
    resource = instrumentation_scope = object()
    for position, record in enumerate(records):
        try:
            # Neighbours mostly share both, and finding a group costs more than comparing.
            if record.resource is not resource or record.instrumentation_scope is not instrumentation_scope:
                resource, instrumentation_scope = record.resource, record.instrumentation_scope
                scopes = groups.setdefault(resource_envelopes.of(resource), {})
                positions = scopes.setdefault(scope_envelopes.of(instrumentation_scope), [])
        except Exception as error:
            resource = object()
            failures.append((position, f"resource or instrumentation scope: {error}"))
        else:
            positions.append(position)
    return groups


def _wrapped(field: int, envelope: Envelope, children: bytes) -> bytes:
    """The children in their envelope, as `field` of the parent; nothing when there are no children."""
    if not children:
        return b""
    before, after = envelope
    size = len(before) + len(children) + len(after)
    return b"".join((tag(field, WireType.LEN), varint(size), before, children, after))


class EnvelopeCache(Generic[T]):
    """The encoded form of objects that are immutable and come again and again."""

    OBJECTS_MAX = 256

    def __init__(self, encode: Callable[[T], Envelope]) -> None:
        self._encode = encode
        # By identity, for hashing a Resource is dearer than encoding a span; the object
        # is kept beside its encoding so that its id is not given to another.
        self._known: dict[int, tuple[T, Envelope]] = {}

    def of(self, original: T) -> Envelope:
        """The envelope of `original`."""
        known = self._known.get(id(original))
        if known is None:
            if len(self._known) >= self.OBJECTS_MAX:
                self._known.clear()
            known = self._known[id(original)] = original, self._encode(original)
        return known[1]


resource_envelopes = EnvelopeCache(_encode_py.encode_resource)
scope_envelopes = EnvelopeCache(_encode_py.encode_instrumentation_scope)
