"""A trace while it waits: its spans as export requests of their own, cut out of the batches they came in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from tollspan.collector.ottl.functions import is_root_span
from tollspan.otlp._message import Faults, Message
from tollspan.otlp.batch import Lane
from tollspan.otlp.protobuf import field_bytes
from tollspan.otlp.request_walk import Visitors, rewrite
from tollspan.otlp.signals import Signal

ENTRIES, CHILDREN = 1 << 3 | 2, 2 << 3 | 2
TRACE_ID = 1 << 3 | 2


class TraceKey(NamedTuple):
    """A trace of one tenant; another tenant's trace of the same id is another trace."""

    tenant: str
    dataset: str
    trace_id: bytes

    @property
    def lane(self) -> Lane:
        """Where its spans come from."""
        return Signal.TRACES, self.tenant, self.dataset


@dataclass(slots=True)
class Trace:
    """What has arrived of a trace; `wire` parts are requests, so joined they are one too."""

    key: TraceKey
    arrived_s: float
    wires: list[bytes] = field(default_factory=list)
    spans: int = 0
    size: int = 0
    has_root: bool = False

    def add(self, piece: Piece) -> None:
        """The piece belongs to the trace."""
        self.wires.append(piece.wire)
        self.spans += piece.spans
        self.size += len(piece.wire)
        self.has_root = self.has_root or piece.has_root

    def any_span(self, holds: Callable[[Message], bool]) -> bool:
        """Whether it holds for one of the spans; those after the first are not asked."""
        return self._any(lambda visit: Visitors(record=visit), holds)

    def any_span_event(self, holds: Callable[[Message], bool]) -> bool:
        """The same for the spans' events."""
        return self._any(lambda visit: Visitors(detail=visit), holds)

    def _any(
        self, visitors: Callable[[Callable[[Message], bool]], Visitors], holds: Callable[[Message], bool]
    ) -> bool:
        found = False

        def visit(message: Message) -> bool:
            nonlocal found
            found = found or holds(message)
            return True

        for wire in self.wires:
            rewrite(Signal.TRACES, wire, 0, visitors(visit))
            if found:
                break
        return found


@dataclass(slots=True)
class Piece:
    """The spans of one trace in one batch, as a request; `has_root` when one has no parent."""

    wire: bytes = b""
    spans: int = 0
    has_root: bool = False


@dataclass(slots=True)
class _Gathered:
    fields: list[bytes] = field(default_factory=list)
    has_root: bool = False


def split_by_trace(wire: bytes) -> tuple[dict[bytes, Piece], int]:
    """The request's spans by trace id, envelopes repeated, and how many spans could not be read."""
    pieces: dict[bytes, Piece] = {}
    faults = Faults()

    def resource_entry(entry: Message) -> bool:
        around = _without_children(entry)
        entry.each(CHILDREN, lambda scope_entry: _split_scope_entry(scope_entry, around, pieces, faults))
        return True

    Message(wire).each(ENTRIES, resource_entry)
    return pieces, faults.count


def _split_scope_entry(entry: Message, around: bytes, pieces: dict[bytes, Piece], faults: Faults) -> bool:
    gathered: dict[bytes, _Gathered] = {}

    def span(message: Message) -> bool:
        group = gathered.setdefault(message.raw(TRACE_ID) or b"", _Gathered())
        group.has_root = group.has_root or is_root_span(message)
        group.fields.append(field_bytes(2, message.wire))
        return True

    entry.each(CHILDREN, span, faults)
    inside = _without_children(entry)
    for trace_id, group in gathered.items():
        piece = pieces.setdefault(trace_id, Piece())
        piece.wire += field_bytes(1, around + field_bytes(2, inside + b"".join(group.fields)))
        piece.spans += len(group.fields)
        piece.has_root = piece.has_root or group.has_root
    return True


def _without_children(entry: Message) -> bytes:
    alone = Message(entry.wire)
    alone.replace(CHILDREN, b"")
    return alone.wire
