"""A trace while it waits: its spans as export requests of their own, cut out of the batches they came in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from tollspan.collector.ottl.functions import is_root_span
from tollspan.collector.record_groups import group_records
from tollspan.otlp._message import Message
from tollspan.otlp.batch import Lane
from tollspan.otlp.request_walk import Visitors, rewrite
from tollspan.otlp.signals import Signal

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


def split_by_trace(wire: bytes) -> tuple[dict[bytes, Piece], int]:
    """The request's spans by trace id, envelopes repeated, and how many spans could not be read."""
    roots: set[bytes] = set()

    def trace_id(span: Message) -> bytes:
        found = span.raw(TRACE_ID) or b""
        if is_root_span(span):
            roots.add(found)
        return found

    groups, malformed = group_records(wire, trace_id)
    pieces = {key: Piece(group.wire, group.records, key in roots) for key, group in groups.items()}
    return pieces, malformed
