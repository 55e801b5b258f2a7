"""Remembers for a moment who was proved by what, so that proving it again costs a hash."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass

from tollspan.oauth2.principal import Principal

TTL_S = 60.0
ENTRIES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class _Entry:
    principal: Principal
    until_s: float


class VerifiedCache:
    """Principals by the SHA-256 of the token or key that proved them, at most `entries_max`.

    An entry lasts until the proof expires, for 60 s at most. `clear` begins a new epoch:
    it drops every entry, and also those still to come from proofs that began before it.
    """

    def __init__(self, *, entries_max: int = ENTRIES_MAX) -> None:
        self._entries_max = entries_max
        self._entries: dict[bytes, _Entry] = {}
        self._epoch = 0
        self._lock = threading.Lock()

    @property
    def epoch(self) -> int:
        """To be read before a proof begins, and passed to `put` with its result."""
        return self._epoch

    def get(self, proof: str, now_s: float) -> Principal | None:
        """Whom `proof` stood for when last checked; None when that is unknown or too long ago."""
        entry = self._entries.get(_digest(proof))
        return entry.principal if entry and now_s < entry.until_s else None

    def put(self, proof: str, principal: Principal, now_s: float, epoch: int) -> None:
        """Remember a proof that began in `epoch`; the oldest entry makes room."""
        entry = _Entry(principal, min(principal.expires_s, now_s + TTL_S))
        with self._lock:
            if epoch != self._epoch:
                return
            self._entries.pop(digest := _digest(proof), None)
            if len(self._entries) >= self._entries_max:
                del self._entries[next(iter(self._entries))]
            self._entries[digest] = entry

    def clear(self) -> None:
        """Forget everything: some credential has changed."""
        with self._lock:
            self._epoch += 1
            self._entries.clear()


def _digest(proof: str) -> bytes:
    return hashlib.sha256(proof.encode("utf-8", "surrogatepass")).digest()
