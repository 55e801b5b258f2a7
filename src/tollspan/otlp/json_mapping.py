"""OTLP/JSON to protobuf and back (OTLP 1.11, "JSON Protobuf Encoding").

Where it leaves protobuf's own JSON mapping: ids are hexadecimal, enums are numbers only,
names are lowerCamelCase only. Of two equal names in an object the last counts, as in
every JSON parser.

The parser is the standard library's. Unlike orjson it keeps integers beyond 64 bits
exact, so that they can be refused instead of rounded; unlike orjson and msgspec it lets a
lone surrogate pass, so that the fault costs one record and has a name. It is not the slow
part, and the SDK needs nothing installed to import this.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tollspan.errors import LimitError, WireError
from tollspan.otlp.json_scalars import SCALARS, ValueFault
from tollspan.otlp.messages import MESSAGES, REQUESTS, Field
from tollspan.otlp.protobuf import WireType, field_bytes, read_fields, read_packed, tag
from tollspan.otlp.signals import Signal

VALUES_MAX = 1_000_000
"""JSON values in a request. Python keeps some fifty bytes and more for a value that takes three in JSON."""

DEPTH_MAX = 32
"""Lists and maps inside each other in one value; `_decode` takes as many."""

PROBLEMS_MAX = 5
"""Problems that are told; all are counted."""

_ITEMS = frozenset({"spans", "dataPoints", "logRecords"})
"""The fields that hold what is counted as an item."""

_CONTAINERS = frozenset({"ArrayValue", "KeyValueList"})

_BY_NAME = {message: {field.name: field for field in fields} for message, fields in MESSAGES.items()}
_BY_NUMBER = {message: {field.number: field for field in fields} for message, fields in MESSAGES.items()}


@dataclass(frozen=True, slots=True)
class MappedRequest:
    """A request in protobuf, how many items were left out of it, and why (the first few)."""

    wire: bytes
    rejected: int
    problems: list[str]


def json_to_wire(
    signal: Signal, body: bytes, *, values_max: int = VALUES_MAX, depth_max: int = DEPTH_MAX
) -> MappedRequest:
    """The OTLP/JSON request `body` as protobuf.

    A fault inside a span, data point or log record costs that item alone; a fault in a
    metric's own fields costs its points. WireError, with the path of the field, when a
    fault lies elsewhere or leaves nothing of the request; also for what is not JSON.
    LimitError when there may be more than `values_max` values, before any is made.
    Ids of a wrong length pass: `_decode` judges them, as it does those of protobuf requests.
    """
    if sum(map(body.count, (b"{", b"[", b","))) > values_max:
        raise LimitError("JSON values in one request", values_max)
    writer = _Writer(depth_max)
    try:
        wire = writer.message(REQUESTS[signal], _parse(body), 0)
    except ValueFault as fault:
        raise WireError(writer.problem(fault)) from fault
    if writer.rejected and not writer.accepted:
        raise WireError(writer.problems[0])
    return MappedRequest(wire, writer.rejected, writer.problems)


def wire_to_json(signal: Signal, wire: bytes) -> bytes:
    """The protobuf request `wire` as OTLP/JSON; WireError where it is broken."""
    return _dump(_read(REQUESTS[signal], wire, 0)).encode()


def any_value_to_json(wire: bytes, member: int = 0) -> str:
    """The OTLP/JSON text of an AnyValue.

    `wire` is the whole AnyValue, or the payload of its field `member`: the decoder hands out
    an ArrayValue (5) or KeyValueList (6) without what is around it. WireError where
    it is broken.
    """
    return _dump(_read("AnyValue", field_bytes(member, wire) if member else wire, 0))


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise WireError("not OTLP/JSON: nested too deep") from None
    except ValueError as error:  # a syntax error, invalid UTF-8, an integer of thousands of digits
        raise WireError(f"not OTLP/JSON: {error}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f'{name} stands without quotes; write "{name}"')


def _dump(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@dataclass(slots=True)
class _Writer:
    """Writes JSON values as protobuf; knows where in the request it is, and counts the items."""

    depth_max: int
    path: list[str | int] = field(default_factory=list)
    accepted: int = 0
    rejected: int = 0
    problems: list[str] = field(default_factory=list)

    def problem(self, fault: ValueFault) -> str:
        """The fault and the path of the value that was being written."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return f"{''.join(steps).lstrip('.') or 'the request'}: {fault}"

    def message(self, name: str, document: Any, depth: int) -> bytes:
        """`document` as a message called `name`, which sits in `depth` lists and maps."""
        if not isinstance(document, dict):
            raise ValueFault("expected an object")
        depth += name in _CONTAINERS
        if depth > self.depth_max:
            raise ValueFault(f"values are nested more than {self.depth_max} deep")
        wire = []
        members: dict[str, str] = {}
        for key, value in document.items():
            known = _BY_NAME[name].get(key)
            if known is None or value is None:
                continue
            self.path.append(key)
            if known.oneof and members.setdefault(known.oneof, key) != key:
                raise ValueFault(f"cannot be set together with {members[known.oneof]}")
            wire.append(self.field(known, value, depth))
            self.path.pop()
        return b"".join(wire)

    def field(self, known: Field, value: Any, depth: int) -> bytes:
        """`value` as the whole field `known`."""
        scalar = SCALARS.get(known.type)
        packed = scalar is not None and known.repeated and scalar.wire_type is not WireType.LEN

        head = b"" if scalar is None or packed else tag(known.number, scalar.wire_type)

        def write(element: Any) -> bytes:
            if scalar is None:
                return field_bytes(known.number, self.message(known.type, element, depth))
            return head + scalar.write(element)

        if not known.repeated:
            return write(value)
        wire = self.elements(known.name, value, write)
        return field_bytes(known.number, wire) if packed else wire

    def elements(self, name: str, values: Any, write: Callable[[Any], bytes]) -> bytes:
        """Each of `values`, written; an item that cannot be is dropped."""
        if not isinstance(values, list):
            raise ValueFault("expected an array")
        wire = []
        level = len(self.path)
        for index, value in enumerate(values):
            self.path.append(index)
            before = self.accepted, self.rejected
            try:
                wire.append(write(value))
                self.accepted += name in _ITEMS
            except ValueFault as fault:
                if name not in _ITEMS and name != "metrics":
                    raise
                self.accepted, self.rejected = before
                self.rejected += 1 if name in _ITEMS else _points(value)
                if len(self.problems) < PROBLEMS_MAX:
                    self.problems.append(self.problem(fault))
            del self.path[level:]
        return b"".join(wire)


