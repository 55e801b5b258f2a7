"""The paths of OTTL: what each context calls its fields, and how one context reaches up to another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tollspan.collector.ottl.accessors import (
    Accessor,
    attributes,
    double,
    flag,
    hexadecimal,
    identifier,
    moment,
    signed,
    text,
    value,
    whole,
    within,
)
from tollspan.collector.ottl.values import EvaluationError, expect, text_of
from tollspan.otlp._message import Message
from tollspan.otlp.protobuf import WireType
from tollspan.otlp.request_walk import METRIC_DATA, RESOURCE, SCOPE

GAUGE, SUM, HISTOGRAM, EXPONENTIAL_HISTOGRAM, SUMMARY = METRIC_DATA

METRIC_TYPES = {tag: number for number, tag in enumerate(METRIC_DATA, start=1)}
"""METRIC_DATA_TYPE_* by the tag of the metric's data; 0 is none."""

SPAN_KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")

POINT_ATTRIBUTES = {
    GAUGE: 7 << 3 | WireType.LEN,
    SUM: 7 << 3 | WireType.LEN,
    HISTOGRAM: 9 << 3 | WireType.LEN,
    EXPONENTIAL_HISTOGRAM: 1 << 3 | WireType.LEN,
    SUMMARY: 7 << 3 | WireType.LEN,
}
"""The tag of a data point's attributes, by that of its metric's data."""

_POINT_ATTRIBUTES = {data: attributes(tag >> 3) for data, tag in POINT_ATTRIBUTES.items()}
_POINT_FLAGS = {
    GAUGE: whole(8),
    SUM: whole(8),
    HISTOGRAM: whole(10),
    EXPONENTIAL_HISTOGRAM: whole(10),
    SUMMARY: whole(8),
}
_WITH_COUNT = (HISTOGRAM, EXPONENTIAL_HISTOGRAM, SUMMARY)
_AS_DOUBLE, _AS_INT = 4 << 3 | WireType.I64, 6 << 3 | WireType.I64


def _times(name: str, number: int) -> dict[str, Accessor]:
    nanoseconds = whole(number, WireType.I64)
    return {name: moment(nanoseconds), f"{name}_unix_nano": nanoseconds}


def _ids(name: str, number: int, size: int) -> dict[str, Accessor]:
    as_bytes = identifier(number, size)
    return {name: as_bytes, f"{name}.string": hexadecimal(as_bytes)}


def _read_only(get: Callable[[Message], Any]) -> Accessor:
    return Accessor(get)


def _trace_state_item(key: str) -> Accessor:
    """One member of the W3C `tracestate` list; nil when absent."""
    state = text(3)
    assert state.set is not None, "text can be set"
    set_text = state.set

    def members(message: Message) -> dict[str, str]:
        pairs = (member.strip().partition("=") for member in state.get(message).split(","))
        return {name: member for name, _, member in pairs if name}

    def set_member(message: Message, value: Any) -> None:
        changed = {key: expect(str, value)} | {k: v for k, v in members(message).items() if k != key}
        set_text(message, ",".join(f"{name}={member}" for name, member in changed.items()))

    return Accessor(lambda message: members(message).get(key), set_member)


def _kind_name(message: Message) -> str:
    kind = message.number(6 << 3) or 0
    return SPAN_KINDS[kind] if kind < len(SPAN_KINDS) else ""


def point_type(point: Message) -> int:
    """The tag of the data that a data point belongs to; remembered for its siblings."""
    data = point.parent
    assert data is not None, "a data point is visited inside its metric"
    if data.scratch is None:
        assert data.parent is not None, "so is its data"
        data.scratch = data.parent.which(METRIC_DATA)
    tag: int = data.scratch
    return tag


def _by_type(accessors: Mapping[int, Accessor]) -> Accessor:
    """The accessor that belongs to the data point's type; nil for points that have no such field."""

    def choose(point: Message) -> Accessor:
        return accessors.get(point_type(point), _ABSENT)

    def set_value(point: Message, value: Any) -> None:
        set_ = choose(point).set
        if set_ is None:
            raise EvaluationError("a data point of this type has no such field")
        set_(point, value)

    return Accessor(lambda point: choose(point).get(point), set_value)


_ABSENT = Accessor(lambda message: None)


def _point_attributes() -> Accessor:
    whole_map = _by_type(_POINT_ATTRIBUTES)

    def item(key: str) -> Accessor:
        return _by_type({tag: of.item(key) for tag, of in _POINT_ATTRIBUTES.items() if of.item})

    def keep(point: Message, wanted: Callable[[str], bool]) -> None:
        keep_of = _POINT_ATTRIBUTES[point_type(point)].keep
        assert keep_of is not None, "attributes can be kept"
        keep_of(point, wanted)

    return Accessor(whole_map.get, whole_map.set, item, keep)


def _metric_data(metric: Message) -> Message:
    tag = metric.which(METRIC_DATA)
    if not tag:
        raise EvaluationError("the metric has no data")
    return metric.part(tag, METRIC_DATA)


