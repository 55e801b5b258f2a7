"""Drops what matches a condition.

    processors:
      filter:
        error_mode: ignore
        traces:
          span:
            - attributes["http.route"] == "/health"

An item is dropped when any condition of its level holds; a dropped resource or scope takes
everything below it. A metric of which no data point is left goes too, a span stays when its
last event goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import msgspec

from tollspan.collector.component import Consumer, Factory, Kind
from tollspan.collector.matching import LogMatchConfig, MatchConfig, Matches, MetricMatchConfig, compile_match
from tollspan.collector.ottl.compilation import compile_condition
from tollspan.collector.ottl.error_mode import ErrorMode, any_of
from tollspan.collector.ottl.groups import (
    ConditionGroup,
    Texts,
    compile_texts,
    context_problems,
    of_context,
    of_group,
    of_list,
    style_problems,
)
from tollspan.collector.ottl.paths import LEVELS
from tollspan.collector.rewriter import Passes, Rewriter, same_for_all
from tollspan.errors import ConfigError
from tollspan.otlp._message import Message
from tollspan.otlp.request_walk import Visit, Visitors
from tollspan.otlp.signals import Signal

DROPPED = {
    Signal.TRACES: "filter_spans_filtered",
    Signal.METRICS: "filter_datapoints_filtered",
    Signal.LOGS: "filter_logs_filtered",
}
"""The Collector's counters of what a filter dropped."""

Conditions = list[str | ConditionGroup]


class SpanMatching(msgspec.Struct, frozen=True, kw_only=True):
    """`spans`, the oldest form: of the spans those that are included and not excluded are kept."""

    include: MatchConfig | None = None
    exclude: MatchConfig | None = None


class TraceConditions(msgspec.Struct, frozen=True, kw_only=True):
    """`traces`."""

    resource: list[str] = []
    span: list[str] = []
    spanevent: list[str] = []


class MetricConditions(msgspec.Struct, frozen=True, kw_only=True):
    """`metrics`; `include` and `exclude` are the oldest form."""

    include: MetricMatchConfig | None = None
    exclude: MetricMatchConfig | None = None
    resource: list[str] = []
    metric: list[str] = []
    datapoint: list[str] = []


class LogConditions(msgspec.Struct, frozen=True, kw_only=True):
    """`logs`; `include` and `exclude` are the oldest form."""

    include: LogMatchConfig | None = None
    exclude: LogMatchConfig | None = None
    resource: list[str] = []
    log_record: list[str] = []


class FilterConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`processors::filter`."""

    error_mode: ErrorMode = "ignore"
    trace_conditions: Conditions = []
    metric_conditions: Conditions = []
    log_conditions: Conditions = []
    traces: TraceConditions = TraceConditions()
    metrics: MetricConditions = MetricConditions()
    logs: LogConditions = LogConditions()
    spans: SpanMatching = SpanMatching()

    def problems(self) -> Iterator[ConfigError]:
        """Conditions that do not compile, and forms that exclude each other."""
        for signal in Signal:
            key, listed = self._conditions(signal)
            forms = [
                bool(listed),
                any(texts for _, texts in self._lists(signal)),
                any(self._matching(signal)),
            ]
            if sum(forms) > 1:
                yield ConfigError(key, "cannot be combined with other forms for the same signal")
            yield from style_problems(key, listed)
            for row, group in enumerate(listed):
                if isinstance(group, ConditionGroup):
                    yield from context_problems(signal, f"{key}::{row}", group.context)
            for texts, _ in self._texts(signal):
                yield from compile_texts(texts, compile_condition).problems

    def passes(self) -> Passes:
        """One walk over each signal that has conditions."""
        walks = {signal: self._visitors(signal) for signal in Signal}
        return {signal: [visitors] for signal, visitors in walks.items() if visitors != Visitors()}

    def _visitors(self, signal: Signal) -> Visitors:
        drops: defaultdict[str, list[Matches]] = defaultdict(list)
        for texts, error_mode in self._texts(signal):
            drops[LEVELS[texts.context]].append(
                any_of(compile_texts(texts, compile_condition).pairs, error_mode)
            )
        include, exclude = self._matching(signal)
        if include is not None:
            included = compile_match(include, signal)
            drops["record"].append(lambda record: not included(record))
        if exclude is not None:
            drops["record"].append(compile_match(exclude, signal))
        return Visitors(**{level: _unless(tests) for level, tests in drops.items()})

    def _texts(self, signal: Signal) -> Iterator[tuple[Texts, ErrorMode]]:
        for path, listed in self._lists(signal):
            context = path.rpartition("::")[2].removesuffix("_record")
            yield of_context(context, path, listed), self.error_mode
        key, conditions = self._conditions(signal)
        bare = [entry for entry in conditions if isinstance(entry, str)]
        yield from ((texts, self.error_mode) for texts in of_list(signal, key, bare))
        for row, group in enumerate(conditions):
            if isinstance(group, ConditionGroup):
                texts = of_group(signal, f"{key}::{row}::conditions", group.conditions, group.context)
                yield texts, group.error_mode or self.error_mode

    def _conditions(self, signal: Signal) -> tuple[str, Conditions]:
        key = f"{signal.value.removesuffix('s')}_conditions"
        conditions: Conditions = getattr(self, key)
        return key, conditions

    def _lists(self, signal: Signal) -> Iterator[tuple[str, list[str]]]:
        section: msgspec.Struct = getattr(self, signal.value)
        for level in set(section.__struct_fields__) - {"include", "exclude"}:
            yield f"{signal.value}::{level}", getattr(section, level)

    def _matching(self, signal: Signal) -> tuple[MatchConfig | None, ...]:
        by_signal: dict[Signal, SpanMatching | MetricConditions | LogConditions] = {
            Signal.TRACES: self.spans,
            Signal.METRICS: self.metrics,
            Signal.LOGS: self.logs,
        }
        section = by_signal[signal]
        blocks = (section.include, section.exclude)
        return tuple(None if block is None else block.as_match() for block in blocks)


def _unless(drops: list[Matches]) -> Visit:
    """Keeps the messages for which none of these holds."""
    if len(drops) == 1:
        (only,) = drops
        return lambda message: not only(message)

    def keep(message: Message) -> bool:
        return not any(drop(message) for drop in drops)

    return keep


def build(config: FilterConfig, consumer: Consumer) -> Rewriter:
    """The processor of this configuration."""
    return Rewriter(same_for_all(config.passes()), consumer, counters=DROPPED)


FACTORY = Factory(kind=Kind.PROCESSOR, type="filter", config=FilterConfig, build=build)
