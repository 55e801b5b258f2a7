"""Kinds of values in the YAML that JSON has no type for: durations, sizes, endpoints.

A configuration struct names them as field types. The parsed value is a plain number or
string, and the field's name carries the unit:

    timeout_s: Duration = msgspec.field(default=5.0, name="timeout")
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from tollspan.oauth2.secret import Secret


@dataclass(frozen=True, slots=True)
class Parsed:
    """Marks a field type whose YAML value goes through `parse`, which raises ValueError.

    The error's text is shown to the user, so a parser of secrets must not quote its input.
    """

    parse: Callable[[Any], Any]


_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)


def parse_duration(value: object) -> float:
    """The seconds in a Go duration such as `200ms`, `1m30s` or `0`."""
    if value in (0, "0") and not isinstance(value, bool):
        return 0.0
    parts = _DURATION_PART.findall(value) if isinstance(value, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise ValueError(f"{value!r} is not a duration; write for example 200ms, 10s or 1m30s")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


_BYTES = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
}
_SIZE = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(_BYTES)})|\d+", re.ASCII)


def parse_size(value: object) -> int:
    """The bytes in a size such as `64MiB`, `1.5GB` or a whole number."""
    match = _SIZE.fullmatch(str(value)) if isinstance(value, (str, int)) else None
    if match is None:
        raise ValueError(f"{value!r} is not a size; write for example 64MiB or a number of bytes")
    return int(float(match[1]) * _BYTES[match[2]]) if match[2] else int(match[0])


_ENDPOINT = re.compile(r"(?:\[[0-9a-fA-F:.%]+\]|[^\s:/\[\]]*):(\d{1,5})", re.ASCII)


def parse_endpoint(value: object) -> str:
    """`value`, which is `host:port`; the host may be empty (every interface) or `[an IPv6 address]`."""
    match = _ENDPOINT.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 0 <= int(match[1]) <= 65535:
        raise ValueError(f"{value!r} is not host:port; write for example localhost:4318 or [::1]:4318")
    return match[0]


def split_endpoint(endpoint: str) -> tuple[str, int]:
    """The host, without brackets, and the port of an endpoint."""
    host, _, port = endpoint.rpartition(":")
    return host.strip("[]"), int(port)


def parse_secret(value: object) -> Secret:
    """`value`, a text that is never shown."""
    if not isinstance(value, str):
        raise ValueError("must be a text; write it in quotes")
    return Secret(str(value))


Duration = Annotated[float, Parsed(parse_duration)]
"""Seconds."""

Size = Annotated[int, Parsed(parse_size)]
"""Bytes."""

Endpoint = Annotated[str, Parsed(parse_endpoint)]
"""`host:port`."""

Opaque = Annotated[Secret, Parsed(parse_secret)]
"""A text that is never shown."""
