"""Where the spans of this process come from: a tracer provider of ours, or one that was there already."""

from __future__ import annotations

import weakref

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Tracer, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.util.types import Attributes

from tollspan.sdk.events import Events
from tollspan.sdk.spans import SpanPipeline


class ReconfigurableTracerProvider(TracerProvider):
    """A tracer provider whose resource and sampler can change, also for tracers that are in use."""

    def __init__(self, resource: Resource, sampler: Sampler | None) -> None:
        super().__init__(resource=resource, shutdown_on_exit=False)
        self._sampler_default = self.sampler
        self.sampler = sampler or self._sampler_default
        self._issued: weakref.WeakSet[Tracer] = weakref.WeakSet()

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> trace.Tracer:
        """A tracer, as `TracerProvider` makes it."""
        tracer = super().get_tracer(
            instrumenting_module_name, instrumenting_library_version, schema_url, attributes
        )
        if isinstance(tracer, Tracer):
            self._issued.add(tracer)
        return tracer

    def reconfigure(self, resource: Resource, sampler: Sampler | None) -> None:
        """Spans that start from now on are of `resource` and chosen by `sampler`, or as OTEL_* say."""
        self._resource = resource
        self.sampler = sampler or self._sampler_default
        for tracer in list(self._issued):
            tracer.resource = resource
            tracer.sampler = self.sampler


class Tracing:
    """Brings the spans of the global tracer provider to `pipeline`."""

    def __init__(self, pipeline: SpanPipeline, events: Events) -> None:
        self._pipeline = pipeline
        self._events = events
        self._attached: trace.TracerProvider | None = None

    def attach(self, resource: Resource, sampler: Sampler | None) -> None:
        """Spans are of `resource` and chosen by `sampler`, unless a provider of somebody else's is set."""
        provider = trace.get_tracer_provider()
        if isinstance(provider, ReconfigurableTracerProvider) and provider is self._attached:
            provider.reconfigure(resource, sampler)
        elif isinstance(provider, trace.ProxyTracerProvider):
            self._attached = own = ReconfigurableTracerProvider(resource, sampler)
            own.add_span_processor(self._pipeline)
            trace.set_tracer_provider(own)
        elif not isinstance(provider, TracerProvider):
            kind = type(provider).__name__
            self._events.notice("no_spans", f"a tracer provider is set that takes no span processors: {kind}")
        elif provider is not self._attached:
            provider.add_span_processor(self._pipeline)
            self._attached = provider
            self._events.notice(
                "attached", "using the tracer provider that is set, with its resource and sampler"
            )
