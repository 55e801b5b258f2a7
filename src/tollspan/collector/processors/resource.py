"""Edits the attributes of resources.

processors:
  resource:
    attributes:
      - {key: deployment.environment, value: production, action: upsert}
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tollspan.collector.attribute_actions import Action, action_problems, compile_actions
from tollspan.collector.component import Consumer, Factory, Kind
from tollspan.collector.rewriter import Rewriter, same_for_all
from tollspan.errors import ConfigError
from tollspan.otlp._message import Message
from tollspan.otlp.request_walk import RESOURCE, Visitors
from tollspan.otlp.signals import Signal

RESOURCE_ATTRIBUTES = 1 << 3 | 2


class ResourceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`processors::resource`."""

    attributes: list[Action] = []

    def problems(self) -> Iterator[ConfigError]:
        """Actions that cannot be done."""
        if not self.attributes:
            yield ConfigError("attributes", 'missing required field "attributes"')
        yield from action_problems("attributes", self.attributes)


def build(config: ResourceConfig, consumer: Consumer) -> Rewriter:
    """The processor of this configuration."""
    edit = compile_actions(config.attributes)

    def visit(entry: Message) -> bool:
        edit(entry.part(RESOURCE), RESOURCE_ATTRIBUTES)
        return True

    walks = same_for_all({signal: [Visitors(resource=visit)] for signal in Signal})
    return Rewriter(walks, consumer)


FACTORY = Factory(kind=Kind.PROCESSOR, type="resource", config=ResourceConfig, build=build)
