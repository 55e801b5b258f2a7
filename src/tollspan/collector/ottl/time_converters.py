"""The converters of OTTL that make times and durations, or read them."""

from __future__ import annotations

import datetime
import re
import time
import zoneinfo
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tollspan.collector.ottl.values import Duration, EvaluationError, Time

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DURATION = re.compile(r"([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+|0)", re.ASCII)
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)", re.ASCII)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)


def now() -> Time:
    return Time(time.time_ns())


def duration(text: str) -> Duration:
    """From Go's form, such as `1.5s` or `1h30m`."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise EvaluationError("not a duration; write for example 1.5s")
    nanoseconds = sum(float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(match[2]))
    return Duration(-round(nanoseconds) if match[1] == "-" else round(nanoseconds))


def parse_time(text: str, format: str, location: str = "UTC") -> Time:  # noqa: A002 - OTTL's name for it
    """By a strptime format; without an offset in the text the time is in `location`."""
    try:
        parsed = datetime.datetime.strptime(text, format)  # noqa: DTZ007 - the zone is added below
        moment = parsed if parsed.tzinfo else parsed.replace(tzinfo=zoneinfo.ZoneInfo(location))
    except (ValueError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise EvaluationError(str(error)) from None
    return Time((moment - _EPOCH) // _MICROSECOND * 1000)


def from_unix(seconds: int, nanoseconds: int = 0) -> Time:
    return Time(seconds * 10**9 + nanoseconds)


def truncate_time(time: Time, duration: Duration) -> Time:
    """Down to a multiple of the duration."""
    if duration.nanoseconds <= 0:
        raise EvaluationError("a time is truncated to a duration above zero")
    return Time(time.unix_nano - time.unix_nano % duration.nanoseconds)


def nanosecond(time: Time) -> int:
    return time.unix_nano % 10**9


def weekday(time: Time) -> int:
    """0 is Sunday."""
    return time.utc.isoweekday() % 7


def format_time(time: Time, format: str) -> str:  # noqa: A002 - OTTL's name for it
    return time.utc.strftime(format)


def _unix(nanoseconds: int) -> Callable[[Time], int]:
    def unix(time: Time) -> int:
        return time.unix_nano // nanoseconds

    return unix


def _part(name: str) -> Callable[[Time], int]:
    def part(time: Time) -> int:
        found: int = getattr(time.utc, name)
        return found

    return part


def _in_float(nanoseconds: int) -> Callable[[Duration], float]:
    def measure(duration: Duration) -> float:
        return duration.nanoseconds / nanoseconds

    return measure


def _in_whole(nanoseconds: int) -> Callable[[Duration], int]:
    def measure(duration: Duration) -> int:
        return int(duration.nanoseconds / nanoseconds)

    return measure


CONVERTERS: Mapping[str, Callable[..., Any]] = MappingProxyType({
    "Day": _part("day"),
    "Duration": duration,
    "FormatTime": format_time,
    "Hour": _part("hour"),
    "Hours": _in_float(_UNITS["h"]),
    "Microseconds": _in_whole(_UNITS["us"]),
    "Milliseconds": _in_whole(_UNITS["ms"]),
    "Minute": _part("minute"),
    "Minutes": _in_float(_UNITS["m"]),
    "Month": _part("month"),
    "Nanosecond": nanosecond,
    "Nanoseconds": _in_whole(1),
    "Now": now,
    "Second": _part("second"),
    "Seconds": _in_float(_UNITS["s"]),
    "Time": parse_time,
    "TruncateTime": truncate_time,
    "Unix": from_unix,
    "UnixMicro": _unix(10**3),
    "UnixMilli": _unix(10**6),
    "UnixNano": _unix(1),
    "UnixSeconds": _unix(10**9),
    "Weekday": weekday,
    "Year": _part("year"),
})  # fmt: skip
