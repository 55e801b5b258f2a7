"""Values in decoded tables (see `schema`) as Python's, and as text for destinations without types."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Iterable
from typing import Any

from tollspan.otlp import _message
from tollspan.otlp._columns import Table
from tollspan.otlp.protobuf import field_bytes
from tollspan.otlp.schema import ValueType


def read_attributes(table: Table, rows: Iterable[int]) -> dict[str, Any]:
    """The attributes in these rows of an attributes table."""
    columns = table.columns
    keys, types, numbers, texts = (columns[name] for name in ("key", "type", "number", "text"))
    return {
        keys[row].decode("utf-8", "replace"): read_value(types[row], numbers[row], texts[row]) for row in rows
    }


def read_value(kind: int, number: int, text: bytes) -> Any:
    """The value of the cells type, number and text: str, bool, int, float, bytes, list, dict or None.

    A text that is not UTF-8 has U+FFFD in place of what is wrong.
    """
    match kind:
        case ValueType.BOOL:
            return bool(number)
        case ValueType.INT:
            return read_int(number)
        case ValueType.DOUBLE:
            return read_double(number)
    return _message.read_value(field_bytes(kind, text)) if kind != ValueType.EMPTY else None


def read_int(bits: int) -> int:
    """The signed number whose 64-bit two's complement is `bits`."""
    return bits - (1 << 64) if bits >> 63 else bits


def read_double(bits: int) -> float:
    """The double whose bits are `bits`."""
    number: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
    return number


def to_text(value: Any) -> str:
    """The value as a label: a string as it is, nothing for None, bytes as base64, the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value).strip('"')


def to_json(value: Any) -> str:
    """The value as JSON; bytes are base64, and the numbers that JSON has no word for are texts."""
    try:
        return json.dumps(value, default=_base64, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return to_json(_spell_out(value))


def _spell_out(value: Any) -> Any:
    """The value with `NaN`, `Infinity` and `-Infinity` as texts at any depth."""
    match value:
        case dict():
            return {key: _spell_out(item) for key, item in value.items()}
        case list():
            return [_spell_out(item) for item in value]
        case float() if not math.isfinite(value):
            return json.dumps(value)
    return value


def _base64(payload: bytes) -> str:
    return base64.b64encode(payload).decode()
