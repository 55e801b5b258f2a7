"""OpenTelemetry SDK records to the bytes of an export request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from tollspan.otlp import _encode_py
from tollspan.otlp.protobuf import WireType, tag, varint

try:
    from tollspan.otlp import _encode as encoder
except ImportError:  # nothing was compiled for this platform
    from tollspan.otlp import _encode_py as encoder  # type: ignore[no-redef]  # the same function

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

T = TypeVar("T")
Envelope = tuple[bytes, bytes]
"""What stands before and after the children of a ResourceSpans or ScopeSpans."""


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
    failures: list[tuple[int, str]] = []
    resource_spans = []
    for resource, instrumentation_scopes in _grouped(spans, failures).items():
        scope_spans = [
            _wrapped(2, instrumentation_scope, _encode_positions(spans, positions, failures))
            for instrumentation_scope, positions in instrumentation_scopes.items()
        ]
        resource_spans.append(_wrapped(1, resource, b"".join(scope_spans)))
    return Encoded(b"".join(resource_spans), len(spans) - len(failures), sorted(failures))


def _grouped(
    spans: Sequence[ReadableSpan], failures: list[tuple[int, str]]
) -> dict[Envelope, dict[Envelope, list[int]]]:
    """The positions of the spans of each instrumentation scope of each resource."""
    groups: dict[Envelope, dict[Envelope, list[int]]] = {}
    positions: list[int] = []
    resource = instrumentation_scope = object()
    for position, span in enumerate(spans):
        try:
            # Neighbours mostly share both, and finding a group costs more than comparing.
            if span.resource is not resource or span.instrumentation_scope is not instrumentation_scope:
                resource, instrumentation_scope = span.resource, span.instrumentation_scope
                scopes = groups.setdefault(resource_envelopes.of(resource), {})
                positions = scopes.setdefault(scope_envelopes.of(instrumentation_scope), [])
        except Exception as error:
            resource = object()
            failures.append((position, f"resource or instrumentation scope: {error}"))
        else:
            positions.append(position)
    return groups


def _encode_positions(
    spans: Sequence[ReadableSpan], positions: list[int], failures: list[tuple[int, str]]
) -> bytes:
    wire, failed = encoder.encode_spans([spans[position] for position in positions])
    for index in failed:
        position = positions[index]
        failures.append((position, _encode_py.why_not(spans[position])))
    return wire


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
