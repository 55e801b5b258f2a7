"""Sign-in to the dashboard: one key per process start, exchanged for a session cookie."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable

from tollspan.gateway.authserver.permissions import READ
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret

COOKIE = "tollspan_session"
LIFETIME_S = 12 * 3600
SESSIONS_MAX = 1000


class Sessions:
    """The signed-in browsers of this process; a restart signs all of them out.

    `key` is the sign-in key. At most 1000 sessions live, 12 hours each; the oldest makes room.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.key = Secret(secrets.token_urlsafe(32))
        self._clock = clock
        self._lock = threading.Lock()
        self._principals: dict[bytes, Principal] = {}

    def open(self, key: str) -> Secret | None:
        """The id of a new session, to be set as the cookie; None when the key is wrong."""
        if Secret(key) != self.key:
            return None
        session_id = Secret(secrets.token_urlsafe(32))
        principal = Principal("dashboard", "default", frozenset(READ), expires_s=self._clock() + LIFETIME_S)
        with self._lock:
            if len(self._principals) >= SESSIONS_MAX:
                del self._principals[next(iter(self._principals))]
            self._principals[_digest(session_id.reveal())] = principal
        return session_id

    def find(self, session_id: str) -> Principal | None:
        """Who is signed in with that cookie; None when nobody is, or no longer."""
        principal = self._principals.get(_digest(session_id))
        return principal if principal and self._clock() < principal.expires_s else None

    def close(self, session_id: str) -> None:
        """Sign out; an unknown session is signed out already."""
        with self._lock:
            self._principals.pop(_digest(session_id), None)


def _digest(session_id: str) -> bytes:
    """The table's key: finding it takes no time that depends on a stored id."""
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).digest()
