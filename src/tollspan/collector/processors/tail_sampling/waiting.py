"""Traces that wait for their decision, bounded in number and bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from tollspan.collector.processors.tail_sampling.config import TailSamplingConfig
from tollspan.collector.processors.tail_sampling.trace import Piece, Trace, TraceKey


class Waiting:
    """In the order of their arrival; a trace is due at a time, or earlier when its root has come."""

    def __init__(self, config: TailSamplingConfig) -> None:
        self._wait_s = config.decision_wait_s
        self._wait_after_root_s = config.decision_wait_after_root_received_s
        self._traces_max = config.num_traces
        self.size_max = config.memory_limit_mib << 20
        self._traces: dict[TraceKey, Trace] = {}
        self._with_root: deque[tuple[float, TraceKey]] = deque()
        self.size = 0

    def __len__(self) -> int:
        return len(self._traces)

    def __contains__(self, key: TraceKey) -> bool:
        return key in self._traces

    def add(self, key: TraceKey, piece: Piece, now_s: float) -> Trace:
        """The trace, with the piece in it."""
        trace = self._traces.get(key)
        if trace is None:
            trace = self._traces[key] = Trace(key, now_s)
        if self._wait_after_root_s and piece.has_root and not trace.has_root:
            self._with_root.append((now_s + self._wait_after_root_s, key))
        trace.add(piece)
        self.size += len(piece.wire)
        return trace

    def has_room(self, keys: Iterable[TraceKey], size: int) -> bool:
        """Whether these traces fit, with `size` bytes more than what they have here."""
        more = sum(key not in self._traces for key in keys)
        return self.size + size <= self.size_max and len(self._traces) + more <= self._traces_max

    def remove(self, key: TraceKey) -> Trace:
        """The trace, which no longer waits."""
        trace = self._traces.pop(key)
        self.size -= trace.size
        return trace

    def take_oldest(self) -> Trace:
        """The trace that has waited longest."""
        return self.remove(next(iter(self._traces)))

    def take_due(self, now_s: float) -> Iterator[Trace]:
        """Every trace whose wait is over."""
        while self._traces and next(iter(self._traces.values())).arrived_s + self._wait_s <= now_s:
            yield self.take_oldest()
        while self._with_root and self._with_root[0][0] <= now_s:
            _, key = self._with_root.popleft()
            if key in self._traces:
                yield self.remove(key)

    def take_all(self) -> Iterator[Trace]:
        """Every trace, due or not."""
        while self._traces:
            yield self.take_oldest()
