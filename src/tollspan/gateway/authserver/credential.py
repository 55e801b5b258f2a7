"""A credential, a wish for one, and a secret just issued for one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tollspan.errors import ConfigError
from tollspan.gateway.authserver.permissions import read_permissions
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret

OAUTH2 = "oauth2"
API_KEY = "api_key"
KINDS = (OAUTH2, API_KEY)

LIFETIME_MAX_S = 100 * 366 * 86400

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential without its secrets. Times are Unix seconds; empty `datasets` means all."""

    id: str
    kind: str
    name: str
    tenant: str
    datasets: tuple[str, ...]
    permissions: tuple[str, ...]
    created_s: float
    expires_s: float | None
    revoked_s: float | None
    last_used_s: float | None
    live_secrets: int

    def is_live(self, now_s: float) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_s is None and (self.expires_s is None or now_s < self.expires_s)

    def principal(self) -> Principal:
        """The caller that this credential stands for, with all that it may do."""
        return Principal(
            self.id,
            self.tenant,
            frozenset(self.permissions),
            frozenset(self.datasets),
            expires_s=math.inf if self.expires_s is None else self.expires_s,
        )


@dataclass(frozen=True, slots=True)
class CredentialDraft:
    """What a new credential shall be. Raises ConfigError, naming the field that is wrong."""

    name: str
    permissions: tuple[str, ...]
    kind: str = OAUTH2
    tenant: str = "default"
    datasets: tuple[str, ...] = ()
    expires_in_s: float | None = None

    def __post_init__(self) -> None:
        read_permissions(self.permissions)
        if not 1 <= len(self.name) <= 100 or not self.name.isprintable():
            raise ConfigError("name", "must be 1 to 100 printable characters")
        if self.kind not in KINDS:
            raise ConfigError("kind", f"unknown kind {self.kind!r}", "choose from " + ", ".join(KINDS))
        for field, word in (("tenant", self.tenant), *(("datasets", dataset) for dataset in self.datasets)):
            if not _WORD.fullmatch(word):
                hint = "use 1 to 63 letters, digits, '.', '_' and '-', a letter or digit first"
                raise ConfigError(field, f"{word!r} is no name", hint)
        if self.expires_in_s is not None and not 0 < self.expires_in_s < LIFETIME_MAX_S:
            raise ConfigError("expires_in", "must be more than zero and less than a hundred years")


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """A credential and its newest secret, which can't be had again: a client secret or an API key."""

    credential: Credential
    secret: Secret
