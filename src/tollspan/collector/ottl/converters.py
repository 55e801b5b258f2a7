"""The converters of OTTL: plain functions of values, named in `CONVERTERS`.

The annotation of a parameter is the kind that its argument must have, `Any` leaves that to the
function; what was promised is checked before the call. A parameter called `pattern` is RE2.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import math
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tollspan.collector.ottl import collection_converters as collections
from tollspan.collector.ottl import text_converters as texts
from tollspan.collector.ottl import time_converters as times
from tollspan.collector.ottl.values import (
    EvaluationError,
    Time,
    describe,
    int_or_none,
    regex,
    searcher,
    text_of,
)
from tollspan.otlp._fnv import fnv1a_64

N = TypeVar("N", int, float)

INT64 = range(-(1 << 63), 1 << 63)


def is_match(target: Any, pattern: str) -> bool:
    return target is not None and searcher(pattern)(text_of(target))


def has_prefix(target: str, prefix: str) -> bool:
    return target.startswith(prefix)


def has_suffix(target: str, suffix: str) -> bool:
    return target.endswith(suffix)


def _is(kind: type) -> Callable[[Any], bool]:
    def is_kind(value: Any) -> bool:
        return type(value) is kind

    return is_kind


def to_int(value: Any) -> int | None:
    """Nil for text that is no number in decimal, and for what no int can hold."""
    match value:
        case bool():
            return int(value)
        case float():
            return int_or_none(value)
        case int():
            return value
        case str():
            number = _parsed(int, value)
            return number if number is None or number in INT64 else None
        case Time():
            return value.unix_nano
    return None


def to_double(value: Any) -> float | None:
    match value:
        case bool() | int() | float():
            return float(value)
        case str():
            return _parsed(float, value)
    return None


def to_bool(value: Any) -> bool | None:
    match value:
        case bool():
            return value
        case int() | float():
            return value != 0
        case "1" | "t" | "T" | "TRUE" | "true" | "True":
            return True
        case "0" | "f" | "F" | "FALSE" | "false" | "False":
            return False
    return None


def _parsed(parse: Callable[[str], N], text: str) -> N | None:
    try:
        return None if "_" in text or text != text.strip() else parse(text)
    except ValueError:
        return None


def to_string(value: Any) -> str | None:
    return None if value is None else text_of(value)


def parse_int(text: str, base: int) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise EvaluationError(f"the text is no int of base {base}") from None


def length(target: Any) -> int:
    """Of a string in bytes."""
    match target:
        case str():
            return len(target.encode())
        case bytes() | list() | dict():
            return len(target)
    raise EvaluationError(f"{describe(target)} has no length")


def concat(values: list[Any], delimiter: str) -> str:
    return delimiter.join("<nil>" if value is None else text_of(value) for value in values)


def substring(target: str, start: int, length: int) -> str:
    """Counted in bytes, as in the Collector."""
    data = target.encode()
    if start < 0 or length <= 0 or start + length > len(data):
        raise EvaluationError(f"{start} to {start + length} is out of range of a string of {len(data)} bytes")
    return data[start : start + length].decode(errors="replace")


def split(target: str, delimiter: str) -> list[str]:
    return target.split(delimiter) if delimiter else list(target)


def lower(target: str) -> str:
    return target.lower()


def upper(target: str) -> str:
    return target.upper()


def trim(target: str, characters: str = " ") -> str:
    return target.strip(characters)


def trim_prefix(target: str, prefix: str) -> str:
    return target.removeprefix(prefix)


def trim_suffix(target: str, suffix: str) -> str:
    return target.removesuffix(suffix)


def format_text(template: str, values: list[Any]) -> str:
    """Go's `Sprintf` for the verbs that it shares with Python: `%s`, `%d`, `%x`, `%f`; and `%v`."""
    texts = template.replace("%v", "%s")
    try:
        return texts % tuple(text_of(v) if isinstance(v, bool) else v for v in values)
    except (TypeError, ValueError) as error:
        raise EvaluationError(f"the values do not fit the format: {error}") from None


