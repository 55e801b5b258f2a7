"""The actions of the processors `attributes` and `resource` on the attributes of one message."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import msgspec

from tollspan.collector.ottl.accessors import encoded
from tollspan.collector.ottl.converters import to_double, to_int, to_string
from tollspan.collector.ottl.paths import ABOVE, POINT_ATTRIBUTES, ancestor, point_type
from tollspan.collector.ottl.values import EvaluationError, regex, searcher
from tollspan.errors import ConfigError
from tollspan.otlp._message import Message, build_value
from tollspan.otlp.request_walk import Visit, Visitors
from tollspan.otlp.signals import Signal

Edit = Callable[[Message, int], None]
"""Edits the attributes in a message's KeyValue field with that tag."""

RECORD_ATTRIBUTES = {Signal.TRACES: 9 << 3 | 2, Signal.LOGS: 6 << 3 | 2}
"""The tag of the attributes of a span and of a log record."""

_SETTING = ("insert", "update", "upsert")
_CONVERSIONS: dict[str, Callable[[Any], Any]] = {"int": to_int, "double": to_double, "string": to_string}


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `actions`; which fields it needs depends on `action`, whose case does not count."""

    key: str = ""
    action: str
    value: Any = None
    from_attribute: str = ""
    default_value: Any = None
    pattern: str = ""
    converted_type: Literal["", "int", "double", "string"] = ""

    @property
    def kind(self) -> str:
        """The action's name in lower case."""
        return self.action.lower()

    def faults(self) -> Iterator[str]:
        """What is wrong with it, in words."""
        if self.kind not in _COMPILERS:
            yield f"unsupported action {self.action!r}; there are {', '.join(_COMPILERS)}"
            return
        if not self.key and not (self.kind in ("delete", "hash") and self.pattern):
            yield 'missing required field "key"'
        sources = [self.value is not None, bool(self.from_attribute)]
        if self.kind in _SETTING and sum(sources) != 1:
            yield 'exactly one of "value" and "from_attribute" must be given'
        if self.kind not in _SETTING and any(sources):
            yield f'action "{self.kind}" takes neither "value" nor "from_attribute"'
        if self.kind == "convert" and not self.converted_type:
            yield 'missing required field "converted_type"'
        yield from self._pattern_faults()
        for value in (self.value, self.default_value):
            try:
                encoded(value)
            except EvaluationError as error:
                yield f"the value {error}"

    def _pattern_faults(self) -> Iterator[str]:
        if self.kind == "extract" and not self.pattern:
            yield 'missing required field "pattern"'
        if self.pattern and self.kind not in ("delete", "hash", "extract"):
            yield f'action "{self.kind}" takes no "pattern"'
        try:
            groups = regex(self.pattern)
        except ValueError as error:
            yield str(error)
            return
        if self.kind == "extract" and (not groups.groups or len(groups.groupindex) != groups.groups):
            yield 'every group of "pattern" must have a name, and there must be one'


def action_problems(key: str, actions: Iterable[Action]) -> Iterator[ConfigError]:
    """The faults of all actions in the list at `key`, in the Collector's words."""
    for row, action in enumerate(actions):
        for fault in action.faults():
            yield ConfigError(f"{key}::{row}", f"error creating AttrProc: {fault} at the {row}-th actions")


def compile_actions(actions: Iterable[Action]) -> Edit:
    """All actions in their order, which have no faults."""
    edits = [_COMPILERS[action.kind](action) for action in actions]

    def edit_all(message: Message, tag: int) -> None:
        for edit in edits:
            edit(message, tag)

    return edit_all


def attribute_visitors(
    signal: Signal, edit: Edit, chosen: Callable[[Message], bool] | None = None
) -> Visitors:
    """Edits the attributes of each span, data point or log record, where its record is chosen."""
    if signal is Signal.METRICS:
        return Visitors(detail=_point_visit(edit, chosen))
    tag = RECORD_ATTRIBUTES[signal]

    def visit(record: Message) -> bool:
        if chosen is None or chosen(record):
            edit(record, tag)
        return True

    return Visitors(record=visit)


