"""Values of OTTL and how they compare: str, bytes, bool, int, float, list, dict, None, Time and Duration.

`bool` is never a number here, and values of different kinds are only ever unequal. Whatever
cannot be done with a value raises EvaluationError.
"""

from __future__ import annotations

import base64
import datetime
import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, SupportsIndex

import re2


class EvaluationError(Exception):
    """A condition or statement has no result for the record at hand."""


@dataclass(slots=True, order=True, unsafe_hash=True)  # frozen ones are slow to make
class Time:
    """A moment, in nanoseconds since 1970."""

    unix_nano: int

    @property
    def utc(self) -> datetime.datetime:
        """The moment, to the microsecond."""
        return datetime.datetime.fromtimestamp(self.unix_nano // 10**9, datetime.UTC) + datetime.timedelta(
            microseconds=self.unix_nano % 10**9 // 1000
        )


@dataclass(slots=True, order=True, unsafe_hash=True)
class Duration:
    """A span of time, in nanoseconds; it may be negative."""

    nanoseconds: int


Compare = Callable[[Any, Any], bool]

COMPARISONS: dict[str, Compare] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUALITY = ("==", "!=", "<=", ">=")


def compare(comparator: str) -> Compare:
    """The comparison of two values of any kind: those of different kinds are only `!=`."""
    by_order = COMPARISONS[comparator]
    unequal = comparator == "!="

    def compared(left: Any, right: Any) -> bool:
        kind = _kind(left)
        if kind is not _kind(right):
            return unequal
        if kind is type(None):
            return comparator in _EQUALITY and not unequal
        if kind in (list, dict) and comparator not in ("==", "!="):
            return False
        return by_order(left, right)

    return compared


def _kind(value: object) -> type:
    kind = type(value)
    return float if kind is int else kind


def arithmetic(sign: str, left: Any, right: Any) -> Any:  # noqa: PLR0911 - one case for each pair of kinds
    """`left sign right` for two ints, two floats, or times and durations; int and float do not mix."""
    match sign, left, right:
        case ("+", Time(), Duration()):
            return Time(left.unix_nano + right.nanoseconds)
        case ("+", Duration(), Time()):
            return Time(left.nanoseconds + right.unix_nano)
        case ("-", Time(), Duration()):
            return Time(left.unix_nano - right.nanoseconds)
        case ("-", Time(), Time()):
            return Duration(left.unix_nano - right.unix_nano)
        case ("+" | "-", Duration(), Duration()):
            return Duration(arithmetic(sign, left.nanoseconds, right.nanoseconds))
    if type(left) is not type(right) or type(left) not in (int, float):
        raise EvaluationError(f"no {sign} for {describe(left)} and {describe(right)}")
    if sign == "/":
        return _divide(left, right)
    return {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign](left, right)


def signed(sign: str, value: Any) -> Any:
    """A number with its sign."""
    if type(value) not in (int, float):
        raise EvaluationError(f"no {sign} for {describe(value)}")
    return -value if sign == "-" else value


def _divide(left: Any, right: Any) -> Any:
    if right == 0:
        raise EvaluationError("division by zero")
    if isinstance(left, float):
        return left / right
    quotient = abs(left) // abs(right)  # towards zero, as in Go
    return quotient if (left < 0) == (right < 0) else -quotient


def index(value: Any, key: Any) -> Any:
    """`value[key]`: of a map None when the key is absent, of a list the item."""
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, SupportsIndex) and not isinstance(key, bool):
        if 0 <= key.__index__() < len(value):
            return value[key]
        raise EvaluationError(f"index {key} is out of range of a list of {len(value)}")
    raise EvaluationError(f"{describe(value)} cannot be indexed by {describe(key)}")


def text_of(value: Any) -> str:  # noqa: PLR0911 - one case for each kind
    """How a value is written: numbers in decimal, bytes in base 64, maps and lists as JSON."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case bytes():
            return base64.b64encode(value).decode()
        case float():
            return format(value, ".15g") if value == int_or_none(value) else repr(value)
        case list() | dict():
            return json.dumps(value, default=text_of, separators=(",", ":"), ensure_ascii=False)
        case Time():
            return value.utc.isoformat().replace("+00:00", "Z")
        case None:
            return ""
        case Duration():
            return f"{value.nanoseconds / 1e9:g}s"
    return str(value)


def int_or_none(value: float) -> int | None:
    """`value` without its fraction; None when it has no finite value."""
    return int(value) if value == value and abs(value) < 1e15 else None  # noqa: PLR0124 - NaN differs from itself


def expect(kind: type[Any], value: Any) -> Any:
    """`value`, which is of that kind; EvaluationError otherwise."""
    if type(value) is not kind:
        raise EvaluationError(f"expected {_KINDS[kind]}, got {describe(value)}")
    return value


_KINDS: dict[type, str] = {
    str: "a string",
    bytes: "bytes",
    bool: "a boolean",
    int: "an int",
    float: "a float",
    list: "a list",
    dict: "a map",
    type(None): "nil",
    Time: "a time",
    Duration: "a duration",
}


def describe(value: Any) -> str:
    """What kind of value it is, in words; never the value, which may be anyone's data."""
    return _KINDS[type(value)]


_RE2_OPTIONS = re2.Options()
_RE2_OPTIONS.log_errors = False


@lru_cache(maxsize=1024)
def regex(pattern: str) -> Any:
    """The compiled RE2 pattern, whose matching time is linear in the text; ValueError says what is wrong."""
    try:
        return re2.compile(pattern, _RE2_OPTIONS)
    except re2.error as error:
        problem = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"{pattern!r} is not an RE2 pattern: {problem}") from None


@lru_cache(maxsize=1024)
def searcher(pattern: str) -> Callable[[str], bool]:
    """Whether the RE2 pattern matches anywhere in a text: faster than a search that also says where."""
    regex(pattern)
    only = re2.Set.SearchSet(_RE2_OPTIONS)
    only.Add(pattern)
    only.Compile()
    match = only.Match
    return lambda text: match(text) is not None


_REFERENCE = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)|(\\)")


def replacement(template: str) -> str:
    """A Go replacement template (`$1`, `${name}`, `$$`) in the form that `regex(...).sub` takes."""

    def translate(match: re.Match[str]) -> str:
        if match[3]:
            return r"\\"
        name = match[1] or match[2]
        return rf"\g<{name}>" if name else "$"

    return _REFERENCE.sub(translate, template)
