"""The converters of OTTL that write a text in another form, or take one apart."""

from __future__ import annotations

import base64
import csv
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from tollspan.collector.ottl.values import EvaluationError, text_of

_SEPARATOR = re.compile("[ ._-]")
_WORD_START = re.compile(
    r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])"
)

_BASE64 = ("base64", "base64-raw", "base64-url", "base64-raw-url")


def to_snake_case(target: str) -> str:
    """`HTTPStatus.code` is `http_status_code`."""
    return _WORD_START.sub("_", _SEPARATOR.sub("_", target)).lower()


def to_camel_case(target: str) -> str:
    """`http_status.code` is `HttpStatusCode`."""
    return "".join(word[:1].upper() + word[1:] for word in _SEPARATOR.split(target))


_CASES: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "snake": to_snake_case,
    "camel": to_camel_case,
}


def convert_case(target: str, to_case: str) -> str:
    if to_case not in _CASES:
        raise EvaluationError(f"there is no case {to_case!r}; known: {', '.join(_CASES)}")
    return _CASES[to_case](target)


def decode(value: Any, encoding: str) -> str:
    """Text from base 64, or from bytes in a character encoding of IANA's list."""
    data = value.encode() if isinstance(value, str) else value
    if not isinstance(data, bytes):
        raise EvaluationError("only texts and bytes can be decoded")
    try:
        if encoding in _BASE64:
            return _from_base64(data, encoding).decode(errors="replace")
        return data.decode(encoding)
    except (LookupError, ValueError):
        raise EvaluationError(f"this cannot be decoded as {encoding!r}") from None


def _from_base64(data: bytes, encoding: str) -> bytes:
    padding = b"=" * (-len(data) % 4) if "raw" in encoding else b""
    return base64.b64decode(data + padding, b"-_" if "url" in encoding else None, validate=True)


def is_valid_luhn(value: Any) -> bool:
    """Whether the last digit of a number, as on payment cards, is right for the others."""
    digits = text_of(value).replace(" ", "")
    if not (digits.isascii() and digits.isdecimal()):
        return False
    doubled = [int(digit) * (1 + position % 2) for position, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def parse_csv(
    target: str, headers: str, delimiter: str = ",", header_delimiter: str = "", mode: str = "strict"
) -> dict[str, str]:
    """The values of one line by their headers; in the mode `ignoreQuotes` quotes are part of them."""
    if mode not in {"strict", "lazyQuotes", "ignoreQuotes"}:
        raise EvaluationError(f"there is no mode {mode!r}; known: strict, lazyQuotes, ignoreQuotes")
    names = _fields(headers, header_delimiter or delimiter, "strict")
    found = _fields(target, delimiter, mode)
    if len(names) != len(found):
        raise EvaluationError(f"{len(found)} fields do not fit {len(names)} headers")
    return dict(zip(names, found, strict=True))


def _fields(line: str, delimiter: str, mode: str) -> list[str]:
    quoting: Literal[0, 3] = csv.QUOTE_NONE if mode == "ignoreQuotes" else csv.QUOTE_MINIMAL
    try:
        rows = list(csv.reader([line], delimiter=delimiter, quoting=quoting, strict=mode == "strict"))
    except (csv.Error, TypeError) as error:
        raise EvaluationError(f"this is not a line of CSV: {error}") from None
    return rows[0] if rows else []


CONVERTERS: Mapping[str, Callable[..., Any]] = MappingProxyType({
    "ConvertCase": convert_case,
    "Decode": decode,
    "IsValidLuhn": is_valid_luhn,
    "ParseCSV": parse_csv,
    "ToCamelCase": to_camel_case,
    "ToSnakeCase": to_snake_case,
})  # fmt: skip
