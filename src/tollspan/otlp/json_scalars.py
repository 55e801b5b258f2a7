"""Each scalar type of OTLP: its JSON form and its bytes on the wire (OTLP 1.11, proto3 JSON mapping)."""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from tollspan.errors import WireError
from tollspan.otlp.protobuf import WireType, varint


class ValueFault(Exception):  # noqa: N818 - a fact about a value, caught where its path is known
    """A JSON value is not what its field takes."""


class Scalar(NamedTuple):
    """How values of one type are written and read.

    `write` takes a JSON value and makes all that follows the tag; ValueFault when it
    cannot. `read` takes a payload as `protobuf.read_fields` gives it and makes a JSON value.
    """

    wire_type: WireType
    write: Callable[[Any], bytes]
    read: Callable[[Any], Any]


_DECIMAL = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][-+]?[0-9]{1,4})?")
_SPECIAL_DOUBLES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_DOUBLE = struct.Struct("<d")


def _delimited(payload: bytes) -> bytes:
    return varint(len(payload)) + payload


def _write_string(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueFault("expected a string")
    try:
        return _delimited(value.encode())
    except UnicodeEncodeError:
        raise ValueFault("the string has a lone surrogate, which UTF-8 cannot hold") from None


def _read_string(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise WireError(f"a string is not UTF-8: {error.reason}") from None


def _write_hex(value: Any) -> bytes:
    try:
        return _delimited(binascii.unhexlify(value))
    except (ValueError, TypeError):
        raise ValueFault("expected a string of hexadecimal digit pairs") from None


def _write_base64(value: Any) -> bytes:
    """Both alphabets, padded or not, as proto3 JSON says."""
    if not isinstance(value, str):
        raise ValueFault("expected a string in base64")
    padded = value.rstrip("=").replace("-", "+").replace("_", "/") + "=" * (-len(value.rstrip("=")) % 4)
    try:
        return _delimited(binascii.a2b_base64(padded, strict_mode=True))
    except ValueError:
        raise ValueFault("expected a string in base64") from None


def _write_bool(value: Any) -> bytes:
    if not isinstance(value, bool):
        raise ValueFault("expected true or false")
    return varint(value)


def _write_double(value: Any) -> bytes:
    if isinstance(value, str) and value in _SPECIAL_DOUBLES:
        return _DOUBLE.pack(_SPECIAL_DOUBLES[value])
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueFault("expected a number")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueFault("expected a number, NaN, Infinity or -Infinity")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise ValueFault("the number is out of range of a double")
    return _DOUBLE.pack(number)


def _read_double(payload: int) -> float | str:
    number: float = _DOUBLE.unpack(payload.to_bytes(8, "little"))[0]
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _read_integer_of(value: Any) -> int:
    """A JSON number without a fraction, or a decimal string."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueFault("expected an integer (enums too are given by number)")


def _integer(
    bits: int, *, signed: bool, wire_type: WireType = WireType.VARINT, zigzag: bool = False
) -> Scalar:
    smallest, limit = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)

    def write(value: Any) -> bytes:
        number = _read_integer_of(value)
        if not smallest <= number < limit:
            raise ValueFault(
                f"the integer is out of range of {bits} bits {'with' if signed else 'without'} a sign"
            )
        if wire_type is not WireType.VARINT:
            return number.to_bytes(bits // 8, "little", signed=signed)
        return varint(number << 1 ^ number >> bits - 1 if zigzag else number)

    def read(payload: int) -> int | str:
        number = payload & (1 << bits) - 1
        if zigzag:
            number = number >> 1 ^ -(number & 1)
        elif number >= limit:
            number -= 1 << bits
        # proto3 JSON: JavaScript has no 64-bit integers.
        return str(number) if bits == 64 else number

    return Scalar(wire_type, write, read)


SCALARS = {
    "string": Scalar(WireType.LEN, _write_string, _read_string),
    "hex": Scalar(WireType.LEN, _write_hex, bytes.hex),
    "bytes": Scalar(WireType.LEN, _write_base64, lambda payload: base64.b64encode(payload).decode()),
    "bool": Scalar(WireType.VARINT, _write_bool, bool),
    "double": Scalar(WireType.I64, _write_double, _read_double),
    "enum": _integer(32, signed=True),
    "uint32": _integer(32, signed=False),
    "sint32": _integer(32, signed=True, zigzag=True),
    "fixed32": _integer(32, signed=False, wire_type=WireType.I32),
    "int64": _integer(64, signed=True),
    "uint64": _integer(64, signed=False),
    "fixed64": _integer(64, signed=False, wire_type=WireType.I64),
    "sfixed64": _integer(64, signed=True, wire_type=WireType.I64),
}
"""By the names that `messages` uses."""
