"""Log records of other libraries' making, as OpenTelemetry's. Nothing that is logged makes this raise."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from opentelemetry import _logs
from opentelemetry._logs import Logger, LoggerProvider, LogRecord, SeverityNumber

ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

SEVERITY_TEXTS = {"WARNING": "WARN", "CRITICAL": "FATAL"}
"""What OpenTelemetry calls Python's levels, where that is another word (Displaying Severity)."""

_loggers: dict[str, tuple[LoggerProvider, Logger]] = {}

INT_MAX = 2**63
"""From here on a number has no place in OTLP but as text."""

DEPTH_MAX, ITEMS_MAX = 4, 128
"""How deep and how wide a logged list or map is recorded; what lies beyond is shown as text."""


def emit(  # noqa: PLR0913 - a log record has that many parts
    logger_name: str,
    *,
    unix_nano: int | None,
    level_number: int,
    level_name: str,
    body: object,
    attributes: Mapping[Any, object],
    exc_info: ExcInfo | None,
) -> None:
    """The record is emitted by the OpenTelemetry logger of that name, in the context of this moment."""
    found = {str(key): recordable(value) for key, value in attributes.items()}
    if exc_info is not None:
        found |= exception_attributes(exc_info)
    record = LogRecord(
        timestamp=unix_nano,
        severity_number=severity(level_number),
        severity_text=SEVERITY_TEXTS.get(level_name, level_name),
        body=recordable(body),
        attributes=found,
    )
    _logger(logger_name).emit(record)


def severity(level_number: int) -> SeverityNumber:
    """The severity of a level of Python's: four of them for each ten levels."""
    if level_number <= 0:
        return SeverityNumber.UNSPECIFIED
    tens, ones = divmod(min(level_number, 59), 10)
    return SeverityNumber(1 + 4 * tens + min(ones, 3))


def exception_attributes(exc_info: ExcInfo) -> dict[str, str]:
    """What the semantic conventions say of an exception (Exceptions in logs)."""
    kind, error, where = exc_info
    if kind is None:
        return {}
    module = "" if kind.__module__ in {"builtins", "__main__"} else f"{kind.__module__}."
    return {
        "exception.type": module + kind.__qualname__,
        "exception.message": text_of(error),
        "exception.stacktrace": _stacktrace(kind, error, where),
    }


def recordable(value: object, depth: int = 0) -> Any:
    """`value` as OTLP can say it: as it is, item by item, or as its text."""
    if value is None or isinstance(value, bool | float | bytes):
        return value
    if isinstance(value, int):
        return value if -INT_MAX <= value < INT_MAX else text_of(value)
    if isinstance(value, str):
        return _encodable(value)
    if depth < DEPTH_MAX:
        if isinstance(value, Mapping) and len(value) <= ITEMS_MAX:
            return {text_of(key): recordable(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset) and len(value) <= ITEMS_MAX:
            return [recordable(item, depth + 1) for item in value]
    return text_of(value)


def text_of(value: object) -> str:
    """`str(value)`, or the name of its type when it has none."""
    try:
        return _encodable(str(value))
    except Exception:
        return f"<{type(value).__name__}>"


def _logger(name: str) -> Logger:
    """The logger of that name; making one is dear, and they come again and again."""
    provider = _logs.get_logger_provider()
    known = _loggers.get(name)
    if known is None or known[0] is not provider:
        known = _loggers[name] = provider, provider.get_logger(name)
    return known[1]


def _encodable(text: str) -> str:
    """`text`, with a question mark for what UTF-8 has no bytes for (lone surrogates)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def _stacktrace(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> str:
    try:
        return _encodable("".join(traceback.format_exception(kind, error, where)))
    except Exception:
        return "".join(traceback.format_tb(where))
