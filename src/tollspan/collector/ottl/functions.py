"""What the functions of OTTL take, and calls to them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, get_args, get_origin, get_type_hints

from tollspan.collector.ottl.accessors import Getter
from tollspan.collector.ottl.converters import CONVERTERS
from tollspan.collector.ottl.editors import Target
from tollspan.collector.ottl.paths import FIELDS
from tollspan.collector.ottl.values import expect
from tollspan.otlp._message import Message
from tollspan.otlp.request_walk import metric_data

_DATA_POINTS = 1 << 3 | 2
_PARENT_SPAN_ID = 4 << 3 | 2


REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Parameter:
    """`kind` is the type that the argument must have, None when the function takes any.

    `default` is what an argument that is left out counts as, `REQUIRED` that there is none.
    """

    name: str
    kind: type | None
    default: Any

    @property
    def required(self) -> bool:
        """Whether the argument must be given."""
        return self.default is REQUIRED


@dataclass(frozen=True, slots=True)
class Function:
    """A function under its OTTL name; `bound` says that it gets the message at hand first."""

    call: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    bound: bool


def is_root_span(span: Message) -> bool:
    parent = span.raw(_PARENT_SPAN_ID)
    return not parent or not any(parent)


def has_attribute_key_on_datapoint(metric: Message, key: str) -> bool:
    return any(key in found for found in _attributes_of_points(metric))


def has_attribute_on_datapoint(metric: Message, key: str, value: str) -> bool:
    return any(found.get(key) == value for found in _attributes_of_points(metric))


def _attributes_of_points(metric: Message) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def visit(point: Message) -> bool:
        found.append(FIELDS["datapoint"]["attributes"].get(point))
        return True

    data = metric_data(metric)
    if data is not None:
        data.each(_DATA_POINTS, visit)
    return found


OF_CONTEXT: Mapping[str, Mapping[str, Callable[..., Any]]] = MappingProxyType({
    "span": {"IsRootSpan": is_root_span},
    "metric": {
        "HasAttrKeyOnDatapoint": has_attribute_key_on_datapoint,
        "HasAttrOnDatapoint": has_attribute_on_datapoint,
    },
})  # fmt: skip
"""Converters that need the record of one context."""


def converters(context: str) -> Mapping[str, Callable[..., Any]]:
    """The converters that may be called in `context`, by name."""
    return {**CONVERTERS, **OF_CONTEXT.get(context, {})}


@cache
def function(call: Callable[..., Any]) -> Function:
    """What `call` takes, from its annotations."""
    hints = get_type_hints(call)
    listed = list(inspect.signature(call).parameters.values())
    bound = bool(listed) and hints[listed[0].name] is Message
    parameters = tuple(Parameter(p.name, _kind(hints[p.name]), p.default) for p in listed[bound:])
    return Function(call, parameters, bound)


def _kind(hint: Any) -> type | None:
    if hint is Any:
        return None
    alternatives = [kind for kind in get_args(hint) if kind is not type(None)]
    if get_origin(hint) in (list, dict):
        origin: type = get_origin(hint)
        return origin
    if alternatives:
        return _kind(alternatives[0])
    kind: type = hint
    return kind


def call(of: Function, arguments: Mapping[str, Getter]) -> Getter:
    """A call of the function with what the arguments give for the message at hand, checked for their kind."""
    bare = of.call
    getters = [_argument(parameter, arguments.get(parameter.name)) for parameter in of.parameters]
    if of.bound:
        return lambda message: bare(message, *[get(message) for get in getters])
    return lambda message: bare(*[get(message) for get in getters])


def _argument(parameter: Parameter, get: Getter | None) -> Getter:
    kind = parameter.kind
    if get is None:
        return lambda message: parameter.default
    if kind is None or kind is Target:
        return get
    return lambda message: expect(kind, get(message))