def _part(tag: int, inner: Accessor) -> Accessor:
    return within(lambda message: message.part(tag), inner)


_STATUS = 15 << 3 | WireType.LEN
_BODY = value(5)

FIELDS: Mapping[str, Mapping[str, Accessor]] = MappingProxyType({
    "resource": {
        "attributes": _part(RESOURCE, attributes(1)),
        "dropped_attributes_count": _part(RESOURCE, whole(2)),
        "schema_url": text(3),
    },
    "scope": {
        "name": _part(SCOPE, text(1)),
        "version": _part(SCOPE, text(2)),
        "attributes": _part(SCOPE, attributes(3)),
        "dropped_attributes_count": _part(SCOPE, whole(4)),
        "schema_url": text(3),
    },
    "span": {
        **_ids("trace_id", 1, 16),
        **_ids("span_id", 2, 8),
        "trace_state": Accessor(text(3).get, text(3).set, _trace_state_item),
        **_ids("parent_span_id", 4, 8),
        "name": text(5),
        "kind": whole(6),
        "kind.string": _read_only(_kind_name),
        **_times("start_time", 7),
        **_times("end_time", 8),
        "attributes": attributes(9),
        "dropped_attributes_count": whole(10),
        "dropped_events_count": whole(12),
        "dropped_links_count": whole(14),
        "status.message": _part(_STATUS, text(2)),
        "status.code": _part(_STATUS, whole(3)),
        "flags": whole(16, WireType.I32),
    },
    "spanevent": {
        **_times("time", 1),
        "name": text(2),
        "attributes": attributes(3),
        "dropped_attributes_count": whole(4),
    },
    "metric": {
        "name": text(1),
        "description": text(2),
        "unit": text(3),
        "type": _read_only(lambda metric: METRIC_TYPES.get(metric.which(METRIC_DATA), 0)),
        "aggregation_temporality": within(_metric_data, whole(2)),
        "is_monotonic": within(_metric_data, flag(3)),
        "metadata": attributes(12),
    },
    "datapoint": {
        "attributes": _point_attributes(),
        **_times("start_time", 2),
        **_times("time", 3),
        "value_double": _by_type(dict.fromkeys((GAUGE, SUM), double(4, (_AS_INT,)))),
        "value_int": _by_type(dict.fromkeys((GAUGE, SUM), signed(6, (_AS_DOUBLE,)))),
        "count": _by_type(dict.fromkeys(_WITH_COUNT, whole(4, WireType.I64))),
        "sum": _by_type(dict.fromkeys(_WITH_COUNT, double(5))),
        "zero_count": _by_type({EXPONENTIAL_HISTOGRAM: whole(7, WireType.I64)}),
        "flags": _by_type(_POINT_FLAGS),
    },
    "log": {
        **_times("time", 1),
        "severity_number": whole(2),
        "severity_text": text(3),
        "body": _BODY,
        "body.string": Accessor(lambda record: text_of(_BODY.get(record)), _BODY.set),
        "attributes": attributes(6),
        "dropped_attributes_count": whole(7),
        "flags": whole(8, WireType.I32),
        **_ids("trace_id", 9, 16),
        **_ids("span_id", 10, 8),
        **_times("observed_time", 11),
        "event_name": text(12),
    },
})  # fmt: skip
"""Every path without its keys, by context."""

ALIASES = {"instrumentation_scope": "scope"}
"""Other names of contexts."""

ABOVE: Mapping[str, Mapping[str, int]] = MappingProxyType({
    "resource": {},
    "scope": {"resource": 1},
    "span": {"scope": 1, "resource": 2},
    "spanevent": {"span": 1, "scope": 2, "resource": 3},
    "metric": {"scope": 1, "resource": 2},
    "datapoint": {"metric": 2, "scope": 3, "resource": 4},
    "log": {"scope": 1, "resource": 2},
})  # fmt: skip
"""What each context reaches up to, and how many messages lie between."""


LEVELS: Mapping[str, str] = MappingProxyType({
    "resource": "resource",
    "scope": "instrumentation_scope",
    "span": "record",
    "metric": "record",
    "log": "record",
    "spanevent": "detail",
    "datapoint": "detail",
})  # fmt: skip
"""The field of `request_walk.Visitors` that visits the messages of a context."""


def ancestor(levels: int) -> Callable[[Message], Message]:
    """The message so many levels above the one at hand."""

    def climb(message: Message) -> Message:
        for _ in range(levels):
            assert message.parent is not None, "contexts are visited from the request down"
            message = message.parent
        return message

    return climb


def _scratch(message: Message) -> dict[str, Any]:
    if message.scratch is None:
        message.scratch = {}
    scratch: dict[str, Any] = message.scratch
    return scratch


def _set_scratch(message: Message, value: Any) -> None:
    message.scratch = expect(dict, value)


CACHE = Accessor(_scratch, _set_scratch)
"""`cache`: a map of the statements' own, for as long as they run over one record."""
