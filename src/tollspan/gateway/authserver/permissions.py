"""What a credential can allow. Permissions are OAuth scopes: `write:traces`."""

from __future__ import annotations

from collections.abc import Iterable

from tollspan.errors import ConfigError
from tollspan.otlp.signals import Signal

WRITE = tuple(signal.write_permission for signal in Signal)
READ = (*(signal.read_permission for signal in Signal), "read:costs")
MANAGE = ("manage:credentials", "manage:prices", "manage:settings")
PERMISSIONS = WRITE + READ + MANAGE

ROLES = {"owner": PERMISSIONS, "editor": (*READ, "manage:prices", "manage:settings"), "viewer": READ}
"""What people may do, by their role in a tenant."""


def read_permissions(names: Iterable[str]) -> tuple[str, ...]:
    """The named permissions in canonical order; raises ConfigError for an unknown one or none."""
    wanted = set(names)
    unknown = sorted(wanted.difference(PERMISSIONS))
    if unknown or not wanted:
        problem = f"unknown permission {unknown[0]!r}" if unknown else "none given"
        raise ConfigError("permissions", problem, "choose from " + ", ".join(PERMISSIONS))
    return tuple(name for name in PERMISSIONS if name in wanted)
