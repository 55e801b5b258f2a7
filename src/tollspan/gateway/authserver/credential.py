"""A credential, a wish for one, and a secret just issued for one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from tollspan.errors import ConfigError
from tollspan.gateway.authserver.permissions import read_permissions
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret

OAUTH2 = "oauth2"
API_KEY = "api_key"
KINDS = (OAUTH2, API_KEY)

LIVE, EXPIRED, REVOKED = "live", "expired", "revoked"
STATES = (LIVE, EXPIRED, REVOKED)

LIFETIME_MAX_S = 100 * 366 * 86400

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def check_name(field: str, name: str) -> None:
    """Return when `name` can be that of a tenant or dataset; raise ConfigError for `field` when not."""
    if not _WORD.fullmatch(name):
        hint = "use 1 to 63 letters, digits, '.', '_' and '-', a letter or digit first"
        raise ConfigError(field, f"{name!r} is no name", hint)


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential without its secrets. Times are Unix seconds; empty `datasets` means all.

    A `refreshable` one gets a refresh token with its access tokens. `created_by` is who the
    audit log names for it.
    """

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
    refreshable: bool
    created_by: str

    def state(self, now_s: float) -> str:
        """One of STATES."""
        if self.revoked_s is not None:
            return REVOKED
        return LIVE if self.expires_s is None or now_s < self.expires_s else EXPIRED

    def is_live(self, now_s: float) -> bool:
        """Neither revoked nor expired."""
        return self.state(now_s) == LIVE

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
class LiveSecret:
    """The times of one secret, or key, that still proves its credential; Unix seconds."""

    created_s: float
    expires_s: float | None
    last_used_s: float | None


@dataclass(frozen=True, slots=True)
class CredentialDraft:
    """What a new credential shall be. Raises ConfigError, naming the field that is wrong.

    With a `public_key` (a JWK) the client signs with its private half, and gets no secret.
    """

    name: str
    permissions: tuple[str, ...]
    kind: str = OAUTH2
    tenant: str = "default"
    datasets: tuple[str, ...] = ()
    expires_in_s: float | None = None
    refreshable: bool = False
    public_key: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        read_permissions(self.permissions)
        if not 1 <= len(self.name) <= 100 or not self.name.isprintable():
            raise ConfigError("name", "must be 1 to 100 printable characters")
        if self.kind not in KINDS:
            raise ConfigError("kind", f"unknown kind {self.kind!r}", "choose from " + ", ".join(KINDS))
        check_name("tenant", self.tenant)
        for dataset in self.datasets:
            check_name("datasets", dataset)
        if self.expires_in_s is not None and not 0 < self.expires_in_s < LIFETIME_MAX_S:
            raise ConfigError("expires_in", "must be more than zero and less than a hundred years")
        if self.kind != OAUTH2 and (self.refreshable or self.public_key is not None):
            raise ConfigError("kind", "an API key is neither refreshed nor signed with", f"choose {OAUTH2}")


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """A credential and its newest secret, which can't be had again: a client secret or an API key.

    None when the client proves itself with a private key of its own.
    """

    credential: Credential
    secret: Secret | None

    def shown(self) -> dict[str, str]:
        """What the client is to be told, under the names that SDK settings have."""
        if self.credential.kind == API_KEY:
            return {"api_key": self.secret.reveal() if self.secret else ""}
        secret = {"client_secret": self.secret.reveal()} if self.secret else {}
        return {"client_id": self.credential.id, **secret}
