"""The records of the standard library's `logging`, by one handler on the root logger."""

from __future__ import annotations

import functools
import logging
import logging.config
from collections.abc import Callable
from typing import Any

from opentelemetry import context
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY

from tollspan.sdk.events import Events
from tollspan.sdk.log_records import emit, text_of

OWN = ("tollspan", "opentelemetry")
"""Loggers that speak about the telemetry itself, below which nothing becomes telemetry."""

PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "_logger", "_name"}
"""What a record has anyway; structlog adds the last two. The rest was given as `extra`."""

CONFIGURING = ((logging, "basicConfig"), (logging.config, "dictConfig"), (logging.config, "fileConfig"))
"""What applications configure logging with: each looks at, or removes, the handlers of the root logger."""


class LogHandler(logging.Handler):
    """Emits records as OpenTelemetry's. Never raises, needs no lock, and leaves the output as it was.

    Records that are made while telemetry is sent, by this library or the one that makes its
    requests, are not taken.
    """

    def __init__(self, events: Events) -> None:
        super().__init__()
        self._events = events

    def handle(self, record: logging.LogRecord) -> bool:
        """The record is emitted, if it is not about telemetry and passes the filters."""
        try:
            own = _is_own(record.name) or context.get_value(_SUPPRESS_INSTRUMENTATION_KEY)
            kept: object = False if own else self.filter(record)
            if kept:
                # Since Python 3.12 a filter may return another record.
                self.emit(kept if isinstance(kept, logging.LogRecord) else record)
            self._show_unhandled(record)
        except Exception as error:
            self._events.bug("the log handler", error)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """The record is emitted, whatever it is made of."""
        body, attributes = _message(record)
        attributes |= {key: value for key, value in vars(record).items() if key not in PLAIN}
        if record.stack_info:
            attributes["code.stacktrace"] = record.stack_info
        emit(
            record.name,
            unix_nano=int(record.created * 1e9),
            level_number=record.levelno,
            level_name=record.levelname,
            body=body,
            attributes=attributes,
            exc_info=record.exc_info or None,
        )

    def _show_unhandled(self, record: logging.LogRecord) -> None:
        """Do what `logging` does where nobody configured it, and what our presence would end."""
        last = logging.lastResort
        if last is not None and record.levelno >= last.level and logging.root.handlers == [self]:
            logger: logging.Logger | None = logging.getLogger(record.name)
            while logger is not None and logger is not logging.root and not logger.handlers:
                logger = logger.parent
            if logger is logging.root:
                last.handle(record)


def install(handler: LogHandler, level: int | None) -> None:
    """`handler` is the one of its kind on the root logger, and stays when the application configures logging.

    With a `level` records from that on are taken, and the root logger is lowered to it; without
    one the levels that the application has set decide.
    """
    for other in logging.root.handlers[:]:
        if isinstance(other, LogHandler):
            logging.root.removeHandler(other)
    logging.root.addHandler(handler)
    handler.setLevel(level or logging.NOTSET)
    if level is not None and logging.root.level > level:
        logging.root.setLevel(level)
    for module, name in CONFIGURING:
        function = getattr(module, name)
        if not hasattr(function, "__tollspan__"):
            setattr(module, name, stepping_aside(function))


def stepping_aside(configure: Callable[..., Any]) -> Callable[..., Any]:
    """`configure`, which finds the root logger as if our handler were not there, and keeps it."""

    @functools.wraps(configure)
    def configure_beside(*args: Any, **kwargs: Any) -> Any:
        ours = [handler for handler in logging.root.handlers if isinstance(handler, LogHandler)]
        for handler in ours:
            logging.root.removeHandler(handler)
        try:
            return configure(*args, **kwargs)
        finally:
            for handler in ours:
                logging.root.addHandler(handler)

    configure_beside.__tollspan__ = True  # type: ignore[attr-defined]  # so that it is wrapped once
    return configure_beside


def _is_own(logger_name: str) -> bool:
    return logger_name.startswith(OWN) and logger_name.partition(".")[0] in OWN


def _message(record: logging.LogRecord) -> tuple[object, dict[Any, object]]:
    """The body, and attributes that were part of the message."""
    message = record.msg
    if isinstance(message, dict) and not record.args:
        rest = dict(message)
        return rest.pop("event", message), rest if "event" in message else {}
    try:
        return record.getMessage(), {}
    except Exception as error:
        # The arguments do not fit the format; a terminal would show a traceback instead of the message.
        return text_of(message), {"log.arguments": text_of(record.args), "log.format_error": text_of(error)}
