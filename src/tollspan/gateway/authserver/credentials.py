"""The store of credentials: made, listed, rotated, revoked, and checked against what a caller presents."""

from __future__ import annotations

import hmac
import math
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from tollspan.errors import ConfigError
from tollspan.gateway.authserver import audit, secret_text
from tollspan.gateway.authserver.credential import (
    API_KEY,
    Credential,
    CredentialDraft,
    IssuedSecret,
    LiveSecret,
)
from tollspan.gateway.authserver.database import Database
from tollspan.gateway.authserver.last_use import LastUse
from tollspan.gateway.authserver.permissions import read_permissions
from tollspan.gateway.authserver.schema import credentials, secrets
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret

SECRETS_MAX = 2
"""Two secrets may be live at once, so that one can be deployed before the other goes."""

LOCAL = "local"
"""Who acts when nobody says: someone with the data folder in hand."""

# A stored digest that no secret has, so that checking takes as long where there is none.
_NO_DIGEST = os.urandom(32)


class CredentialStore:
    """The credentials of a gateway. Several processes and threads may each use one at once.

    Every method may raise StoreError. `actor` is who the audit log shall name.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self.last_use = LastUse(database)
        self._database = database
        self._clock = clock

    def create(self, draft: CredentialDraft, *, actor: str = LOCAL) -> IssuedSecret:
        """A new credential and its first secret."""
        now_s = self._clock()
        credential_id = secret_text.new_id()
        permissions, datasets = read_permissions(draft.permissions), sorted(set(draft.datasets))
        row = {
            "id": credential_id,
            "kind": draft.kind,
            "name": draft.name,
            "tenant": draft.tenant,
            "datasets": datasets,
            "permissions": permissions,
            "created_s": now_s,
            "expires_s": None if draft.expires_in_s is None else now_s + draft.expires_in_s,
            "refreshable": draft.refreshable,
            "created_by": actor,
        }
        with self._database.writing() as connection:
            connection.execute(insert(credentials).values(row))
            detail = {"name": draft.name, "permissions": permissions, "datasets": datasets}
            audit.note(
                connection, actor, "credential_created", tenant=draft.tenant, subject=credential_id, **detail
            )
            return _issue(connection, credential_id, draft.kind, draft.public_key, now_s)

    def find_all(
        self, tenant: str | None = None, *, state: str | None = None, unused_for_s: float = 0.0
    ) -> list[Credential]:
        """The credentials of one tenant, or of all, oldest first; those in that `state`, or in any.

        With `unused_for_s` those that were neither made nor used within so long.
        """
        now_s = self._clock()
        query = _select(now_s)
        if tenant is not None:
            query = query.where(credentials.c.tenant == tenant)
        with self._database.reading() as connection:
            found = [_read(row) for row in connection.execute(query)]
        return [
            credential
            for credential in found
            if state in {None, credential.state(now_s)}
            and (credential.last_used_s or credential.created_s) <= now_s - unused_for_s
        ]

    def find_secrets(self, tenant: str | None = None) -> dict[str, list[LiveSecret]]:
        """What proves each credential of one tenant, or of all, now; by its id, newest first."""
        columns = (secrets.c.credential_id, secrets.c.created_s, secrets.c.expires_s, secrets.c.last_used_s)
        query = select(*columns).join(credentials).where(_is_unexpired(self._clock()))
        if tenant is not None:
            query = query.where(credentials.c.tenant == tenant)
        found: dict[str, list[LiveSecret]] = {}
        with self._database.reading() as connection:
            for credential_id, *times in connection.execute(query.order_by(secrets.c.created_s.desc())):
                found.setdefault(credential_id, []).append(LiveSecret(*times))
        return found

    def find(self, credential_id: str) -> Credential | None:
        """The credential with that id, live or not."""
        with self._database.reading() as connection:
            return _find(connection, credential_id, self._clock())

    def rotate(
        self,
        credential_id: str,
        *,
        overlap_s: float | None = None,
        public_key: dict[str, Any] | None = None,
        actor: str = LOCAL,
    ) -> IssuedSecret:
        """A further secret, or key, for a live credential. Raises ConfigError.

        The one before it stays good for `overlap_s`, at longest until the next rotation;
        all others end now.
        """
        now_s = self._clock()
        of_credential = secrets.c.credential_id == credential_id
        newest_first = select(secrets.c.digest).where(of_credential).order_by(secrets.c.created_s.desc())
        retired = newest_first.offset(0 if overlap_s == 0 else SECRETS_MAX - 1)
        with self._database.writing() as connection:
            credential = _find(connection, credential_id, now_s)
            if credential is None or not credential.is_live(now_s):
                raise ConfigError("id", f"no live credential has the id {credential_id!r}")
            if public_key is not None and credential.kind == API_KEY:
                raise ConfigError("public_key", "an API key is not signed with")
            connection.execute(delete(secrets).where(secrets.c.digest.in_(retired)))
            if overlap_s is not None:
                connection.execute(update(secrets).where(of_credential).values(expires_s=now_s + overlap_s))
            audit.note(
                connection, actor, "credential_rotated", tenant=credential.tenant, subject=credential_id
            )
            return _issue(connection, credential_id, credential.kind, public_key, now_s)

    def revoke(self, credential_id: str, *, actor: str = LOCAL) -> Credential:
        """Make the credential and all that it proved worthless, for good. Raises ConfigError."""
        now_s = self._clock()
        first = (credentials.c.id == credential_id) & credentials.c.revoked_s.is_(None)
        with self._database.writing() as connection:
            done = connection.execute(update(credentials).where(first).values(revoked_s=now_s))
            credential = _find(connection, credential_id, now_s)
            if credential is None:
                raise ConfigError("id", f"no credential has the id {credential_id!r}")
            if done.rowcount:
                audit.note(
                    connection, actor, "credential_revoked", tenant=credential.tenant, subject=credential_id
                )
        return credential

    def authenticate_client(self, client_id: str, client_secret: Secret) -> Credential | None:
        """The live credential with that id and secret, else None.

        An unknown id takes the same work as a wrong secret, and a revoked credential looks
        like either.
        """
        return self._authenticate(client_id, client_secret)[0]

    def authenticate_api_key(self, api_key: Secret) -> Principal | None:
        """Whom that API key stands for while it and its credential are live, else None."""
        credential_id = secret_text.read_api_key_id(api_key.reveal())
        if credential_id is None:
            return None
        credential, key_expires_s = self._authenticate(credential_id, api_key)
        if credential is None:
            return None
        principal = credential.principal()
        return replace(principal, expires_s=min(principal.expires_s, key_expires_s))

    def find_live(self, credential_id: str) -> Credential | None:
        """The credential with that id unless it is expired or revoked."""
        credential = self.find(credential_id)
        return credential if credential and credential.is_live(self._clock()) else None

    def public_keys(self, client_id: str) -> dict[bytes, dict[str, Any]]:
        """The keys that may sign for this client, as JWKs by the digest under which uses are noted."""
        rows = self._live_secrets(client_id, secrets.c.public_key.is_not(None))
        return {row.digest: row.public_key for row in rows}

    def _authenticate(self, credential_id: str, secret: Secret) -> tuple[Credential | None, float]:
        """The live credential with that secret, and when the secret ends."""
        presented = secret_text.digest(secret)
        rows = self._live_secrets(credential_id, secrets.c.public_key.is_(None))
        stored = [row.digest for row in rows] + [_NO_DIGEST] * (SECRETS_MAX - len(rows))
        matches = [hmac.compare_digest(digest, presented) for digest in stored]
        credential = self.find_live(credential_id) if any(matches) else None
        if credential is None:
            return None, 0.0
        self.last_use.note(presented, self._clock())
        return credential, rows[matches.index(True)].expires_s or math.inf

    def _live_secrets(self, client_id: str, condition: Any) -> list[Row[Any]]:
        asked = client_id if secret_text.is_id(client_id) else ""
        query = select(secrets).where(
            secrets.c.credential_id == asked, _is_unexpired(self._clock()), condition
        )
        with self._database.reading() as connection:
            return list(connection.execute(query.limit(SECRETS_MAX)).all())


def _is_unexpired(now_s: float) -> Any:
    return secrets.c.expires_s.is_(None) | (secrets.c.expires_s > now_s)


def _select(now_s: float) -> Select[Any]:
    return (
        select(
            credentials,
            func.max(secrets.c.last_used_s).label("last_used_s"),
            func.count(secrets.c.digest).label("live_secrets"),
        )
        .join_from(
            credentials,
            secrets,
            (secrets.c.credential_id == credentials.c.id) & _is_unexpired(now_s),
            isouter=True,
        )
        .group_by(credentials.c.id)
        .order_by(credentials.c.created_s)
    )


def _find(connection: Connection, credential_id: str, now_s: float) -> Credential | None:
    asked = credential_id if secret_text.is_id(credential_id) else ""
    row = connection.execute(_select(now_s).where(credentials.c.id == asked)).one_or_none()
    return None if row is None else _read(row)


def _read(row: Row[Any]) -> Credential:
    columns = row._asdict()
    lists = {name: tuple(columns[name]) for name in ("datasets", "permissions")}
    return Credential(**columns | lists)


def _issue(
    connection: Connection, credential_id: str, kind: str, public_key: dict[str, Any] | None, now_s: float
) -> IssuedSecret:
    secret = None
    if public_key is None:
        secret = (
            secret_text.new_api_key(credential_id) if kind == API_KEY else secret_text.new_client_secret()
        )
    stored = {
        "digest": os.urandom(32) if secret is None else secret_text.digest(secret),
        "credential_id": credential_id,
        "created_s": now_s,
        "public_key": public_key,
    }
    connection.execute(insert(secrets).values(stored))
    credential = _find(connection, credential_id, now_s)
    assert credential is not None
    return IssuedSecret(credential, secret)
