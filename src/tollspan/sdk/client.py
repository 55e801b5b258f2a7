"""`tollspan.log`, `capture_error`, `inject` and `extract`: telemetry in one line, by OpenTelemetry's API.

Works with whatever providers are set. None of them raises.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger_provider
from opentelemetry.context import Context, get_current
from opentelemetry.trace import StatusCode

from tollspan.sdk.client_guard import guarded
from tollspan.sdk.client_spans import read_id, span_context

MESSAGE_BYTES_MAX = 32 * 1024
"""The rest of a longer log message is cut off."""

SEVERITIES = {
    "trace": SeverityNumber.TRACE,
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warn": SeverityNumber.WARN,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "fatal": SeverityNumber.FATAL,
    "critical": SeverityNumber.FATAL,
}


@guarded
def log(  # noqa: PLR0913 - the parts of a log record
    level: str,
    message: object,
    attributes: Mapping[str, Any] | None = None,
    *,
    error: BaseException | None = None,
    trace_id: str | int | None = None,
    span_id: str | int | None = None,
) -> None:
    """A log record is emitted, of the current span or of the one that is given.

    `level`: trace, debug, info, warn, error or fatal; anything else is info. A message is
    cut after MESSAGE_BYTES_MAX bytes of UTF-8. `error` is told as exception.* attributes.
    """
    severity = SEVERITIES.get(level.lower(), SeverityNumber.INFO)
    now_unix_nano = time.time_ns()
    get_logger_provider().get_logger("tollspan").emit(
        LogRecord(
            timestamp=now_unix_nano,
            observed_timestamp=now_unix_nano,
            context=_context(trace_id, span_id),
            severity_number=severity,
            severity_text=severity.name,
            body=_cut(str(message)),
            attributes={**(attributes or {}), **_exception_attributes(error)},
        )
    )


@guarded
def capture_error(error: BaseException, attributes: Mapping[str, Any] | None = None) -> None:
    """The current span has failed with `error`, and a log record of level error says so too."""
    current = trace.get_current_span()
    current.record_exception(error, attributes)
    current.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
    log("error", f"{type(error).__name__}: {error}", attributes, error=error)


def inject(
    carrier: dict[str, str] | None = None,
    *,
    trace_id: str | int | None = None,
    span_id: str | int | None = None,
) -> dict[str, str]:
    """`carrier`, or a new one, with the headers that continue the current trace, or the given span's."""
    headers = {} if carrier is None else carrier
    _inject(headers, trace_id, span_id)
    return headers


@guarded
def _inject(headers: dict[str, str], trace_id: str | int | None, span_id: str | int | None) -> None:
    propagate.inject(headers, _context(trace_id, span_id))


def extract(carrier: Mapping[str, str]) -> Context:
    """The context that `carrier` tells of, for `span(..., context=...)`."""
    return _extract(carrier) or Context()


@guarded
def _extract(carrier: Mapping[str, str]) -> Context:
    return propagate.extract({name.lower(): text for name, text in carrier.items()}, Context())


def _context(trace_id: str | int | None, span_id: str | int | None) -> Context:
    trace_number = read_id("trace_id", trace_id, 128)
    span_number = read_id("span_id", span_id, 64)
    if trace_number is None or span_number is None:
        return get_current()
    return span_context(trace_number, span_number)


def _cut(message: str) -> str:
    if len(message) <= MESSAGE_BYTES_MAX // 4:
        return message
    return message.encode("utf-8", "replace")[:MESSAGE_BYTES_MAX].decode("utf-8", "ignore")


def _exception_attributes(error: BaseException | None) -> dict[str, str]:
    if error is None:
        return {}
    return {
        "exception.type": type(error).__qualname__,
        "exception.message": str(error),
        "exception.stacktrace": "".join(traceback.format_exception(error)),
    }
