"""What a gateway is made of: the collector's components and its own."""

from __future__ import annotations

from tollspan.collector import builtins
from tollspan.collector.component import Registry
from tollspan.collector.registry import build_registry, installed_factories
from tollspan.gateway.components import (
    auth_extension,
    live_exporter,
    storage_exporter,
    store_extension,
    web_extension,
)

FACTORIES = (
    *builtins.FACTORIES,
    auth_extension.FACTORY,
    live_exporter.FACTORY,
    storage_exporter.FACTORY,
    store_extension.FACTORY,
    web_extension.FACTORY,
)


def build_gateway_registry() -> Registry:
    """Every component type that a gateway's configuration may name, installed ones included."""
    return build_registry([*FACTORIES, *installed_factories()])