def _points(metric: Any) -> int:
    """How many data points are lost with `metric`; at least the metric itself counts."""
    members = metric.values() if isinstance(metric, dict) else ()
    points = (data.get("dataPoints") for data in members if isinstance(data, dict))
    return sum(len(some) for some in points if isinstance(some, list)) or 1


def _read(name: str, wire: bytes, depth: int) -> dict[str, Any]:
    """The message called `name` in `wire`, which sits in `depth` lists and maps, as a JSON object."""
    depth += name in _CONTAINERS
    if depth > DEPTH_MAX:
        raise WireError(f"values are nested more than {DEPTH_MAX} deep")
    fields = _BY_NUMBER[name]
    payloads: dict[int, list[Any]] = {}
    for number, wire_type, payload in read_fields(wire):
        known = fields.get(number)
        elements = _elements(known, wire_type, payload) if known else None
        if known is None or elements is None:
            continue
        if known.oneof:
            for rival in [
                other for other in payloads if other != number and fields[other].oneof == known.oneof
            ]:
                del payloads[rival]
        payloads.setdefault(number, []).extend(elements)
    return {fields[number].name: _values(fields[number], found, depth) for number, found in payloads.items()}


def _elements(known: Field, wire_type: WireType, payload: int | bytes) -> list[Any] | None:
    """The payloads in one occurrence of a field: more than one when packed, None when it is another's."""
    scalar = SCALARS.get(known.type)
    expected = scalar.wire_type if scalar else WireType.LEN
    if wire_type is expected:
        return [payload]
    if known.repeated and isinstance(payload, bytes):
        return list(read_packed(payload, expected))
    return None


def _values(known: Field, payloads: list[Any], depth: int) -> Any:
    """What JSON shows of a field that occurred with `payloads`."""
    scalar = SCALARS.get(known.type)
    if scalar is None and not known.repeated:
        # Occurrences of one message are its parts, and concatenating merges them.
        return _read(known.type, b"".join(payloads), depth)
    values = [scalar.read(payload) if scalar else _read(known.type, payload, depth) for payload in payloads]
    return values if known.repeated else values[-1]
