"""The keys that sign access tokens: the private halves in one file, the public ones published.

A process that only verifies needs no such file: see `published_keys`.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from tollspan.errors import ConfigError
from tollspan.gateway.authserver import audit
from tollspan.gateway.authserver.published_keys import PublishedKeys, publish, retire, withdraw

FILE_NAME = "signing-keys.json"
ALGORITHM = "RS256"
KEY_BITS = 2048

JWKS_AGE_S_MAX = 300
"""For so long a verifier elsewhere may keep the published keys without asking again."""

PUBLISHED_AHEAD_S = 2 * JWKS_AGE_S_MAX
"""A new key is published this long before it signs, so that every verifier knows it by then."""

TOKEN_LIFETIME_S_MAX = 3600
"""No access token lives longer; so long after its last signature a key is still published."""


class SigningKeys:
    """This auth server's own keys. The newest one whose time has come signs.

    The file holds `{"keys": [<private JWK>, …]}`. Several processes may use one file, and
    several auth servers, each with a file of its own, one database.
    """

    def __init__(self, path: Path, published: PublishedKeys, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._published = published
        self._clock = clock
        self._stamp = _stamp(path)
        self._keys = _read(path)

    @classmethod
    def open(
        cls, data_dir: Path, published: PublishedKeys, *, clock: Callable[[], float] = time.time
    ) -> SigningKeys:
        """The keys in `data_dir`, made when there are none, and all of them published.

        Raises ConfigError and StoreError.
        """
        path = data_dir / FILE_NAME
        if not path.exists():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            _create(path)
        opened = cls(path, published, clock)
        opened._publish_missing()
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

    def rotate(self, *, at_once: bool = False, actor: str = "local") -> str:
        """The id of a new key, which signs as soon as every verifier can know it.

        Tokens signed before stay good to their end. With `at_once` the new key signs now,
        and the ones before are worthless: for a key that may be known to others.
        """
        now_s = self._clock()
        new = RSAKey.generate_key(KEY_BITS, auto_kid=True)
        signs_from_s = now_s if at_once else now_s + PUBLISHED_AHEAD_S
        with self._published.database.writing() as connection:
            self._published.forget()
            keys, known = _read(self._path), self._published.all()
            # What others still go by stays in the file until they go by what this commits.
            _replace(self._path, [*(key for kid, key in keys.items() if kid in known), new])
            if at_once:
                withdraw(connection, set(keys))
            else:
                retire(connection, set(keys), signs_from_s + TOKEN_LIFETIME_S_MAX, now_s)
            publish(connection, _public(new), signs_from_s)
            audit.note(connection, actor, "signing_key_rotated", subject=str(new.kid), at_once=at_once)
        self._published.forget()
        return str(new.kid)

    def _current(self) -> RSAKey:
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._keys, self._stamp = _read(self._path), stamp
        now_s = self._clock()
        starts = {kid: published.signs_from_s for kid, published in self._published.all().items()}
        own = [kid for kid in self._keys if starts.get(kid, math.inf) <= now_s]
        if not own:
            raise ConfigError(str(self._path), "holds no key that is published")
        return self._keys[max(own, key=lambda kid: starts[kid])]

    def _publish_missing(self) -> None:
        with self._published.database.writing() as connection:
            self._published.forget()
            for kid in self._keys.keys() - self._published.all().keys():
                publish(connection, _public(self._keys[kid]), self._clock())
        self._published.forget()


def _public(key: RSAKey) -> dict[str, Any]:
    return dict(key.as_dict(private=False, use="sig", alg=ALGORITHM))


def _read(path: Path) -> dict[str, RSAKey]:
    try:
        keys = [RSAKey.import_key(jwk) for jwk in json.loads(path.read_bytes())["keys"]]
        if not keys or not all(key.is_private and key.kid for key in keys):
            raise LookupError
    except (OSError, ValueError, LookupError, TypeError, JoseError) as error:
        # The error's own text may quote the private key.
        hint = "restore it, or remove it to have new keys made; tokens in use are then refused"
        raise ConfigError(str(path), f"holds no usable signing keys: {type(error).__name__}", hint) from None
    return {str(key.kid): key for key in keys}


def _stamp(path: Path) -> tuple[int, int]:
    """Another one after every change of the file."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return status.st_ino, status.st_mtime_ns


def _create(path: Path) -> None:
    """Write one new key to `path`; when another process is quicker, its key stays."""
    draft = _write_draft(path, [RSAKey.generate_key(KEY_BITS, auto_kid=True)])
    try:
        # A link appears whole or not at all, and never replaces a file that is there.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()


def _replace(path: Path, keys: list[RSAKey]) -> None:
    _write_draft(path, keys).replace(path)


def _write_draft(path: Path, keys: list[RSAKey]) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"keys": [key.as_dict(private=True) for key in keys]}, file)
        file.flush()
        os.fsync(file.fileno())
    return draft
