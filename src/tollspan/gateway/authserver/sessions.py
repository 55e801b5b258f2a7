"""The dashboard's sessions: a random id in a cookie, everything else in the identity database."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Collection

from sqlalchemy import delete, insert, select

from tollspan.gateway.authserver.database import Database
from tollspan.gateway.authserver.permissions import READ
from tollspan.gateway.authserver.schema import sessions
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret

COOKIE = "tollspan_session"
LIFETIME_S = 12 * 3600
TENANT = "default"
"""Whose data the sign-in key shows."""


class Sessions:
    """The signed-in browsers. A session lasts 12 hours, or until it is closed, or its subject's are.

    `key` is this process's sign-in key: whoever started the gateway reads with it, and needs
    no account. `owner_key` makes the first account. Methods that ask the database may raise StoreError.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self.key, self.owner_key = Secret(secrets.token_urlsafe(32)), Secret(secrets.token_urlsafe(32))
        self._database = database
        self._clock = clock

    def open_with_key(self, key: str) -> Secret | None:
        """A session that reads; None when the key is wrong."""
        return self.open("dashboard", TENANT, READ) if Secret(key) == self.key else None

    def open(self, subject: str, tenant: str, permissions: Collection[str]) -> Secret:
        """The id of a new session, to be set as the cookie."""
        session_id = Secret(secrets.token_urlsafe(32))
        now_s = self._clock()
        row = {
            "digest": _digest(session_id.reveal()),
            "subject": subject,
            "tenant": tenant,
            "permissions": sorted(permissions),
            "expires_s": now_s + LIFETIME_S,
        }
        with self._database.writing(announced=False) as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_s < now_s))
            connection.execute(insert(sessions).values(row))
        return session_id

    def find(self, session_id: str) -> Principal | None:
        """Who is signed in with that cookie; None when nobody is, or no longer."""
        asked = select(sessions).where(sessions.c.digest == _digest(session_id))
        with self._database.reading() as connection:
            row = connection.execute(asked).one_or_none()
        if row is None or row.expires_s <= self._clock():
            return None
        return Principal(row.subject, row.tenant, frozenset(row.permissions), expires_s=row.expires_s)

    def close(self, session_id: str) -> None:
        """Sign out; an unknown session is signed out already."""
        with self._database.writing(announced=False) as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == _digest(session_id)))


def _digest(session_id: str) -> bytes:
    """The table's key: finding it takes no time that depends on a stored id."""
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).digest()
