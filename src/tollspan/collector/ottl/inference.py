"""Which context statements and conditions belong to, where the configuration does not say."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from tollspan.collector.ottl import syntax
from tollspan.collector.ottl.functions import OF_CONTEXT
from tollspan.collector.ottl.paths import ALIASES
from tollspan.otlp.signals import Signal

CONTEXTS = {
    Signal.TRACES: ("resource", "scope", "span", "spanevent"),
    Signal.METRICS: ("resource", "scope", "metric", "datapoint"),
    Signal.LOGS: ("resource", "scope", "log"),
}
"""The contexts of a signal, from the request down."""

RECORDS = {Signal.TRACES: "span", Signal.METRICS: "metric", Signal.LOGS: "log"}
"""The context of a signal's records."""


def infer_context(signal: Signal, trees: Iterable[syntax.Node | syntax.Statement]) -> str:
    """The lowest of the signal's contexts that the trees name; that of its records when they name none."""
    contexts = CONTEXTS[signal]
    named = {name for tree in trees for name in _names(tree)} & set(contexts)
    return max(named, key=contexts.index, default=RECORDS[signal])


def _names(tree: Any) -> Iterator[str]:
    """Whatever may be the name of a context in the tree."""
    match tree:
        case syntax.Path():
            yield ALIASES.get(tree.names[0], tree.names[0])
        case syntax.Call():
            yield from (context for context, functions in OF_CONTEXT.items() if tree.name in functions)
    if dataclasses.is_dataclass(tree):
        for field in dataclasses.fields(tree):
            yield from _names(getattr(tree, field.name))
    elif isinstance(tree, tuple):
        for part in tree:
            yield from _names(part)
