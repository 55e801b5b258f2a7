"""The audit log: who changed what in the identity database, and when."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from tollspan.gateway.authserver.database import Database
from tollspan.gateway.authserver.schema import audit_log

ENTRIES_MAX = 1000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`actor` did `action` to `subject`, which is `tenant`'s; an empty tenant means the whole gateway."""

    time_s: float
    actor: str
    action: str
    tenant: str
    subject: str
    detail: dict[str, Any]


def note(
    connection: Connection, actor: str, action: str, *, tenant: str = "", subject: str = "", **detail: Any
) -> None:
    """The entry is written with the change that it tells of, or not at all; `detail` holds no secret."""
    row = {"actor": actor, "action": action, "tenant": tenant, "subject": subject, "detail": detail}
    connection.execute(insert(audit_log).values(time_s=time.time(), **row))


def list_entries(database: Database, *, tenant: str | None = None, limit: int = 100) -> list[AuditEntry]:
    """The newest `limit` entries of one tenant, or of all, newest first."""
    newest = select(audit_log).order_by(audit_log.c.number.desc()).limit(min(limit, ENTRIES_MAX))
    if tenant is not None:
        newest = newest.where(audit_log.c.tenant == tenant)
    with database.reading() as connection:
        rows = connection.execute(newest).all()
    return [
        AuditEntry(row.time_s, row.actor, row.action, row.tenant, row.subject, row.detail) for row in rows
    ]
