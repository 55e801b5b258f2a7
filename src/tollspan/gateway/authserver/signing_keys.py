"""The keys that sign access tokens: the private halves in one file, the public ones published.

A process that only verifies needs no such file: see `published_keys`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from tollspan.errors import ConfigError
from tollspan.gateway.authserver import audit
from tollspan.gateway.authserver.key_file import KeyFile, make_key
from tollspan.gateway.authserver.published_keys import PublishedKeys, publish, retire, withdraw
from tollspan.oauth2.secret import Secret

ALGORITHM = "RS256"

JWKS_AGE_S_MAX = 300
"""For so long a verifier elsewhere may keep the published keys without asking again."""

PUBLISHED_AHEAD_S = 2 * JWKS_AGE_S_MAX
"""A new key is published this long before it signs, so that every verifier knows it by then."""

TOKEN_LIFETIME_S_MAX = 3600
"""No access token lives longer; so long after its last signature a key is still published."""

NO_PASSPHRASE = Secret("")


class SigningKeys:
    """This auth server's own keys. The newest one whose time has come signs.

    Several processes may use one file, and several auth servers, each with a file of its own,
    one database.
    """

    def __init__(
        self, file: KeyFile, published: PublishedKeys, clock: Callable[[], float] = time.time
    ) -> None:
        self._file = file
        self._published = published
        self._clock = clock
        self._stamp = file.stamp()
        self._keys = file.read()

    @classmethod
    def open(
        cls,
        data_dir: Path,
        published: PublishedKeys,
        *,
        passphrase: Secret = NO_PASSPHRASE,
        clock: Callable[[], float] = time.time,
    ) -> SigningKeys:
        """The keys in `data_dir`: made when there are none, published when the database knows none of them.

        With a `passphrase` their file is encrypted. Raises ConfigError and StoreError.
        """
        file = KeyFile(data_dir, passphrase)
        file.make()
        opened = cls(file, published, clock)
        opened._publish_if_unknown()
        return opened

    @property
    def kid(self) -> str:
        """The id of the key that signs now: its thumbprint (RFC 7638)."""
        return str(self._current().kid)

    def sign(self, claims: dict[str, Any]) -> str:
        """A JWT access token with these claims (RFC 9068 §2). Raises ConfigError and StoreError."""
        key = self._current()
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": str(key.kid)}
        return jwt.encode(header, claims, key, algorithms=[ALGORITHM])

    def check(self) -> None:
        """A token could be signed now. Raises ConfigError and StoreError."""
        self.sign({})

    def rotate(self, *, at_once: bool = False, actor: str = "local") -> str:
        """The id of a new key, which signs as soon as every verifier can know it.

        Tokens signed before stay good to their end. With `at_once` the new key signs now,
        and the ones before are worthless: for a key that may be known to others.
        """
        now_s = self._clock()
        new = make_key()
        signs_from_s = now_s if at_once else now_s + PUBLISHED_AHEAD_S
        with self._published.database.writing() as connection:
            self._published.forget()
            keys, known = self._file.read(), self._published.all()
            # What others still go by stays in the file until they go by what this commits.
            self._file.replace([*(key for kid, key in keys.items() if kid in known), new])
            if at_once:
                withdraw(connection, set(keys))
            else:
                retire(connection, set(keys), signs_from_s + TOKEN_LIFETIME_S_MAX, now_s)
            publish(connection, _public(new), signs_from_s)
            audit.note(connection, actor, "signing_key_rotated", subject=str(new.kid), at_once=at_once)
        self._published.forget()
        return str(new.kid)

    def _current(self) -> RSAKey:
        stamp = self._file.stamp()
        if stamp != self._stamp:
            self._keys, self._stamp = self._file.read(), stamp
        now_s, published = self._clock(), self._published.all()
        starts = {kid: published[kid].signs_from_s for kid in self._keys if kid in published}
        if not starts:
            raise ConfigError(str(self._file.path), "holds no key that is published")
        come = {kid: start_s for kid, start_s in starts.items() if start_s <= now_s}
        # A clock that was set back is before them all; the first of them has signed already.
        return self._keys[max(come, key=come.__getitem__) if come else min(starts, key=starts.__getitem__)]

    def _publish_if_unknown(self) -> None:
        """Keys are published with the file they are in; one that is not published any more was withdrawn."""
        with self._published.database.writing() as connection:
            self._published.forget()
            keys = self._file.read()  # again, for nobody rotates now
            if not keys.keys() & self._published.all().keys():
                for key in keys.values():
                    publish(connection, _public(key), self._clock())
        self._published.forget()


def _public(key: RSAKey) -> dict[str, Any]:
    return dict(key.as_dict(private=False, use="sig", alg=ALGORITHM))
