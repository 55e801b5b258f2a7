"""What filters and editors share: a processor that walks the bytes of each batch and hands on what is left.

A batch that nobody changed goes on as the same object, so branches never see each other's
edits. A batch of which nothing is left ends here; its sender is told that it was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tollspan.collector.component import Consumer, Host, Receipt
from tollspan.collector.events import ProcessorEvents
from tollspan.otlp.batch import Batch, Lane
from tollspan.otlp.request_walk import Visitors, rewrite
from tollspan.otlp.signals import Signal

Passes = Mapping[Signal, Sequence[Visitors]]
"""The walks over a batch of each signal, one after the other; a signal that has none passes untouched."""


def same_for_all(passes: Passes) -> Callable[[Batch], Sequence[Visitors]]:
    """Walks that depend on nothing but the signal."""
    return lambda batch: passes.get(batch.signal, ())


class Rewriter:
    """Runs the walks that `walks` gives for a batch; items that they drop are counted for `reason`."""

    def __init__(
        self,
        walks: Callable[[Batch], Sequence[Visitors]],
        consumer: Consumer,
        *,
        reason: str = "filtered",
        counters: Mapping[Signal, str] | None = None,
    ) -> None:
        """`counters` names the processor's own counter of dropped items, by signal."""
        self._walks = walks
        self._consumer = consumer
        self._reason = reason
        self._counters = counters or {}

    async def start(self, host: Host) -> None:
        """What happens is counted under the component's id."""
        self._events = ProcessorEvents(host.counters, host.component_id)

    async def shutdown(self) -> None:
        """Nothing is held."""

    async def consume(self, batch: Batch) -> Receipt:
        """What the next consumer says of the rest. Also raises WireError for a batch that is no request."""
        rest, malformed = batch, 0
        for visitors in self._walks(batch):
            rewritten = rewrite(rest.signal, rest.wire, rest.items, visitors)
            malformed += rewritten.malformed
            if rewritten.wire is not rest.wire:
                rest = replace(rest, wire=rewritten.wire, items=rewritten.items)
        dropped = batch.items - rest.items
        receipt = Receipt() if dropped and not rest.items else await self._consumer.consume(rest)
        self._count(batch.lane, rest.items, dropped - malformed, malformed)
        return receipt

    def _count(self, lane: Lane, left: int, dropped: int, malformed: int) -> None:
        signal = lane[0]
        self._events.came_in(signal, left + dropped + malformed)
        self._events.went_out(signal, left)
        self._events.dropped(lane, dropped, self._reason)
        self._events.dropped(lane, malformed, "malformed")
        if dropped and signal in self._counters:
            self._events.count(self._counters[signal], dropped)
