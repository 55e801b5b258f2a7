"""The components that come with the collector."""

from __future__ import annotations

from tollspan.collector.exporters import debug
from tollspan.collector.receivers.otlp import receiver as otlp_receiver

FACTORIES = (
    otlp_receiver.FACTORY,
    debug.FACTORY,
)
