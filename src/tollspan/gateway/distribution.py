"""What a gateway is made of: the collector's components and its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

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


ROLES = ("ingest", "query", "auth", "ui")
"""What one process can be: it takes telemetry in, answers questions, issues tokens, shows the dashboard."""


def keep_roles(document: Mapping[str, Any], roles: Collection[str]) -> dict[str, Any]:
    """The configuration of a process that has these roles alone.

    Whoever does not issue tokens opens no private key, and whoever does nothing else opens
    no telemetry store.
    """
    extensions, service = dict(document["extensions"]), dict(document["service"])
    extensions["auth"] = extensions["auth"] | {"issues_tokens": "auth" in roles}
    extensions["web"] = extensions["web"] | {"roles": sorted(roles)}
    if set(roles) == {"auth"}:
        service["extensions"] = [name for name in service["extensions"] if name != "store"]
        extensions["web"] |= {"store": None}
    kept = {**document, "extensions": extensions, "service": service}
    if "ingest" not in roles:
        service["pipelines"] = {}
        kept |= {"receivers": {}, "processors": {}, "exporters": {}}
    return kept


def build_gateway_registry() -> Registry:
    """Every component type that a gateway's configuration may name, installed ones included."""
    return build_registry([*FACTORIES, *installed_factories()])
