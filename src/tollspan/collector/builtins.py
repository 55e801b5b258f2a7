"""The components that come with the collector."""

from __future__ import annotations

from tollspan.collector.exporters import debug, file, loki, otlp_grpc, otlp_http
from tollspan.collector.exporters.loadbalancing import exporter as loadbalancing
from tollspan.collector.exporters.prometheus_remote_write import exporter as prometheus_remote_write
from tollspan.collector.extensions import (
    basicauth,
    bearertokenauth,
    file_storage,
    health_check,
    oauth2client,
    oidc,
)
from tollspan.collector.processors import (
    attributes,
    batch,
    filter,  # noqa: A004 - the component's name
    memory_limiter,
    probabilistic_sampler,
    resource,
    transform,
    unit,
)
from tollspan.collector.processors.tail_sampling import processor as tail_sampling
from tollspan.collector.receivers.jaeger import receiver as jaeger_receiver
from tollspan.collector.receivers.otlp import receiver as otlp_receiver
from tollspan.collector.receivers.prometheus import receiver as prometheus_receiver

FACTORIES = (
    jaeger_receiver.FACTORY,
    otlp_receiver.FACTORY,
    prometheus_receiver.FACTORY,
    debug.FACTORY,
    file.FACTORY,
    loadbalancing.FACTORY,
    loki.FACTORY,
    otlp_grpc.FACTORY,
    otlp_http.FACTORY,
    prometheus_remote_write.FACTORY,
    basicauth.FACTORY,
    bearertokenauth.FACTORY,
    file_storage.FACTORY,
    health_check.FACTORY,
    oauth2client.FACTORY,
    oidc.FACTORY,
    attributes.FACTORY,
    batch.FACTORY,
    filter.FACTORY,
    memory_limiter.FACTORY,
    probabilistic_sampler.FACTORY,
    resource.FACTORY,
    tail_sampling.FACTORY,
    transform.FACTORY,
    unit.FACTORY,
)
