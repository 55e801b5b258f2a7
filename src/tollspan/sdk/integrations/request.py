"""What every middleware says about a request: one span that lasts as long as it, and one log record."""

from __future__ import annotations

import time
from collections.abc import Mapping

from opentelemetry.context import attach, detach
from opentelemetry.trace import StatusCode, set_span_in_context

from tollspan.sdk.client import extract, log
from tollspan.sdk.client_guard import guarded
from tollspan.sdk.client_spans import SpanBlock, start_span


class RequestRecord:
    """A request from its first byte to its last; `finish` is called once, in the context of the start."""

    def __init__(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        self._method = method
        self._path = path
        self._started_s = time.perf_counter()
        context = extract(headers)
        attributes = {"http.request.method": method, "url.path": path}
        self._span = start_span(SpanBlock(method, attributes, kind="server", context=context))
        self._context_token = attach(set_span_in_context(self._span, context))

    @guarded
    def finish(self, status: int, route: str | None = None, error: BaseException | None = None) -> None:
        """The request was answered with `status`; `route` is the pattern that matched."""
        duration_ms = round((time.perf_counter() - self._started_s) * 1000, 3)
        answer: dict[str, str | int] = {"http.response.status_code": status}
        if route is not None:
            answer["http.route"] = route
            self._span.update_name(f"{self._method} {route}")
        self._span.set_attributes(answer)
        if error is not None:
            self._span.record_exception(error)
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)
        request = {"http.request.method": self._method, "url.path": self._path, "duration_ms": duration_ms}
        level = "error" if status >= 500 else "info"
        log(level, f"{self._method} {self._path} {status} in {duration_ms} ms", {**request, **answer})
        detach(self._context_token)
        self._span.end()
