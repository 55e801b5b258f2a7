"""Access tokens that ended before their time, remembered until they would have ended by themselves."""

from __future__ import annotations

import time
from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, select

from tollspan.gateway.authserver.database import Database
from tollspan.gateway.authserver.schema import revoked_tokens


def revoke(connection: Connection, token_id: str, expires_s: float) -> None:
    """Access tokens with that `jti` or `grant_id` are worthless; none of them lives beyond `expires_s`."""
    connection.execute(delete(revoked_tokens).where(revoked_tokens.c.expires_s < time.time()))
    if connection.execute(select(revoked_tokens).where(revoked_tokens.c.id == token_id)).first() is None:
        connection.execute(insert(revoked_tokens).values(id=token_id, expires_s=expires_s))


def is_any_revoked(database: Database, token_ids: Collection[str]) -> bool:
    """Whether a token with these ids is worthless. Raises StoreError."""
    with database.reading() as connection:
        asked = select(revoked_tokens).where(revoked_tokens.c.id.in_(token_ids))
        return connection.execute(asked).first() is not None
