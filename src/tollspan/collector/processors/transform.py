"""Edits items by statements of OTTL.

    processors:
      transform:
        error_mode: ignore
        trace_statements:
          - set(span.attributes["team"], "shop") where resource.attributes["service.name"] == "orders"
          - delete_key(span.attributes, "http.request.header.authorization")

Statements run in their order. The context of each is the lowest one that its paths name; a
group may name it, and give conditions of which one must hold for its statements to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec

from tollspan.collector.component import Consumer, Factory, Kind
from tollspan.collector.ottl.compilation import compile_condition, compile_statement
from tollspan.collector.ottl.error_mode import ErrorMode, any_of, each_of
from tollspan.collector.ottl.groups import (
    StatementGroup,
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
from tollspan.otlp.request_walk import Visitors
from tollspan.otlp.signals import Signal

Statements = list[str | StatementGroup]


@dataclass(frozen=True, slots=True)
class Step:
    """Statements of one context that run where one of the conditions holds, or where there are none."""

    statements: Texts
    conditions: Texts
    error_mode: ErrorMode


class TransformConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`processors::transform`."""

    error_mode: ErrorMode = "ignore"
    trace_statements: Statements = []
    metric_statements: Statements = []
    log_statements: Statements = []

    def problems(self) -> Iterator[ConfigError]:
        """Statements and conditions that do not compile."""
        for signal in Signal:
            key, listed = self._statements(signal)
            yield from style_problems(key, listed)
            for row, group in enumerate(listed):
                if isinstance(group, StatementGroup):
                    yield from context_problems(signal, f"{key}::{row}", group.context)
            for step in self._steps(signal):
                yield from compile_texts(step.conditions, compile_condition).problems
                yield from compile_texts(step.statements, compile_statement).problems

    def passes(self) -> Passes:
        """One walk for each run of statements of one context."""
        return {signal: [_visitors(step) for step in self._steps(signal)] for signal in Signal}

    def _steps(self, signal: Signal) -> Iterator[Step]:
        key, listed = self._statements(signal)
        bare = [entry for entry in listed if isinstance(entry, str)]
        for texts in of_list(signal, key, bare):
            yield Step(texts, of_context(texts.context, "", []), self.error_mode)
        for row, group in enumerate(listed):
            if isinstance(group, StatementGroup):
                yield _step(signal, f"{key}::{row}", group, group.error_mode or self.error_mode)

    def _statements(self, signal: Signal) -> tuple[str, Statements]:
        key = f"{signal.value.removesuffix('s')}_statements"
        statements: Statements = getattr(self, key)
        return key, statements


def _step(signal: Signal, path: str, group: StatementGroup, error_mode: ErrorMode) -> Step:
    """The context is the lowest that the statements and conditions of the group name together."""
    every = of_group(signal, path, [*group.statements, *group.conditions], group.context)
    statements = of_context(every.context, f"{path}::statements", group.statements)
    conditions = of_context(every.context, f"{path}::conditions", group.conditions)
    return Step(
        replace(statements, bare_paths=every.bare_paths),
        replace(conditions, bare_paths=every.bare_paths),
        error_mode,
    )


def _visitors(step: Step) -> Visitors:
    statements = compile_texts(step.statements, compile_statement).pairs
    execute = each_of(statements, step.error_mode)
    conditions = compile_texts(step.conditions, compile_condition).pairs
    holds = any_of(conditions, step.error_mode) if conditions else None

    def visit(message: Message) -> bool:
        if holds is None or holds(message):
            execute(message)
        return True

    return Visitors(**{LEVELS[step.statements.context]: visit})


def build(config: TransformConfig, consumer: Consumer) -> Rewriter:
    """The processor of this configuration."""
    return Rewriter(same_for_all(config.passes()), consumer)


FACTORY = Factory(kind=Kind.PROCESSOR, type="transform", config=TransformConfig, build=build)
