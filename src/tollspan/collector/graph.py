"""A configuration built into connected components, started and stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from tollspan.collector.component import (
    Component,
    Condition,
    Consumer,
    Heir,
    Host,
    Kind,
    Reporter,
)
from tollspan.collector.config.expand import join
from tollspan.collector.config.validate import Configuration, Part, Pipeline
from tollspan.collector.door import Door
from tollspan.collector.fan_out import FanOut
from tollspan.collector.ledger import Ledger
from tollspan.errors import ConfigError
from tollspan.otlp.signals import Signal

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """What a factory built: a Component, and for a processor or exporter a Consumer too."""

    kind: Kind
    id: str
    component: Any
    part: Part
    durable_downstream: bool = False

    def __str__(self) -> str:
        return f"{self.kind.value}::{self.id}"


class Graph:
    """Built components in the order in which they start; they stop in the opposite one.

    Those in `reused` run already, started by the graph before this one.
    """

    def __init__(self, nodes: Iterable[Node], reused: Sequence[Node] = ()) -> None:
        self.nodes = tuple(nodes)
        self._started = [node for node in self.nodes if node in reused]
        self.extensions: Mapping[str, Component] = {
            node.id: node.component for node in self.nodes if node.kind is Kind.EXTENSION
        }

    async def start(self, host_for: Callable[[Node], Host]) -> None:
        """Every component runs. When one raises, its error goes on, and those before it still run."""
        for node in self.nodes:
            if node in self._started:
                continue
            try:
                await node.component.start(host_for(node))
            except BaseException as error:
                error.add_note(f"while starting {node}")
                raise
            self._started.append(node)

    async def shutdown(self, deadline_s: float, successor: Graph | None = None) -> None:
        """Every component that had started is stopped within about `deadline_s`; the rest is cancelled.

        Exporters stop side by side. One that hangs has half of the time that is left, and
        one that fails is logged: neither keeps the others from stopping. What a `successor`
        reuses goes on, and an exporter that it has too hands its queue over to it.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        going_on = successor.nodes if successor else ()
        heirs = {str(node): node.component for node in going_on if isinstance(node.component, Heir)}
        waiting = [node for node in self._started if node not in going_on]
        if successor:
            waiting += [n for n in self.nodes if n not in self._started and str(n) in heirs]
        self._started.clear()
        while waiting:
            group = [waiting.pop()]
            while waiting and group[0].kind is waiting[-1].kind is Kind.EXPORTER:
                group.append(waiting.pop())
            until = loop.time() + (deadline - loop.time()) / 2
            await asyncio.gather(*(_stop(node, until, heirs.get(str(node))) for node in group))

    def conditions(self) -> dict[str, Condition]:
        """How every running component that is a Reporter is doing."""
        reporters = (node for node in self._started if isinstance(node.component, Reporter))
        return {str(node): node.component.condition() for node in reporters}

    def reusable(self, configuration: Configuration) -> dict[str, Node]:
        """The running exporters that `configuration` leaves as they are, with the extensions they name."""
        running = {str(node): node for node in self._started}
        reused: dict[str, Node] = {}
        for name in configuration.parts[Kind.EXPORTER]:
            reused |= _unchanged(Kind.EXPORTER, name, configuration, running) or {}
        return reused


def _unchanged(
    kind: Kind, name: str, configuration: Configuration, running: Mapping[str, Node]
) -> dict[str, Node] | None:
    """The running node and those of all extensions behind it, unless any of them is to change."""
    node, part = running.get(f"{kind.value}::{name}"), configuration.parts[kind].get(name)
    if node is None or part is None or (node.part.factory, node.part.config) != (part.factory, part.config):
        return None
    found = {str(node): node}
    for reference in part.references:
        behind = _unchanged(Kind.EXTENSION, reference.extension_id, configuration, running)
        if behind is None:
            return None
        found |= behind
    return found


async def _stop(node: Node, until: float, heir: Heir | None) -> None:
    try:
        async with asyncio.timeout_at(until):
            if heir is None:
                await node.component.shutdown()
            else:
                heir.inherit(await node.component.hand_over())
    except Exception:
        _log.exception("component_did_not_stop", component=str(node))


def build(configuration: Configuration, running: Graph | None = None, ledger: Ledger | None = None) -> Graph:
    """The components of `configuration`, connected and not started, except those reused from `running`.

    What comes in, and what is given to several exporters, is counted in `ledger`.

    Raises an ExceptionGroup of ConfigErrors when a reference names an extension of the
    wrong kind, and a component's own ConfigError with its full path.
    """
    ledger = ledger or Ledger()
    parts = configuration.parts
    reused = running.reusable(configuration) if running else {}

    def make(kind: Kind, name: str, *consumers: Any) -> Node:
        return reused.get(f"{kind.value}::{name}") or _build(kind, name, parts[kind][name], *consumers)

    extensions = {name: make(Kind.EXTENSION, name) for name in configuration.extensions}
    _check_references(configuration, extensions)
    exporters = {name: make(Kind.EXPORTER, name) for name in parts[Kind.EXPORTER]}
    nodes = [*extensions.values(), *exporters.values()]
    heads: dict[str, Consumer] = {}
    for pipeline in configuration.pipelines:
        ends = [exporters[name].component for name in pipeline.components[Kind.EXPORTER]]
        durable = any(getattr(end, "durable", False) for end in ends)
        head = _fan_out(ends, ledger)
        for name in reversed(pipeline.components[Kind.PROCESSOR]):
            node = make(Kind.PROCESSOR, name, head)
            nodes.append(replace(node, durable_downstream=durable))
            head = node.component
        heads[pipeline.id] = head
    nodes += [
        make(Kind.RECEIVER, name, _consumers(name, configuration.pipelines, heads, ledger))
        for name in parts[Kind.RECEIVER]
    ]
    return Graph(nodes, tuple(reused.values()))


def _build(kind: Kind, name: str, part: Part, *consumers: Any) -> Node:
    try:
        return Node(kind, name, part.factory.build(part.config, *consumers), part)
    except ConfigError as error:
        raise ConfigError(join(f"{kind.value}::{name}", error.path), error.problem, error.hint) from error


def _consumers(
    receiver: str, pipelines: Iterable[Pipeline], heads: Mapping[str, Consumer], ledger: Ledger
) -> dict[Signal, Consumer]:
    """What the receiver feeds: for each signal every pipeline that lists it."""
    branches: dict[Signal, list[Consumer]] = {}
    for pipeline in pipelines:
        if receiver in pipeline.components[Kind.RECEIVER]:
            branches.setdefault(pipeline.signal, []).append(heads[pipeline.id])
    return {signal: Door(_fan_out(consumers, ledger), ledger) for signal, consumers in branches.items()}


def _fan_out(branches: Sequence[Consumer], ledger: Ledger) -> Consumer:
    return branches[0] if len(branches) == 1 else FanOut(branches, ledger)


def _check_references(configuration: Configuration, extensions: Mapping[str, Node]) -> None:
    problems = [
        ConfigError(reference.path, f'"{reference.extension_id}" is not an {reference.protocol.__name__}')
        for parts in configuration.parts.values()
        for part in parts.values()
        for reference in part.references
        if not isinstance(extensions[reference.extension_id].component, reference.protocol)
    ]
    if problems:
        raise ExceptionGroup("invalid configuration", problems)