def coalesce(values: list[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def contains_value(values: list[Any], item: Any) -> bool:
    return any(type(value) is type(item) and value == item for value in values)


def index_of(target: Any, value: Any) -> int:
    """Where `value` first stands in a string or list; -1 when it does not."""
    if isinstance(target, str) and isinstance(value, str):
        return target.find(value)
    if isinstance(target, list):
        return target.index(value) if contains_value(target, value) else -1
    raise EvaluationError(f"cannot look for {describe(value)} in {describe(target)}")


def keys(target: dict[str, Any]) -> list[str]:
    return list(target)


def values_of(target: dict[str, Any]) -> list[Any]:
    return list(target.values())


def is_in_cidr(target: str, networks: list[str]) -> bool:
    try:
        address = ipaddress.ip_address(target)
        return any(address in ipaddress.ip_network(network, strict=False) for network in networks)
    except ValueError as error:
        raise EvaluationError(str(error)) from None


def parse_json(text: str) -> Any:
    """Maps and lists; numbers are floats, as in the Collector."""
    try:
        return json.loads(text, parse_int=float)
    except (ValueError, RecursionError):
        raise EvaluationError("the text is not JSON") from None


def parse_key_value(target: str, delimiter: str = "=", pair_delimiter: str = " ") -> dict[str, str]:
    pairs = [pair.partition(delimiter) for pair in target.split(pair_delimiter) if pair.strip()]
    if not all(found for _, found, _ in pairs):
        raise EvaluationError(f"the text is not a list of pairs with {delimiter!r} in between")
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def extract_patterns(target: str, pattern: str) -> dict[str, str]:
    match = regex(pattern).search(target)
    return {} if match is None else {name: value or "" for name, value in match.groupdict().items()}


def url(text: str) -> dict[str, Any]:
    """The parts of a URL under their names of the semantic conventions."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise EvaluationError(str(error)) from None
    found: dict[str, Any] = {"url.original": text, "url.scheme": parts.scheme, "url.path": parts.path}
    optional = {
        "url.domain": parts.hostname,
        "url.port": port,
        "url.query": parts.query,
        "url.fragment": parts.fragment,
        "url.username": parts.username,
    }
    return found | {name: part for name, part in optional.items() if part}


def _hash(name: str) -> Callable[[str], str]:
    def digest(value: str) -> str:
        return hashlib.new(name, value.encode(), usedforsecurity=False).hexdigest()

    return digest


def fnv(value: str) -> int:
    """The 64-bit FNV-1a hash, as a signed number."""
    number = fnv1a_64(value.encode())
    return number - (1 << 64) if number >> 63 else number


def hexadecimal(value: Any) -> str:
    match value:
        case str():
            return value.encode().hex()
        case bytes():
            return value.hex()
    raise EvaluationError(f"no hexadecimal form of {describe(value)}")


def base64_encode(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def base64_decode(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode(errors="replace")
    except ValueError:
        raise EvaluationError("the text is not base 64") from None


def _identifier(size: int) -> Callable[[Any], bytes]:
    def identifier(value: Any) -> bytes:
        try:
            read = bytes.fromhex(value) if isinstance(value, str) else bytes(value)
        except (TypeError, ValueError):
            raise EvaluationError("an id is bytes or hexadecimal text") from None
        if len(read) != size:
            raise EvaluationError(f"an id has {size} bytes here, not {len(read)}")
        return read

    return identifier


def log(value: Any) -> float | None:
    number = to_double(value)
    if number is None or number <= 0:
        raise EvaluationError("only numbers above zero have a logarithm")
    return math.log(number)


def new_uuid() -> str:
    return str(uuid.uuid4())


CONVERTERS: Mapping[str, Callable[..., Any]] = MappingProxyType({
    "Base64Decode": base64_decode,
    "Base64Encode": base64_encode,
    "Bool": to_bool,
    "Coalesce": coalesce,
    "Concat": concat,
    "ContainsValue": contains_value,
    "Double": to_double,
    "ExtractPatterns": extract_patterns,
    "FNV": fnv,
    "Format": format_text,
    "HasPrefix": has_prefix,
    "HasSuffix": has_suffix,
    "Hex": hexadecimal,
    "Index": index_of,
    "Int": to_int,
    "IsBool": _is(bool),
    "IsDouble": _is(float),
    "IsInCIDR": is_in_cidr,
    "IsInt": _is(int),
    "IsList": _is(list),
    "IsMap": _is(dict),
    "IsMatch": is_match,
    "IsString": _is(str),
    "Keys": keys,
    "Len": length,
    "Log": log,
    "MD5": _hash("md5"),
    "ParseInt": parse_int,
    "ParseJSON": parse_json,
    "ParseKeyValue": parse_key_value,
    "SHA1": _hash("sha1"),
    "SHA256": _hash("sha256"),
    "SHA512": _hash("sha512"),
    "SpanID": _identifier(8),
    "Split": split,
    "String": to_string,
    "Substring": substring,
    "ToLowerCase": lower,
    "ToUpperCase": upper,
    "TraceID": _identifier(16),
    "Trim": trim,
    "TrimPrefix": trim_prefix,
    "TrimSuffix": trim_suffix,
    "URL": url,
    "UUID": new_uuid,
    "Values": values_of,
    **collections.CONVERTERS,
    **texts.CONVERTERS,
    **times.CONVERTERS,
})  # fmt: skip
"""Every converter that is not bound to a context."""

CHANGING = frozenset({"Now", "UUID"})
"""Those whose result is another at each call."""
