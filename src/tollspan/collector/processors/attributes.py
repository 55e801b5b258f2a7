"""Edits the attributes of spans, data points and log records.

    processors:
      attributes:
        include:
          match_type: strict
          services: [orders]
        actions:
          - {key: http.request.header.authorization, action: delete}
          - {key: user.email, action: hash}

`include` and `exclude` choose the spans, metrics and log records that are edited; without them
all are.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tollspan.collector.attribute_actions import Action, action_problems, attribute_visitors, compile_actions
from tollspan.collector.component import Consumer, Factory, Kind
from tollspan.collector.matching import MatchConfig, Matches, compile_match
from tollspan.collector.rewriter import Rewriter, same_for_all
from tollspan.errors import ConfigError
from tollspan.otlp.request_walk import Visitors
from tollspan.otlp.signals import Signal


class AttributesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`processors::attributes`."""

    actions: list[Action] = []
    include: MatchConfig | None = None
    exclude: MatchConfig | None = None

    def problems(self) -> Iterator[ConfigError]:
        """Actions that cannot be done."""
        if not self.actions:
            yield ConfigError("actions", 'missing required field "actions"')
        yield from action_problems("actions", self.actions)


def build(config: AttributesConfig, consumer: Consumer) -> Rewriter:
    """The processor of this configuration."""
    return Rewriter(same_for_all({signal: [visitors(config, signal)] for signal in Signal}), consumer)


def visitors(config: AttributesConfig, signal: Signal) -> Visitors:
    """The walk over a batch of the signal."""
    return attribute_visitors(signal, compile_actions(config.actions), _chosen(config, signal))


def _chosen(config: AttributesConfig, signal: Signal) -> Matches | None:
    """Which records are edited; None when all are."""
    include = None if config.include is None else compile_match(config.include, signal)
    exclude = None if config.exclude is None else compile_match(config.exclude, signal)
    if include is None and exclude is None:
        return None
    return lambda record: (include is None or include(record)) and (exclude is None or not exclude(record))


FACTORY = Factory(kind=Kind.PROCESSOR, type="attributes", config=AttributesConfig, build=build)