def _point_visit(edit: Edit, chosen: Callable[[Message], bool] | None) -> Visit:
    metric_of = ancestor(ABOVE["datapoint"]["metric"])

    def visit(point: Message) -> bool:
        if chosen is None or chosen(metric_of(point)):
            edit(point, POINT_ATTRIBUTES[point_type(point)])
        return True

    return visit


def _source(action: Action) -> Callable[[Message, int], bytes | None]:
    """The AnyValue that the action sets; None when its source is absent and it has no default."""
    default = None if action.default_value is None else build_value(action.default_value)
    if action.from_attribute:
        source = action.from_attribute.encode()

        def copied(message: Message, tag: int) -> bytes | None:
            found = message.attribute_wire(tag, source)
            return default if found is None else found

        return copied
    constant = build_value(action.value)
    return lambda message, tag: constant


def _insert(action: Action) -> Edit:
    key, source = action.key.encode(), _source(action)

    def insert(message: Message, tag: int) -> None:
        if message.attribute_wire(tag, key) is None:
            _set(message, tag, key, source(message, tag))

    return insert


def _update(action: Action) -> Edit:
    key, source = action.key.encode(), _source(action)

    def update(message: Message, tag: int) -> None:
        if message.attribute_wire(tag, key) is not None:
            _set(message, tag, key, source(message, tag))

    return update


def _upsert(action: Action) -> Edit:
    key, source = action.key.encode(), _source(action)
    return lambda message, tag: _set(message, tag, key, source(message, tag))


def _set(message: Message, tag: int, key: bytes, value: bytes | None) -> None:
    if value is not None:
        message.set_attribute(tag, key, value)


def _delete(action: Action) -> Edit:
    key = action.key.encode()
    if not action.pattern:
        return lambda message, tag: message.delete_attribute(tag, key)
    matches = searcher(action.pattern)
    return lambda message, tag: message.keep_attributes(
        tag, lambda name: name != action.key and not matches(name)
    )


def _hash(action: Action) -> Edit:
    matches = searcher(action.pattern) if action.pattern else None

    def hash_values(message: Message, tag: int) -> None:
        names = [name for name in message.attributes(tag) if matches(name)] if matches else []
        for name in dict.fromkeys([*([action.key] if action.key else []), *names]):
            key = name.encode()
            if message.attribute_wire(tag, key) is not None:
                message.set_attribute(tag, key, build_value(_digest(message.attribute(tag, key))))

    return hash_values


def _digest(value: Any) -> str:
    """The SHA-256 of a scalar in lower-case hexadecimal; empty for everything else."""
    match value:
        case str() if value:
            data = value.encode()
        case bool():
            data = bytes([value])
        case int():
            data = struct.pack("<q", value)
        case float():
            data = struct.pack("<d", value)
        case _:
            return ""
    return hashlib.sha256(data).hexdigest()


def _extract(action: Action) -> Edit:
    key, pattern = action.key.encode(), regex(action.pattern)

    def extract(message: Message, tag: int) -> None:
        value = message.attribute(tag, key)
        match = pattern.search(value) if isinstance(value, str) else None
        if match is not None:
            for name, text in match.groupdict().items():
                message.set_attribute(tag, name.encode(), build_value(text or ""))

    return extract


def _convert(action: Action) -> Edit:
    key, conversion = action.key.encode(), _CONVERSIONS[action.converted_type]

    def convert(message: Message, tag: int) -> None:
        value = message.attribute(tag, key)
        converted = conversion(value)
        if converted is not None and type(converted) is not type(value):
            message.set_attribute(tag, key, build_value(converted))

    return convert


_COMPILERS: dict[str, Callable[[Action], Edit]] = {
    "insert": _insert,
    "update": _update,
    "upsert": _upsert,
    "delete": _delete,
    "hash": _hash,
    "extract": _extract,
    "convert": _convert,
}
