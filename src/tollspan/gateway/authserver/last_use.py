"""When each secret was last used: remembered at once, written later, off the path of any request."""

from __future__ import annotations

import threading
from collections.abc import Collection

import structlog
from sqlalchemy import Connection, bindparam, exists, select, update

from tollspan.errors import StoreError
from tollspan.gateway.authserver.database import Database
from tollspan.gateway.authserver.schema import secrets

_log = structlog.get_logger()


class LastUse:
    """Uses that are not written yet, one per secret."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._uses: dict[bytes, float] = {}
        self._warned: set[bytes] = set()

    def note(self, digest: bytes, now_s: float) -> None:
        """The secret with that digest was used."""
        with self._lock:
            self._uses[digest] = now_s

    def write(self) -> None:
        """All uses noted so far are in the database. When it can't take them, the next call tries again."""
        with self._lock:
            uses, self._uses = self._uses, {}
        if not uses:
            return
        used = (
            update(secrets).where(secrets.c.digest == bindparam("used")).values(last_used_s=bindparam("at"))
        )
        try:
            with self._database.writing(announced=False) as connection:
                connection.execute(used, [{"used": digest, "at": at} for digest, at in uses.items()])
                self._warn_of_superseded(connection, uses)
        except StoreError as error:
            _log.warning("credential_use_not_noted", secrets=len(uses), reason=str(error))
            with self._lock:
                self._uses = uses | self._uses

    def _warn_of_superseded(self, connection: Connection, uses: Collection[bytes]) -> None:
        """The log tells once of each of these secrets that was used after its successor was made."""
        newer = secrets.alias()
        was_made_before = exists().where(
            newer.c.credential_id == secrets.c.credential_id,
            newer.c.created_s > secrets.c.created_s,
            newer.c.created_s < secrets.c.last_used_s,
        )
        superseded = select(secrets).where(secrets.c.digest.in_(uses), was_made_before)
        for row in connection.execute(superseded):
            if row.digest not in self._warned:
                self._warned.add(row.digest)
                _log.warning("old_secret_in_use", credential=row.credential_id, ends_s=row.expires_s)
