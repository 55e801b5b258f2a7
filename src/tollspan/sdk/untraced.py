"""Our own requests make no spans: they would be exported, which makes requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context as otel_context
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, _SUPPRESS_INSTRUMENTATION_KEY

_KEYS = (_SUPPRESS_INSTRUMENTATION_KEY, _SUPPRESS_HTTP_INSTRUMENTATION_KEY, "suppress_instrumentation")
"""Instrumented libraries look for one of these three."""


@contextmanager
def untraced() -> Iterator[None]:
    """Inside, instrumented libraries make no spans."""
    context = otel_context.get_current()
    for key in _KEYS:
        context = otel_context.set_value(key, True, context)
    context_token = otel_context.attach(context)
    try:
        yield
    finally:
        otel_context.detach(context_token)
