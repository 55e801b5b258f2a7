"""Takes spans, decides about their traces in time, and keeps account of both."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable

import structlog

from tollspan.collector.component import Consumer, Factory, Host, Kind, Receipt
from tollspan.collector.events import LOG_INTERVAL_S, ProcessorEvents
from tollspan.collector.processors.tail_sampling.config import TailSamplingConfig
from tollspan.collector.processors.tail_sampling.decision_cache import DecisionCache
from tollspan.collector.processors.tail_sampling.outbox import Outbox
from tollspan.collector.processors.tail_sampling.policies import Decision, Policy, build_policy, combine
from tollspan.collector.processors.tail_sampling.trace import Piece, Trace, TraceKey, split_by_trace
from tollspan.collector.processors.tail_sampling.waiting import Waiting
from tollspan.errors import RetryableError, TollspanError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

TICKS_PER_WAIT = 10
TICK_MAX_S = 1.0
"""Traces whose wait is over are looked for ten times in it, and at least once a second."""

ON_MEMORY = "otelcol_processor_tail_sampling_sampling_traces_on_memory"

_log = structlog.get_logger()


class TailSampling:
    """See the module."""

    def __init__(self, config: TailSamplingConfig, consumer: Consumer) -> None:
        self._config = config
        self._consumer = consumer
        self._waiting = Waiting(config)
        self._stopping = asyncio.Event()
        self._logged_s = -LOG_INTERVAL_S
        cache, default = config.decision_cache, config.num_traces
        sizes = (cache.sampled_cache_size, cache.non_sampled_cache_size)
        self._decided = DecisionCache(*(default if size is None else size for size in sizes))

    async def start(self, host: Host) -> None:
        """Traces are taken, decided and handed on."""
        self._host = host
        self._events = ProcessorEvents(host.counters, host.component_id)
        self._outbox = Outbox(self._consumer, self._events)
        loop = asyncio.get_running_loop()
        self._clock = loop.time
        self._policies: list[tuple[str, Policy]] = [
            (policy.name, build_policy(policy, loop.time)) for policy in self._config.policies
        ]
        host.counters.watch(ON_MEMORY, lambda: len(self._waiting), processor=host.component_id)
        self._decider = asyncio.create_task(self._keep_deciding())
        self._sender = asyncio.create_task(self._outbox.run())

    async def shutdown(self) -> None:
        """Every waiting trace is decided, or dropped where so configured; what was kept is handed on."""
        self._stopping.set()
        await self._decider
        if self._config.drop_pending_traces_on_shutdown:
            for trace in self._waiting.take_all():
                self._events.dropped(trace.key.lane, trace.spans, "shutdown")
        self._decide(self._waiting.take_all())
        self._outbox.close()
        self._host.counters.unwatch(ON_MEMORY, processor=self._host.component_id)
        await self._sender

    async def consume(self, batch: Batch) -> Receipt:
        """The spans wait for their traces' decisions. RetryableError while there is no room for them."""
        pieces, malformed = split_by_trace(batch.wire)
        keyed = {TraceKey(batch.tenant, batch.dataset, trace_id): piece for trace_id, piece in pieces.items()}
        self._make_room(keyed)
        self._events.came_in(batch.signal, batch.items)
        self._events.dropped(batch.lane, malformed, "malformed")
        late = []
        for key, piece in keyed.items():
            sampled = None if key in self._waiting else self._decided.get(key)
            if sampled is None:
                self._add(key, piece)
            elif sampled:
                late.append(piece)
            else:
                self._events.dropped(batch.lane, piece.spans, "not_sampled")
        if late:
            wire, items = b"".join(piece.wire for piece in late), sum(piece.spans for piece in late)
            self._outbox.put(Batch(batch.signal, wire, items, batch.tenant, batch.dataset))
        return Receipt()

    def _make_room(self, pieces: dict[TraceKey, Piece]) -> None:
        size = sum(len(piece.wire) for piece in pieces.values())
        if self._outbox.size > self._waiting.size_max:
            raise RetryableError("too many kept traces wait for the next consumer", TICK_MAX_S)
        while len(self._waiting) and not self._waiting.has_room(pieces, size):
            if self._config.block_on_overflow:
                raise RetryableError("too many traces wait for their decision", TICK_MAX_S)
            self._events.count("tail_sampling_traces_decided_early", 1)
            self._decide([self._waiting.take_oldest()])

    def _add(self, key: TraceKey, piece: Piece) -> None:
        if key not in self._waiting:
            self._events.count("tail_sampling_new_trace_id_received", 1)
        trace = self._waiting.add(key, piece, self._clock())
        if 0 < self._config.maximum_trace_size_bytes < trace.size:
            self._waiting.remove(key)
            self._decided.remember(key, sampled=False)
            self._events.count("tail_sampling_traces_dropped_too_large", 1)
            self._events.dropped(key.lane, trace.spans, "too_large")

    async def _keep_deciding(self) -> None:
        """Decide what is due until the shutdown; a defect stops the service."""
        waits = [self._config.decision_wait_s, self._config.decision_wait_after_root_received_s]
        tick_s = min(TICK_MAX_S, min(wait or TICK_MAX_S for wait in waits) / TICKS_PER_WAIT)
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(tick_s):
                    await self._stopping.wait()
            except TimeoutError:
                try:
                    self._decide(self._waiting.take_due(self._clock()))
                except Exception as error:
                    self._host.fail(error)

    def _decide(self, traces: Iterable[Trace]) -> None:
        """Put the traces that are kept into the outbox, joined by whose they are."""
        kept: defaultdict[tuple[str, str], list[Trace]] = defaultdict(list)
        for trace in traces:
            decision = self._ask(trace)
            sampled = decision is Decision.SAMPLED
            self._decided.remember(trace.key, sampled)
            self._events.count("tail_sampling_global_count_traces_sampled", 1, sampled=str(sampled).lower())
            if sampled:
                kept[trace.key.tenant, trace.key.dataset].append(trace)
            else:
                self._events.dropped(trace.key.lane, trace.spans, "not_sampled")
        for (tenant, dataset), group in kept.items():
            wire = b"".join(part for trace in group for part in trace.wires)
            self._outbox.put(Batch(Signal.TRACES, wire, sum(t.spans for t in group), tenant, dataset))

    def _ask(self, trace: Trace) -> Decision:
        decisions = []
        for name, policy in self._policies:
            decision = self._evaluate(name, policy, trace)
            self._events.count("tail_sampling_count_traces_sampled", 1, policy=name, decision=decision.value)
            decisions.append(decision)
            if self._config.sample_on_first_match and decision is Decision.SAMPLED:
                break
        return combine(decisions)

    def _evaluate(self, name: str, policy: Policy, trace: Trace) -> Decision:
        """What the policy says; ERROR when it cannot, and the others decide."""
        try:
            return policy(trace)
        except TollspanError as error:
            self._events.count("tail_sampling_sampling_policy_evaluation_error", 1)
            now_s = time.monotonic()
            if now_s - self._logged_s >= LOG_INTERVAL_S:
                self._logged_s = now_s
                _log.warning("tail_sampling_policy_failed", policy=name, reason=str(error))
            return Decision.ERROR


FACTORY = Factory(
    kind=Kind.PROCESSOR,
    type="tail_sampling",
    config=TailSamplingConfig,
    build=TailSampling,
    signals=frozenset({Signal.TRACES}),
)
