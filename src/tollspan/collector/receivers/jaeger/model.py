"""What Jaeger says of spans, whichever protocol brought it."""

from __future__ import annotations

from dataclasses import dataclass

from tollspan.errors import LimitError

Tags = list[tuple[str, object]]
"""Keys with a str, bool, int, float or bytes each."""


VALUES_MAX = 500_000
"""A batch holds no more fields and list items: a few bytes must not become many objects."""


class Budget:
    """Counts what is read of one batch; LimitError when that is too much."""

    def __init__(self) -> None:
        self._left = VALUES_MAX

    def spend(self) -> None:
        """One more field or list item was read."""
        self._left -= 1
        if self._left < 0:
            raise LimitError("values in a batch", VALUES_MAX)


@dataclass(frozen=True, slots=True)
class Reference:
    """A span that another one names: its parent, or with `follows_from` one before it."""

    trace_id: bytes
    span_id: bytes
    follows_from: bool


@dataclass(frozen=True, slots=True)
class Process:
    """Who made the spans."""

    service_name: str
    tags: Tags


@dataclass(frozen=True, slots=True)
class Span:
    """One span; ids are as long as OTLP's, times count nanoseconds."""

    trace_id: bytes
    span_id: bytes
    name: str
    references: list[Reference]
    start_ns: int
    duration_ns: int
    tags: Tags
    logs: list[tuple[int, Tags]]
    process: Process

    @property
    def identified(self) -> bool:
        """Whether its ids are such as OTLP demands."""
        return (
            len(self.trace_id) == 16 and any(self.trace_id) and len(self.span_id) == 8 and any(self.span_id)
        )
