"""Every component type that a configuration may name."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points

from tollspan.collector.component import Factory, Kind, Registry
from tollspan.errors import ConfigError

ENTRY_POINT_GROUP = "tollspan_components"
"""Other packages offer a Factory under any name in this group."""


def build_registry(factories: Iterable[Factory]) -> Registry:
    """The factories by kind and type; ConfigError when two claim the same type."""
    registry: dict[Kind, dict[str, Factory]] = {kind: {} for kind in Kind}
    for factory in factories:
        for name in (factory.type, *factory.old_names):
            if name in registry[factory.kind]:
                raise ConfigError(
                    f"{factory.kind.value}::{name}",
                    "two installed components claim this type",
                    f"uninstall one of the packages that offer it in {ENTRY_POINT_GROUP}",
                )
            registry[factory.kind][name] = factory
    return registry


def installed_factories() -> list[Factory]:
    """The factories that installed packages offer; ConfigError names the one that does not load."""
    factories = []
    for point in entry_points(group=ENTRY_POINT_GROUP):
        name = f"{ENTRY_POINT_GROUP}::{point.name}"
        try:
            factory = point.load()
        except Exception as error:
            raise ConfigError(name, f"{point.value} cannot be loaded: {error!r}") from error
        if not isinstance(factory, Factory):
            raise ConfigError(name, f"{point.value} is not a Factory but a {type(factory).__name__}")
        factories.append(factory)
    return factories
