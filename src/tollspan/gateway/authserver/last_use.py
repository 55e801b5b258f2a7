"""When each secret was last used: remembered at once, written later, off the path of any request."""

from __future__ import annotations

import threading

import structlog
from sqlalchemy import bindparam, update

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
        except StoreError as error:
            _log.warning("credential_use_not_noted", secrets=len(uses), reason=str(error))
            with self._lock:
                self._uses = uses | self._uses
