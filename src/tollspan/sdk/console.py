"""Traces on stderr while one develops: a tree for each trace, when its last open span here has ended."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import StatusCode

from tollspan.sdk.unit import UNIT

DETAILS = (
    UNIT,
    "http.response.status_code",
    "http.status_code",
    "db.query.text",
    "db.statement",
    "url.full",
    "http.url",
)
"""Attributes whose values follow a span's name."""

DETAIL_CHARACTERS_MAX = 60
SPANS_MAX = 1000
"""A trace with more is shown in parts."""


class Console(SpanProcessor):
    """Prints traces as trees, as they were recorded: secrets are taken out of what is sent."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._open: dict[int, int] = {}
        self._ended: dict[int, list[ReadableSpan]] = {}
        self._attached: object = None
        self._on = False

    def show(self, on: bool) -> None:
        """From now on the traces of the global tracer provider are printed, or not."""
        self._on = on
        provider: Any = trace.get_tracer_provider()
        if on and provider is not self._attached and hasattr(provider, "add_span_processor"):
            provider.add_span_processor(self)
            self._attached = provider

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """The trace has one more open span."""
        if self._on:
            with self._lock:
                trace_id = span.context.trace_id
                self._open[trace_id] = self._open.get(trace_id, 0) + 1

    def on_end(self, span: ReadableSpan) -> None:
        """The trace is printed if this was its last open span."""
        trace_id = span.context.trace_id
        with self._lock:
            if trace_id not in self._open:
                return
            self._open[trace_id] -= 1
            ended = self._ended.setdefault(trace_id, [])
            ended.append(span)
            whole = self._open[trace_id] == 0
            if whole:
                del self._open[trace_id]
            if not whole and len(ended) < SPANS_MAX:
                return
            del self._ended[trace_id]
        print("\n".join(draw(ended)), file=self._stream or sys.stderr, flush=True)


def draw(spans: Sequence[ReadableSpan]) -> Iterator[str]:
    """One line for each span, in order of start, below its parent."""
    here = {span.context.span_id for span in spans}
    children: dict[int | None, list[ReadableSpan]] = {}
    for span in sorted(spans, key=lambda span: span.start_time or 0):
        parent = span.parent.span_id if span.parent is not None and span.parent.span_id in here else None
        children.setdefault(parent, []).append(span)
    # A stack rather than recursion, as traces may be deeper than Python's.
    waiting = [(span, "", "") for span in reversed(children.get(None, []))]
    while waiting:
        span, branch, indent = waiting.pop()
        yield branch + _line(span)
        below = children.get(span.context.span_id, [])
        for number, child in enumerate(reversed(below)):
            last = number == 0
            waiting.append((child, indent + ("└─ " if last else "├─ "), indent + ("   " if last else "│  ")))


def _line(span: ReadableSpan) -> str:
    duration_ms = ((span.end_time or 0) - (span.start_time or 0)) / 1e6
    attributes = span.attributes or {}
    details = [str(attributes[name])[:DETAIL_CHARACTERS_MAX] for name in DETAILS if name in attributes]
    if span.status.status_code is StatusCode.ERROR:
        details.append(f"ERROR {span.status.description or ''}".rstrip())
    return "  ".join([span.name, f"{duration_ms:.1f} ms", *details])
