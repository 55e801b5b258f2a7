"""Where the metrics of this process come from: a meter provider of ours, or one that was there already."""

from __future__ import annotations

from opentelemetry import metrics
from opentelemetry.metrics._internal import _ProxyMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource

from tollspan.sdk.events import Events
from tollspan.sdk.metrics import MetricPipeline


class ReconfigurableMeterProvider(MeterProvider):
    """A meter provider whose resource can change."""

    def __init__(self, resource: Resource, pipeline: MetricPipeline) -> None:
        super().__init__([pipeline], resource, shutdown_on_exit=False)

    def reconfigure(self, resource: Resource) -> None:
        """What is collected from now on is of `resource`."""
        self._sdk_config.resource = resource


class MetricsProvider:
    """Brings the metrics of the global meter provider to a pipeline."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._attached: metrics.MeterProvider | None = None

    def attach(self, resource: Resource, pipeline: MetricPipeline) -> None:
        """Metrics are of `resource`, unless a provider of somebody else's is set."""
        provider = metrics.get_meter_provider()
        if isinstance(provider, ReconfigurableMeterProvider) and provider is self._attached:
            provider.reconfigure(resource)
        elif isinstance(provider, _ProxyMeterProvider):
            self._attached = ReconfigurableMeterProvider(resource, pipeline)
            metrics.set_meter_provider(self._attached)
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
