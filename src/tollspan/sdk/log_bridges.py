"""The records of structlog and loguru, with their keys as attributes.

    structlog.configure(processors=[..., tollspan.structlog_processor, structlog.dev.ConsoleRenderer()])
    loguru.logger.add(tollspan.loguru_sink)

structlog that renders with the standard library's `ProcessorFormatter` needs no processor: the
handler of `logging` sees its keys.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from tollspan.sdk.log_records import emit

CALLER = frozenset({"event", "level", "timestamp", "logger", "exc_info", "logger_name"})
"""Keys of structlog that a log record has a place of its own for."""


def structlog_processor(logger: Any, method: str, event_dict: Any) -> Any:
    """`event_dict`, unchanged; what it says is emitted. Belongs before the processor that renders."""
    level_name = {"exception": "error", "warn": "warning"}.get(method, method).upper()
    level_number = logging.getLevelName(level_name)
    emit(
        str(event_dict.get("logger") or getattr(logger, "name", None) or "structlog"),
        unix_nano=None,
        level_number=level_number if isinstance(level_number, int) else logging.INFO,
        level_name=level_name,
        body=event_dict.get("event"),
        attributes={key: value for key, value in event_dict.items() if key not in CALLER},
        exc_info=_exc_info(event_dict.get("exc_info")),
    )
    return event_dict


def loguru_sink(message: Any) -> None:
    """A loguru message is emitted, with what was bound to it."""
    record = message.record
    error = record["exception"]
    emit(
        str(record["name"]),
        unix_nano=int(record["time"].timestamp() * 1e9),
        level_number=record["level"].no,
        level_name=record["level"].name,
        body=record["message"],
        attributes=record["extra"],
        exc_info=None if error is None else (error.type, error.value, error.traceback),
    )


def _exc_info(value: Any) -> Any:
    """What was logged with: an exception, a triple, or True for the one that is being handled."""
    if isinstance(value, BaseException):
        return type(value), value, value.__traceback__
    if isinstance(value, tuple):
        return value
    return sys.exc_info() if value else None
