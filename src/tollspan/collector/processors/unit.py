"""Says whose each span, data point and log record is: sets `tollspan.unit` and `tollspan.parent_unit`.

    processors:
      unit:
        unit:
          from_attribute: customer.id
          table: {"17": acme, "18": globex}
        parent_unit:
          from_resource: k8s.namespace.name
          default: shared

A unit is what costs are counted for: a customer, a user, an agent; its parent what it belongs
to. Of the sources that are given, the first that has something counts: `from_attribute`,
`from_resource`, `from_tenant` (the tenant of the credential that sent it), `default`. A `table`
translates what was found; what is not in it counts as nothing. A record that has a unit keeps
it, under whichever name it came, unless `override` is true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from tollspan.collector.attribute_actions import Edit, attribute_visitors
from tollspan.collector.component import Consumer, Factory, Kind
from tollspan.collector.ottl.paths import ABOVE, ancestor
from tollspan.collector.ottl.values import text_of
from tollspan.collector.rewriter import Rewriter
from tollspan.errors import ConfigError
from tollspan.otlp._message import Message, build_value
from tollspan.otlp.batch import Batch
from tollspan.otlp.request_walk import RESOURCE, Visitors
from tollspan.otlp.signals import Signal

NAMES = {
    "unit": (b"tollspan.unit", b"unomiq.unit", b"unomiq_unit"),
    "parent_unit": (b"tollspan.parent_unit", b"unomiq.parent_unit", b"unomiq_parent_unit"),
}
"""The attribute that is set, then those that count as set too."""

RESOURCE_ATTRIBUTES = 1 << 3 | 2

_LEVELS_TO_RESOURCE = {
    Signal.TRACES: ABOVE["span"]["resource"],
    Signal.METRICS: ABOVE["datapoint"]["resource"],
    Signal.LOGS: ABOVE["log"]["resource"],
}


class SourceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`unit` or `parent_unit`: where it comes from."""

    from_attribute: str = ""
    from_resource: str = ""
    from_tenant: bool = False
    default: str = ""
    table: dict[str, str] = {}
    override: bool = False

    def problems(self) -> Iterator[ConfigError]:
        """A block that gives no source."""
        if not (self.from_attribute or self.from_resource or self.from_tenant or self.default):
            yield ConfigError("", "needs from_attribute, from_resource, from_tenant or default")


class UnitConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`processors::unit`."""

    unit: SourceConfig | None = None
    parent_unit: SourceConfig | None = None

    def problems(self) -> Iterator[ConfigError]:
        """A processor that does nothing."""
        if self.unit is None and self.parent_unit is None:
            yield ConfigError("", "needs unit or parent_unit")


def build(config: UnitConfig, consumer: Consumer) -> Rewriter:
    """The processor of this configuration."""
    sources = {"unit": config.unit, "parent_unit": config.parent_unit}

    def walks(batch: Batch) -> Sequence[Visitors]:
        edits = [_edit(name, source, batch) for name, source in sources.items() if source is not None]

        def edit_all(record: Message, tag: int) -> None:
            for edit in edits:
                edit(record, tag)

        return [attribute_visitors(batch.signal, edit_all)]

    return Rewriter(walks, consumer)


def _edit(name: str, source: SourceConfig, batch: Batch) -> Edit:
    names = NAMES[name]
    attribute, of_resource = source.from_attribute.encode(), source.from_resource.encode()
    resource_entry = ancestor(_LEVELS_TO_RESOURCE[batch.signal])
    tenant = batch.tenant if source.from_tenant else ""

    def found(record: Message, tag: int) -> Iterator[str]:
        if attribute:
            yield text_of(record.attribute(tag, attribute))
        if of_resource:
            resource = resource_entry(record).part(RESOURCE)
            yield text_of(resource.attribute(RESOURCE_ATTRIBUTES, of_resource))
        yield tenant

    def edit(record: Message, tag: int) -> None:
        if not source.override and any(record.attribute_wire(tag, known) is not None for known in names):
            return
        texts = (source.table.get(text, "") if source.table else text for text in found(record, tag))
        unit = next(filter(None, texts), source.default)
        if unit:
            record.set_attribute(tag, names[0], build_value(unit))

    return edit


FACTORY = Factory(kind=Kind.PROCESSOR, type="unit", config=UnitConfig, build=build)
