"""Where the metrics of this process come from: a meter provider of ours, or one that was there already."""

from __future__ import annotations

from dataclasses import replace

from opentelemetry import metrics
from opentelemetry.metrics._internal import _ProxyMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics._internal.measurement import Measurement
from opentelemetry.sdk.resources import Resource

from tollspan.sdk.attribution import Attribution
from tollspan.sdk.events import Events
from tollspan.sdk.metrics import MetricPipeline


class ReconfigurableMeterProvider(MeterProvider):
    """A meter provider whose resource can change, and which can measure by unit."""

    def __init__(self, resource: Resource, pipeline: MetricPipeline, attribution: Attribution) -> None:
        super().__init__([pipeline], resource, shutdown_on_exit=False)
        self._attribution = attribution
        self._consume = self._measurement_consumer.consume_measurement

    def reconfigure(self, resource: Resource, *, by_unit: bool) -> None:
        """What is collected from now on is of `resource`; measured, too, with the unit as an attribute."""
        self._sdk_config.resource = resource
        consume = self._consume_by_unit if by_unit else self._consume
        self._measurement_consumer.consume_measurement = consume  # type: ignore[method-assign]  # has no hook

    def _consume_by_unit(self, measurement: Measurement) -> None:
        if units := self._attribution.attributes(measurement.context):
            measurement = replace(measurement, attributes={**units, **(measurement.attributes or {})})
        self._consume(measurement)


class MetricsProvider:
    """Brings the metrics of the global meter provider to a pipeline."""

    def __init__(self, attribution: Attribution, events: Events) -> None:
        self._attribution = attribution
        self._events = events
        self._attached: metrics.MeterProvider | None = None

    def attach(self, resource: Resource, pipeline: MetricPipeline, *, by_unit: bool) -> None:
        """Metrics are of `resource`, and of units if wanted, unless a provider of somebody else's is set."""
        provider = metrics.get_meter_provider()
        if isinstance(provider, ReconfigurableMeterProvider) and provider is self._attached:
            provider.reconfigure(resource, by_unit=by_unit)
        elif isinstance(provider, _ProxyMeterProvider):
            self._attached = own = ReconfigurableMeterProvider(resource, pipeline, self._attribution)
            own.reconfigure(resource, by_unit=by_unit)
            metrics.set_meter_provider(own)
        elif not hasattr(provider, "add_metric_reader"):
            kind = type(provider).__name__
            advice = "init before it is set, or update opentelemetry-sdk to 1.43"
            self._events.notice(
                "no_metrics", f"a meter provider is set that takes no more readers: {kind} ({advice})"
            )
        elif provider is not self._attached:
            provider.add_metric_reader(pipeline)
            self._attached = provider
            self._events.notice("metrics_attached", "using the meter provider that is set, with its resource")
