"""Refresh tokens: each is good once, and one that is used twice ends its whole family.

A client that did not hear the answer may ask again with the same token for a short while,
and gets the same successor: it is derived, not drawn, so nothing secret needs to be kept.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from tollspan.errors import AuthError
from tollspan.gateway.authserver import audit, revoked_tokens, secret_text
from tollspan.gateway.authserver.credential import Credential
from tollspan.gateway.authserver.database import Database, announce
from tollspan.gateway.authserver.schema import refresh_families, refresh_tokens
from tollspan.gateway.authserver.signing_keys import TOKEN_LIFETIME_S_MAX
from tollspan.oauth2.secret import Secret

IDLE_S_MAX = 14 * 86400
"""A refresh token that is not used for so long ends."""

FAMILY_S_MAX = 90 * 86400
"""After so long a client must prove itself by a new grant, however often it refreshed."""

GRACE_S = 30.0
"""How long a used token may be sent again by a client that missed the answer."""


@dataclass(frozen=True, slots=True)
class RefreshGrant:
    """What a refresh token stands for, and the token itself. `id` is in its access tokens as `grant_id`."""

    id: str
    refresh_token: Secret
    permissions: tuple[str, ...]
    audiences: tuple[str, ...]
    expires_s: float


class RefreshTokens:
    """The refresh tokens of all clients. Every method may raise StoreError."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def begin(
        self, credential: Credential, permissions: Sequence[str], audiences: Sequence[str]
    ) -> RefreshGrant:
        """A new family and its first token."""
        now_s = self._clock()
        family_id, family_expires_s = secret_text.new_id(), now_s + FAMILY_S_MAX
        family = {
            "id": family_id,
            "credential_id": credential.id,
            "seed": os.urandom(32),
            "permissions": list(permissions),
            "audiences": list(audiences),
            "expires_s": family_expires_s,
        }
        first = secret_text.new_refresh_token()
        with self._database.writing(announced=False) as connection:
            _remove_ended(connection, now_s)
            connection.execute(insert(refresh_families).values(family))
            expires_s = _keep(connection, family_id, first, now_s, family_expires_s)
        return RefreshGrant(family_id, first, tuple(permissions), tuple(audiences), expires_s)

    def rotate(
        self,
        refresh_token: Secret,
        credential: Credential,
        check: Callable[[RefreshGrant], None] = lambda _: None,
    ) -> RefreshGrant:
        """The grant with the token's one successor; AuthError `invalid_grant` when it has none.

        Whatever `check` raises about the grant leaves the token as it was.
        """
        now_s = self._clock()
        with self._database.writing(announced=False) as connection:
            row = _find(connection, refresh_token)
            refusal = _refuse(connection, row, credential, now_s)
            if row is not None and not refusal:
                check(_grant(row, refresh_token, row.expires_s))
                return _succeed(connection, row, refresh_token, now_s)
        # Raised outside, so that a revocation which the refusal brought is kept.
        raise AuthError(refusal, "invalid_grant")

    def revoke(self, refresh_token: Secret, credential: Credential) -> str:
        """The id of the client's grant, ended with all its tokens (RFC 7009 §2.1), or an empty text."""
        with self._database.writing(announced=False) as connection:
            row = _find(connection, refresh_token)
            if row is None or row.credential_id != credential.id:
                return ""
            _revoke_family(connection, row.family_id, self._clock())
        return str(row.family_id)

    def find(self, refresh_token: Secret, credential: Credential) -> RefreshGrant | None:
        """What the client's live, unused token stands for."""
        with self._database.reading() as connection:
            row = _find(connection, refresh_token)
        if row is None or row.credential_id != credential.id or row.revoked_s is not None:
            return None
        if row.used_s is not None or row.expires_s <= self._clock():
            return None
        return _grant(row, refresh_token, row.expires_s)


def _find(connection: Connection, refresh_token: Secret) -> Row[Any] | None:
    columns = (
        refresh_tokens,
        refresh_families.c.credential_id,
        refresh_families.c.seed,
        refresh_families.c.permissions,
        refresh_families.c.audiences,
        refresh_families.c.revoked_s,
        refresh_families.c.expires_s.label("family_expires_s"),
    )
    digest = secret_text.digest(refresh_token)
    query = select(*columns).join_from(refresh_tokens, refresh_families)
    return connection.execute(query.where(refresh_tokens.c.digest == digest)).one_or_none()


def _refuse(connection: Connection, row: Row[Any] | None, credential: Credential, now_s: float) -> str:
    """Why the token has no successor; empty when it has one. A token used before its time ends its family."""
    if row is None or row.revoked_s is not None or row.expires_s <= now_s:
        return "The refresh token is unknown, expired or revoked."
    incident = {"tenant": credential.tenant, "subject": row.family_id}
    if row.credential_id != credential.id:
        audit.note(connection, credential.id, "foreign_refresh_token", **incident)
        return "The refresh token is unknown, expired or revoked."
    if row.used_s is not None and not _is_repeat(connection, row, now_s):
        _revoke_family(connection, row.family_id, now_s)
        audit.note(connection, credential.id, "refresh_token_reused", **incident)
        return "The refresh token was used before; all tokens of its grant are revoked."
    return ""


def _is_repeat(connection: Connection, row: Row[Any], now_s: float) -> bool:
    """Whether the client may have missed the answer: soon after it, and the successor is not in use."""
    successor = refresh_tokens.c.digest == row.successor
    used_s = connection.execute(select(refresh_tokens.c.used_s).where(successor)).scalar_one_or_none()
    return now_s - row.used_s <= GRACE_S and used_s is None


def _succeed(connection: Connection, row: Row[Any], refresh_token: Secret, now_s: float) -> RefreshGrant:
    successor = secret_text.succeeding_refresh_token(refresh_token, row.seed)
    expires_s = min(now_s + IDLE_S_MAX, row.family_expires_s)
    if row.used_s is None:
        expires_s = _keep(connection, row.family_id, successor, now_s, row.family_expires_s)
        used = {"used_s": now_s, "successor": secret_text.digest(successor)}
        connection.execute(update(refresh_tokens).where(refresh_tokens.c.digest == row.digest).values(used))
    return _grant(row, successor, expires_s)


def _grant(row: Row[Any], refresh_token: Secret, expires_s: float) -> RefreshGrant:
    return RefreshGrant(row.family_id, refresh_token, tuple(row.permissions), tuple(row.audiences), expires_s)


def _keep(
    connection: Connection, family_id: str, refresh_token: Secret, now_s: float, family_expires_s: float
) -> float:
    expires_s = min(now_s + IDLE_S_MAX, family_expires_s)
    row = {"digest": secret_text.digest(refresh_token), "family_id": family_id, "expires_s": expires_s}
    connection.execute(insert(refresh_tokens).values(row))
    return expires_s


def _revoke_family(connection: Connection, family_id: str, now_s: float) -> None:
    of_family = refresh_families.c.id == family_id
    connection.execute(update(refresh_families).where(of_family).values(revoked_s=now_s))
    revoked_tokens.revoke(connection, family_id, now_s + TOKEN_LIFETIME_S_MAX)
    announce(connection)


def _remove_ended(connection: Connection, now_s: float) -> None:
    # No token outlives its family.
    connection.execute(delete(refresh_tokens).where(refresh_tokens.c.expires_s < now_s))
    connection.execute(delete(refresh_families).where(refresh_families.c.expires_s < now_s))
