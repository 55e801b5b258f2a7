"""The public keys of the auth servers, in the identity database: all that a verifier needs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from tollspan.gateway.authserver.database import Database
from tollspan.gateway.authserver.schema import signing_keys
from tollspan.oauth2.keyset import KeySet, PublicKey


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key that signs from a moment on, and whose signatures are good until another."""

    jwk: dict[str, Any]
    key: PublicKey | None
    signs_from_s: float
    verifies_until_s: float | None

    def verifies(self, now_s: float) -> bool:
        """Whether its signatures are still to be accepted."""
        return self.verifies_until_s is None or now_s < self.verifies_until_s


class PublishedKeys:
    """A KeyFinder over the database. Keys are remembered until `forget`; an unknown one is looked up."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, PublishedKey] | None = None

    def forget(self) -> None:
        """The next question is answered by the database."""
        self._keys = None

    def find(self, kid: str) -> PublicKey | None:
        """The key with that id while its signatures count. Raises StoreError."""
        published = self.all().get(kid) or self._load().get(kid)
        return published.key if published and published.verifies(self._clock()) else None

    def jwks(self) -> dict[str, Any]:
        """The keys whose signatures count, as a JWK Set (RFC 7517 §5). Raises StoreError."""
        now_s = self._clock()
        return {"keys": [published.jwk for published in self.all().values() if published.verifies(now_s)]}

    def check(self) -> None:
        """The database answers. Raises StoreError."""
        self._load()

    def all(self) -> dict[str, PublishedKey]:
        """Every key by its id. Raises StoreError."""
        keys = self._keys
        return self._load() if keys is None else keys

    def _load(self) -> dict[str, PublishedKey]:
        with self._lock:
            with self.database.reading() as connection:
                rows = connection.execute(select(signing_keys)).all()
            keyset = KeySet.from_jwks({"keys": [row.public_key for row in rows]})
            self._keys = keys = {
                row.kid: PublishedKey(
                    row.public_key, keyset.find(row.kid), row.signs_from_s, row.verifies_until_s
                )
                for row in rows
            }
        return keys


def publish(connection: Connection, jwk: dict[str, Any], signs_from_s: float) -> None:
    """Verifiers accept that key from now on, and its owner signs with it from `signs_from_s` on."""
    row = {"kid": jwk["kid"], "public_key": jwk, "signs_from_s": signs_from_s}
    connection.execute(insert(signing_keys).values(row))


def retire(connection: Connection, kids: set[str], verifies_until_s: float, now_s: float) -> None:
    """The signatures of those keys end then, or earlier if that was said before; ended keys are removed."""
    lasting = signing_keys.c.kid.in_(kids) & signing_keys.c.verifies_until_s.is_(None)
    connection.execute(update(signing_keys).where(lasting).values(verifies_until_s=verifies_until_s))
    ended = signing_keys.c.verifies_until_s <= now_s
    connection.execute(delete(signing_keys).where(ended))


def withdraw(connection: Connection, kids: set[str]) -> None:
    """The signatures of those keys end now."""
    connection.execute(delete(signing_keys).where(signing_keys.c.kid.in_(kids)))
