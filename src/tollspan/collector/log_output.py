"""Where the log of a `tollspan` server process goes, and in what form."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Mapping
from typing import Any, TextIO, cast

import structlog

VALUE_CHARS_MAX = 4096
"""Of each value in a line; tracebacks have no more either. Peers choose some of them."""

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_CONTROL_BUT_LINES = {code: text for code, text in _CONTROL.items() if chr(code) not in "\n\t"}


def configure_logging(
    level: int = logging.INFO, encoding: str | None = None, fields: Mapping[str, Any] | None = None
) -> None:
    """All logs go to stderr, the standard library's too, and each line has `fields`.

    The encoding is `console` for people or `json`; None chooses by what stderr is.
    Tracebacks show no local variables: those hold payloads and secrets. A second call
    replaces what the first one set.
    """
    encoding = encoding or ("console" if sys.stderr.isatty() else "json")
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        lambda logger, method, event: {**(fields or {}), **event},
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers: list[structlog.typing.Processor]
    if encoding == "console":
        renderers = [
            structlog.processors.format_exc_info,
            _make_printable,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    else:
        renderers = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    renderers.insert(1, _bound_values)
    structlog.configure(
        processors=[*shared, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _LossyStderr())),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


class _LossyStderr:
    """Takes what a log writes. A line that the disk has no room for is lost; whoever logs it goes on."""

    def write(self, text: str) -> None:
        """The text is on stderr, or lost."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """So is everything before."""
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def _bound_values(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {name: _bound(value) for name, value in event.items()}


def _bound(value: Any) -> Any:
    text = value if isinstance(value, str) else repr(value)
    if len(text) <= VALUE_CHARS_MAX:
        return value
    return f"{text[:VALUE_CHARS_MAX]}… ({len(text)} characters)"


def _make_printable(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """No text breaks its line or commands the terminal; JSON escapes such characters itself."""
    return {
        name: value.translate(_CONTROL_BUT_LINES if name == "exception" else _CONTROL)
        if isinstance(value, str)
        else value
        for name, value in event.items()
    }
