"""ClickHouse's Native format → columns: for answers too big to be made of Python objects.

The format is described in `_native`, which writes it. Read here are fixed-size numbers,
FixedString and LowCardinality(String).
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from typing import TypeAlias

_ARRAY_CODES = {
    "UInt8": "B",
    "Int32": "i",
    "UInt32": "I",
    "Int64": "q",
    "UInt64": "Q",
}
_INDEX_CODES = "BHIQ"
_FIXED_STRING = re.compile(r"FixedString\((\d+)\)")


@dataclass(slots=True)
class Labels:
    """Strings that repeat: row `i` is `values[indices[i]]`, and no value is without a row."""

    values: list[str] = field(default_factory=list)
    indices: array[int] = field(default_factory=lambda: array("I"))


Column: TypeAlias = "array[int] | bytearray | Labels"
"""Numbers, the cells of a FixedString end to end, or labels."""


def read(blocks: bytes) -> dict[str, Column]:
    """The columns of all blocks, each in one piece. Without rows there may be no columns at all."""
    reader = _Reader(blocks)
    columns: dict[str, Column] = {}
    while reader.offset < len(blocks):
        count, rows = reader.varint(), reader.varint()
        for _ in range(count):
            name, type_name = reader.text(), reader.text()
            column = columns.setdefault(name, _empty(type_name))
            if rows:
                reader.append(column, type_name, rows)
    return columns


def _empty(type_name: str) -> Column:
    if type_name == "LowCardinality(String)":
        return Labels()
    return array(_ARRAY_CODES[type_name]) if type_name in _ARRAY_CODES else bytearray()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = memoryview(data)
        self.offset = 0

    def append(self, column: Column, type_name: str, rows: int) -> None:
        if isinstance(column, Labels):
            self._append_labels(column)
        elif isinstance(column, array):
            column.frombytes(self._take(rows * column.itemsize))
        else:
            fixed = _FIXED_STRING.fullmatch(type_name)
            assert fixed, f"{type_name} is not read here"
            column += self._take(rows * int(fixed[1]))

    def _append_labels(self, column: Labels) -> None:
        _version, flags, count = self._words(3)
        values = [self.text() for _ in range(count)]
        (rows,) = self._words(1)
        indices = array(_INDEX_CODES[flags & 0xFF])
        indices.frombytes(self._take(rows * indices.itemsize))
        places = {value: place for place, value in enumerate(column.values)}
        place_of_index = {
            index: places.setdefault(values[index], len(places)) for index in sorted(set(indices))
        }
        column.values = list(places)
        column.indices.extend(map(place_of_index.__getitem__, indices))

    def varint(self) -> int:
        number = shift = 0
        while True:
            byte = self.data[self.offset]
            self.offset += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def text(self) -> str:
        return str(self._take(self.varint()), "utf-8")

    def _words(self, count: int) -> memoryview[int]:
        return self._take(8 * count).cast("Q")

    def _take(self, size: int) -> memoryview[int]:
        start = self.offset
        self.offset += size
        return self.data[start : self.offset]
