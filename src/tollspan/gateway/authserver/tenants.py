"""The tenants of a gateway: each is a name, and is there while a credential or a person has it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import delete, update

from tollspan.errors import ConfigError
from tollspan.gateway.authserver import audit
from tollspan.gateway.authserver.credential import LIVE
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.schema import credentials, memberships, sessions


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who may act for a tenant; `datasets` are those that its credentials name."""

    name: str
    live_credentials: int
    people: tuple[str, ...]
    datasets: tuple[str, ...]
    last_used_s: float | None


@dataclass(frozen=True, slots=True)
class Closure:
    """What ended with a tenant."""

    credentials: int
    people: int
    sessions: int


def list_tenants(identity: Identity) -> list[Tenant]:
    """Every tenant that has, or had, a credential or a person, by name. Raises StoreError."""
    people, found = identity.users.list(), identity.credentials.find_all()
    names = {credential.tenant for credential in found} | {name for user in people for name in user.roles}
    now_s = time.time()
    tenants = []
    for name in sorted(names):
        own = [credential for credential in found if credential.tenant == name]
        uses = [credential.last_used_s for credential in own if credential.last_used_s is not None]
        tenants.append(
            Tenant(
                name,
                live_credentials=sum(credential.state(now_s) == LIVE for credential in own),
                people=tuple(user.email for user in people if name in user.roles),
                datasets=tuple(sorted({dataset for credential in own for dataset in credential.datasets})),
                last_used_s=max(uses, default=None),
            )
        )
    return tenants


def close_tenant(identity: Identity, name: str, *, actor: str) -> Closure:
    """Nobody acts for the tenant any more: its credentials are revoked, its people and sessions gone.

    What it sent stays until its retention is over. ConfigError when there is no such tenant.
    """
    if name not in {tenant.name for tenant in list_tenants(identity)}:
        raise ConfigError("tenant", f"nobody belongs to a tenant {name!r}")
    live = (credentials.c.tenant == name) & credentials.c.revoked_s.is_(None)
    with identity.database.writing() as connection:
        closure = Closure(
            credentials=connection.execute(
                update(credentials).where(live).values(revoked_s=time.time())
            ).rowcount,
            people=connection.execute(delete(memberships).where(memberships.c.tenant == name)).rowcount,
            sessions=connection.execute(delete(sessions).where(sessions.c.tenant == name)).rowcount,
        )
        audit.note(
            connection, actor, "tenant_closed", tenant=name, subject=name, credentials=closure.credentials
        )
    return closure
