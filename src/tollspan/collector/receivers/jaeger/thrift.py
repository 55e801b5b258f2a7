"""A batch in Thrift's binary protocol (jaeger-idl `jaeger.thrift`; Thrift, "Binary Protocol")."""

from __future__ import annotations

import struct
from typing import Any

from tollspan.collector.receivers.jaeger.model import Budget, Process, Reference, Span, Tags
from tollspan.errors import WireError

DEPTH_MAX = 16

_BOOL, _BYTE, _DOUBLE, _I16, _I32, _I64, _STRING, _STRUCT, _MAP, _SET, _LIST = (
    2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15
)  # fmt: skip
_FORMATS = {_BOOL: ">?", _BYTE: ">b", _DOUBLE: ">d", _I16: ">h", _I32: ">i", _I64: ">q"}

Struct = dict[int, Any]


def read_batch(body: bytes) -> list[Span]:
    """The spans of a `Batch`; WireError where the bytes are none, LimitError when they hold too much."""
    try:
        batch = _Reader(body).struct(0)
        process = _process(batch.get(1, {}))
        return [_span(span, process) for span in batch.get(2, [])]
    except (struct.error, IndexError, AttributeError, TypeError, ValueError, OverflowError) as error:
        raise WireError("the body is no Jaeger batch in Thrift's binary protocol") from error


class _Reader:
    """Reads structs as dicts by field number."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._offset = 0
        self._budget = Budget()

    def struct(self, depth: int) -> Struct:
        fields: Struct = {}
        while kind := self._scalar(_BYTE):
            number = self._scalar(_I16)
            fields[number] = self._value(kind, depth + 1)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        self._budget.spend()
        if depth > DEPTH_MAX:
            raise WireError("the batch is nested too deep")
        if kind in _FORMATS:
            return self._scalar(kind)
        if kind == _STRING:
            return self._take(self._length())
        if kind == _STRUCT:
            return self.struct(depth)
        if kind in {_LIST, _SET}:
            item = self._scalar(_BYTE)
            return [self._value(item, depth + 1) for _ in range(self._length())]
        if kind == _MAP:
            key, value = self._scalar(_BYTE), self._scalar(_BYTE)
            pairs = range(self._length())
            return [(self._value(key, depth + 1), self._value(value, depth + 1)) for _ in pairs]
        raise WireError(f"{kind} is no type of Thrift", self._offset)

    def _length(self) -> int:
        length: int = self._scalar(_I32)
        if not 0 <= length <= len(self._body) - self._offset:
            raise WireError("a length is longer than the batch", self._offset)
        return length

    def _scalar(self, kind: int) -> Any:
        (value,) = struct.unpack_from(_FORMATS[kind], self._body, self._offset)
        self._offset += struct.calcsize(_FORMATS[kind])
        return value

    def _take(self, length: int) -> bytes:
        self._offset += length
        return self._body[self._offset - length : self._offset]


def _process(fields: Struct) -> Process:
    return Process(_text(fields.get(1, b"")), _tags(fields.get(2, [])))


def _span(fields: Struct, process: Process) -> Span:
    trace_id = _trace_id(fields[2], fields[1]) if 2 in fields and 1 in fields else b""
    references = [
        Reference(_trace_id(each[3], each[2]), _span_id(each[4]), each.get(1) == 1)
        for each in fields.get(6, [])
    ]
    if fields.get(4):
        references.insert(0, Reference(trace_id, _span_id(fields[4]), follows_from=False))
    return Span(
        trace_id=trace_id,
        span_id=_span_id(fields.get(3, 0)),
        name=_text(fields.get(5, b"")),
        references=references,
        start_ns=fields.get(8, 0) * 1000,
        duration_ns=fields.get(9, 0) * 1000,
        tags=_tags(fields.get(10, [])),
        logs=[(log.get(1, 0) * 1000, _tags(log.get(2, []))) for log in fields.get(11, [])],
        process=process,
    )


def _tags(listed: list[Struct]) -> Tags:
    """Tags by their type: string, double, bool, long, binary in fields 3 to 7."""
    return [(_text(tag.get(1, b"")), _tag_value(tag)) for tag in listed]


def _tag_value(tag: Struct) -> object:
    kind = tag.get(2, 0)
    value = tag.get(3 + kind)
    return _text(value) if kind == 0 and isinstance(value, bytes) else value


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _trace_id(high: int, low: int) -> bytes:
    return struct.pack(">qq", high, low)


def _span_id(number: int) -> bytes:
    return struct.pack(">q", number)
