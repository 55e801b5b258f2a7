"""The store of credentials: made, listed, rotated, revoked, and checked against what a caller presents."""

from __future__ import annotations

import hmac
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from tollspan.errors import ConfigError, StoreError
from tollspan.gateway.authserver import secret_text
from tollspan.gateway.authserver.credential import API_KEY, Credential, CredentialDraft, IssuedSecret
from tollspan.gateway.authserver.database import open_database, reading, writing
from tollspan.gateway.authserver.permissions import read_permissions
from tollspan.gateway.authserver.schema import credentials, secrets
from tollspan.oauth2.secret import Secret

SECRETS_MAX = 2
"""Two secrets may be live at once, so that one can be deployed before the other goes."""

LAST_USED_GRAIN_S = 60.0
"""How exact `last_used_s` is: a use is written at most once a minute per secret."""

_log = structlog.get_logger()

# A stored digest that no secret has, so that checking takes as long where there is none.
_NO_DIGEST = os.urandom(32)


class CredentialStore:
    """The credentials in `data_dir`. Several processes and threads may each use one at once.

    Every method that touches the database may raise StoreError.
    """

    def __init__(self, data_dir: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = open_database(data_dir)
        self._clock = clock
        self._watching = threading.Lock()
        self._watch = self._engine.connect()

    def close(self) -> None:
        """Close all connections."""
        self._watch.close()
        self._engine.dispose()

    def create(self, draft: CredentialDraft) -> IssuedSecret:
        """A new credential and its first secret."""
        now_s = self._clock()
        credential_id = secret_text.new_id()
        row = {
            "id": credential_id,
            "kind": draft.kind,
            "name": draft.name,
            "tenant": draft.tenant,
            "datasets": sorted(set(draft.datasets)),
            "permissions": read_permissions(draft.permissions),
            "created_s": now_s,
            "expires_s": None if draft.expires_in_s is None else now_s + draft.expires_in_s,
        }
        with writing(self._engine) as connection:
            connection.execute(insert(credentials).values(row))
            return _issue(connection, credential_id, draft.kind, now_s)

    def list(self) -> list[Credential]:
        """All credentials, revoked ones too, oldest first."""
        with reading(self._engine) as connection:
            return _read_all(connection.execute(_SELECT))

    def find(self, credential_id: str) -> Credential | None:
        """The credential with that id, live or not."""
        with reading(self._engine) as connection:
            return _find(connection, credential_id)

    def rotate(self, credential_id: str, *, retire_old: bool = False) -> IssuedSecret:
        """A further secret for a live credential.

        The secret before it stays good until the next rotation, or is retired at once with
        `retire_old`. Raises ConfigError.
        """
        now_s = self._clock()
        of_credential = secrets.c.credential_id == credential_id
        newest_first = select(secrets.c.digest).where(of_credential).order_by(secrets.c.created_s.desc())
        retired = newest_first.offset(0 if retire_old else SECRETS_MAX - 1)
        with writing(self._engine) as connection:
            credential = _find(connection, credential_id)
            if credential is None or not credential.is_live(now_s):
                raise ConfigError("id", f"no live credential has the id {credential_id!r}")
            connection.execute(delete(secrets).where(secrets.c.digest.in_(retired)))
            return _issue(connection, credential_id, credential.kind, now_s)

    def revoke(self, credential_id: str) -> Credential:
        """Make the credential and all that it proved worthless, for good. Raises ConfigError."""
        first = (credentials.c.id == credential_id) & credentials.c.revoked_s.is_(None)
        with writing(self._engine) as connection:
            connection.execute(update(credentials).where(first).values(revoked_s=self._clock()))
            credential = _find(connection, credential_id)
        if credential is None:
            raise ConfigError("id", f"no credential has the id {credential_id!r}")
        return credential

    def authenticate_client(self, client_id: str, client_secret: Secret) -> Credential | None:
        """The live credential with that id and secret, else None.

        An unknown id takes the same work as a wrong secret, and a revoked credential looks
        like either.
        """
        of_client = secrets.c.credential_id == client_id
        with reading(self._engine) as connection:
            rows = connection.execute(select(secrets).where(of_client).limit(SECRETS_MAX)).all()
        presented = secret_text.digest(client_secret)
        stored = [row.digest for row in rows] + [_NO_DIGEST] * (SECRETS_MAX - len(rows))
        matches = [hmac.compare_digest(digest, presented) for digest in stored]
        credential = self.find(client_id) if any(matches) else None
        now_s = self._clock()
        if credential is None or not credential.is_live(now_s):
            return None
        self._note_use(rows[matches.index(True)], now_s)
        return credential

    def authenticate_api_key(self, api_key: Secret) -> Credential | None:
        """The live credential of that API key, else None."""
        credential_id = secret_text.read_api_key_id(api_key.reveal())
        return None if credential_id is None else self.authenticate_client(credential_id, api_key)

    def data_version(self) -> int:
        """A number that changes whenever anyone has written to the database."""
        with self._watching:
            return int(self._watch.exec_driver_sql("PRAGMA data_version").scalar_one())

    def _note_use(self, row: Row[Any], now_s: float) -> None:
        if row.last_used_s is not None and now_s - row.last_used_s < LAST_USED_GRAIN_S:
            return
        try:
            with writing(self._engine) as connection:
                used = secrets.c.digest == row.digest
                connection.execute(update(secrets).where(used).values(last_used_s=now_s))
        except StoreError as error:
            # Nobody is turned away because a time could not be noted.
            _log.warning("credential_use_not_noted", credential=row.credential_id, reason=str(error))


_SELECT: Select[Any] = (
    select(
        credentials,
        func.max(secrets.c.last_used_s).label("last_used_s"),
        func.count(secrets.c.digest).label("live_secrets"),
    )
    .join_from(credentials, secrets, isouter=True)
    .group_by(credentials.c.id)
    .order_by(credentials.c.created_s)
)


def _find(connection: Connection, credential_id: str) -> Credential | None:
    found = _read_all(connection.execute(_SELECT.where(credentials.c.id == credential_id)))
    return found[0] if found else None


def _read_all(rows: Iterable[Row[Any]]) -> list[Credential]:
    columns = (row._asdict() for row in rows)
    return [
        Credential(**{**row, "datasets": tuple(row["datasets"]), "permissions": tuple(row["permissions"])})
        for row in columns
    ]


def _issue(connection: Connection, credential_id: str, kind: str, now_s: float) -> IssuedSecret:
    secret = secret_text.new_api_key(credential_id) if kind == API_KEY else secret_text.new_client_secret()
    stored = {"digest": secret_text.digest(secret), "credential_id": credential_id, "created_s": now_s}
    connection.execute(insert(secrets).values(stored))
    credential = _find(connection, credential_id)
    assert credential is not None
    return IssuedSecret(credential, secret)
