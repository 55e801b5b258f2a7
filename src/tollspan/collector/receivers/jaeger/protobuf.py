"""A batch in protobuf, as `PostSpans` takes it (jaeger-idl `api_v2/model.proto`)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tollspan.collector.receivers.jaeger.model import Budget, Process, Reference, Span, Tags
from tollspan.errors import WireError
from tollspan.otlp.protobuf import read_fields


def read_post_spans(message: bytes) -> list[Span]:
    """The spans of a `PostSpansRequest`; WireError where the bytes are none, LimitError for too much."""
    batch = _Fields(message, Budget()).part(1)
    process = _process(batch.part(2))
    return [_span(span, process) for span in batch.parts(1)]


class _Fields:
    """The fields of one message; absent ones have protobuf's defaults."""

    def __init__(self, wire: bytes, budget: Budget) -> None:
        self._budget = budget
        self._values: dict[int, list[int | bytes]] = {}
        for number, _, value in read_fields(wire):
            budget.spend()
            self._values.setdefault(number, []).append(value)

    def has(self, number: int) -> bool:
        return number in self._values

    def number(self, number: int) -> int:
        value = self._values.get(number, [0])[-1]
        if not isinstance(value, int):
            raise WireError(f"field {number} is no number")
        return value - (1 << 64) if value >> 63 else value

    def raw(self, number: int) -> bytes:
        value = self._values.get(number, [b""])[-1]
        if not isinstance(value, bytes):
            raise WireError(f"field {number} has no bytes")
        return value

    def parts(self, number: int) -> Iterator[_Fields]:
        """The messages of a repeated field."""
        for value in self._values.get(number, ()):
            if not isinstance(value, bytes):
                raise WireError(f"field {number} has no bytes")
            yield _Fields(value, self._budget)

    def text(self, number: int) -> str:
        return self.raw(number).decode("utf-8", "replace")

    def part(self, number: int) -> _Fields:
        return _Fields(self.raw(number), self._budget)

    def nanoseconds(self, number: int) -> int:
        """A Timestamp or Duration."""
        time = self.part(number)
        return time.number(1) * 1_000_000_000 + time.number(2)


def _process(fields: _Fields) -> Process:
    return Process(fields.text(1), _tags(fields.parts(2)))


def _span(fields: _Fields, batch_process: Process) -> Span:
    references = [Reference(each.raw(1), each.raw(2), each.number(3) == 1) for each in fields.parts(4)]
    logs = [(log.nanoseconds(1), _tags(log.parts(2))) for log in fields.parts(9)]
    return Span(
        trace_id=fields.raw(1),
        span_id=fields.raw(2),
        name=fields.text(3),
        references=references,
        start_ns=fields.nanoseconds(6),
        duration_ns=fields.nanoseconds(7),
        tags=_tags(fields.parts(8)),
        logs=logs,
        process=_process(fields.part(10)) if fields.has(10) else batch_process,
    )


def _tags(parts: Iterator[_Fields]) -> Tags:
    return [(tag.text(1), _tag_value(tag)) for tag in parts]


def _tag_value(tag: _Fields) -> object:
    """By its type: string, bool, int64, float64, binary in fields 3 to 7."""
    match tag.number(2):
        case 0:
            return tag.text(3)
        case 1:
            return bool(tag.number(4))
        case 2:
            return tag.number(5)
        case 3:
            return struct.unpack("<d", struct.pack("<q", tag.number(6)))[0]
    return tag.raw(7)
