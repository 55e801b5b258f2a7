"""Spans as a program ends them."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


def ended_spans(names: Iterable[str], **attributes: str) -> list[ReadableSpan]:
    """A span of each name, in this order."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("tests")
    for name in names:
        tracer.start_span(name, attributes=attributes).end()
    return list(memory.get_finished_spans())
