"""The public keys of an issuer, found by key id (RFC 7517)."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

_log = logging.getLogger("tollspan")

KEYS_MAX = 100
RSA_BITS_MIN = 2048

FRESH_S = 3600.0
"""Keys older than this are fetched anew, so that a withdrawn one is noticed."""

STALE_S_MAX = 86400.0
"""Keys that could not be fetched anew for so long count no more."""

PublicKey = RSAKey | ECKey


class KeyFinder(Protocol):
    """Where a verifier looks for keys."""

    def find(self, kid: str) -> PublicKey | None:
        """The key with that id, if there is one."""
        ...


class KeySet:
    """Signature keys by `kid`. Never changes; rotation replaces the whole set."""

    def __init__(self, keys: Mapping[str, PublicKey]) -> None:
        self._keys = dict(keys)

    @classmethod
    def from_jwks(cls, jwks: Mapping[str, Any]) -> KeySet:
        """The usable keys of a JWK Set.

        Leaves out what can't verify an access token here: encryption keys, symmetric keys,
        keys without `kid`, RSA below 2048 bits, and anything malformed or unknown
        (RFC 7517 §5). Of two keys with one `kid` the first wins.
        """
        entries = jwks.get("keys")
        keys: dict[str, PublicKey] = {}
        for entry in entries[:KEYS_MAX] if isinstance(entries, list) else ():
            key = _import(entry)
            if key is not None and key.kid:
                keys.setdefault(key.kid, key)
        return cls(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, kid: str) -> PublicKey | None:
        """The key with that id, if there is one."""
        return self._keys.get(kid)


class RotatingKeySet:
    """The keys of an issuer that changes them: an unknown `kid` leads to a new `fetch`, and so does an hour.

    `fetch` returns a JWK Set, with bounded time and size, and may raise anything. It is
    called at most once per `cooldown_s`, however many unknown ids arrive; while it fails,
    the keys from before stay in use, but for a day at most. Who looks for a known key never
    waits for the fetch of another.
    """

    def __init__(
        self,
        fetch: Callable[[], Mapping[str, Any]],
        *,
        cooldown_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._cooldown_s = cooldown_s
        self._clock = clock
        self._fetching = threading.Lock()
        self._keys = KeySet({})
        self._asked_s = self._fetched_s = -math.inf

    def find(self, kid: str) -> PublicKey | None:
        """The key with that id, after at most one fetch."""
        known = self._keys.find(kid) is not None
        if (not known or self._age_s() > FRESH_S) and self._fetching.acquire(blocking=not known):
            try:
                if self._clock() - self._asked_s >= self._cooldown_s:
                    self._refresh()
            finally:
                self._fetching.release()
        return self._keys.find(kid) if self._age_s() <= STALE_S_MAX else None

    def _age_s(self) -> float:
        return self._clock() - self._fetched_s

    def _refresh(self) -> None:
        try:
            keys = KeySet.from_jwks(self._fetch())
            if not keys:
                raise LookupError("no usable key")
            self._keys, self._fetched_s = keys, self._clock()
        except Exception as error:
            # A broken issuer must not break those whose keys we have.
            _log.warning("the issuer's keys cannot be fetched, the known ones stay: %s", type(error).__name__)
        finally:
            self._asked_s = self._clock()


def _import(entry: object) -> PublicKey | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        match entry.get("kty"):
            case "RSA" if len(entry["n"]) * 6 >= RSA_BITS_MIN:  # Base64 carries six bits a character.
                return RSAKey.import_key(entry)
            case "EC":
                return ECKey.import_key(entry)
    except (JoseError, ValueError, TypeError, LookupError):
        pass
    return None
