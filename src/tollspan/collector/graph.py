"""A configuration built into connected components, started and stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from tollspan.collector.component import Component, Consumer, Host, Kind, Receipt
from tollspan.collector.config.expand import join
from tollspan.collector.config.validate import Configuration, Part, Pipeline
from tollspan.errors import ConfigError, DeliveryError, LimitError, RetryableError, StoreError, WireError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

_log = structlog.get_logger()


class FanOut:
    """Gives every batch to all branches at once; a slow or failing branch does not keep it from the others.

    The caller gets one answer for all. Data that one branch can still take must not be
    lost, so a failure that may pass goes before one that will not: the batch is offered
    again as long as any branch may yet take it, and the branches that did take it get it
    twice (a store recognises what it has by its content). From mild to severe:

    1. every branch took it: the receipt with the most rejected items
    2. PermanentError, WireError, LimitError: no branch wants it again
    3. RetryableError, StoreError that may pass: the one with the longest wait
    4. anything else: a defect, treated like 3 by the receiver
    """

    def __init__(self, branches: Sequence[Consumer]) -> None:
        self._branches = branches

    async def consume(self, batch: Batch) -> Receipt:
        """The outcome of all branches, each awaited to its end."""
        calls = (branch.consume(batch) for branch in self._branches)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if errors:
            worst = max(errors, key=_severity)
            _log.warning(
                "pipeline_branches_failed", failed=len(errors), branches=len(outcomes), worst=repr(worst)
            )
            raise worst
        return max((o for o in outcomes if isinstance(o, Receipt)), key=lambda receipt: receipt.rejected)


def _severity(error: BaseException) -> tuple[int, float]:
    match error:
        case RetryableError():
            return 1, error.after_s or 0.0
        case StoreError() if error.retryable:
            return 1, 0.0
        case DeliveryError() | WireError() | LimitError() | StoreError():
            return 0, 0.0
    return 2, 0.0


@dataclass(frozen=True, slots=True)
class Node:
    """What a factory built: a Component, and for a processor or exporter a Consumer too."""

    kind: Kind
    id: str
    component: Any

    def __str__(self) -> str:
        return f"{self.kind.value}::{self.id}"


class Graph:
    """Built components in the order in which they start; they stop in the opposite one."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._nodes = tuple(nodes)
        self._started: list[Node] = []
        self.extensions: Mapping[str, Component] = {
            node.id: node.component for node in self._nodes if node.kind is Kind.EXTENSION
        }

    async def start(self, host_for: Callable[[Node], Host]) -> None:
        """Every component runs. When one raises, its error goes on, and those before it still run."""
        for node in self._nodes:
            try:
                await node.component.start(host_for(node))
            except BaseException as error:
                error.add_note(f"while starting {node}")
                raise
            self._started.append(node)

    async def shutdown(self, deadline_s: float) -> None:
        """Every component that had started is stopped, all within `deadline_s`; the rest is cancelled.

        One that fails to stop is logged and does not keep the others from stopping.
        """
        deadline = asyncio.get_running_loop().time() + deadline_s
        while self._started:
            node = self._started.pop()
            try:
                async with asyncio.timeout_at(deadline):
                    await node.component.shutdown()
            except Exception:
                _log.exception("component_did_not_stop", component=str(node))


def build(configuration: Configuration) -> Graph:
    """The components of `configuration`, connected and not started.

    Raises an ExceptionGroup of ConfigErrors when a reference names an extension of the
    wrong kind, and a component's own ConfigError with its full path.
    """
    parts = configuration.parts
    extensions = {
        name: _build(Kind.EXTENSION, name, parts[Kind.EXTENSION][name]) for name in configuration.extensions
    }
    _check_references(configuration, extensions)
    exporters = {name: _build(Kind.EXPORTER, name, part) for name, part in parts[Kind.EXPORTER].items()}
    nodes = [*extensions.values(), *exporters.values()]
    heads: dict[str, Consumer] = {}
    for pipeline in configuration.pipelines:
        head = _fan_out([exporters[name].component for name in pipeline.components[Kind.EXPORTER]])
        for name in reversed(pipeline.components[Kind.PROCESSOR]):
            node = _build(Kind.PROCESSOR, name, parts[Kind.PROCESSOR][name], head)
            nodes.append(node)
            head = node.component
        heads[pipeline.id] = head
    for name, part in parts[Kind.RECEIVER].items():
        nodes.append(_build(Kind.RECEIVER, name, part, _consumers(name, configuration.pipelines, heads)))
    return Graph(nodes)


def _build(kind: Kind, name: str, part: Part, *consumers: Any) -> Node:
    try:
        return Node(kind, name, part.factory.build(part.config, *consumers))
    except ConfigError as error:
        raise ConfigError(join(f"{kind.value}::{name}", error.path), error.problem, error.hint) from error


def _consumers(
    receiver: str, pipelines: Iterable[Pipeline], heads: Mapping[str, Consumer]
) -> dict[Signal, Consumer]:
    """What the receiver feeds: for each signal every pipeline that lists it."""
    branches: dict[Signal, list[Consumer]] = {}
    for pipeline in pipelines:
        if receiver in pipeline.components[Kind.RECEIVER]:
            branches.setdefault(pipeline.signal, []).append(heads[pipeline.id])
    return {signal: _fan_out(consumers) for signal, consumers in branches.items()}


def _fan_out(branches: Sequence[Consumer]) -> Consumer:
    return branches[0] if len(branches) == 1 else FanOut(branches)


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
