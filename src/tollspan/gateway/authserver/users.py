"""People who sign in to the dashboard with a password, and what they may do in which tenant."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from tollspan.errors import ConfigError
from tollspan.gateway.authserver import audit, secret_text
from tollspan.gateway.authserver.credential import check_name
from tollspan.gateway.authserver.database import Database
from tollspan.gateway.authserver.permissions import ROLES
from tollspan.gateway.authserver.schema import memberships, sessions, users
from tollspan.oauth2.secret import Secret

PASSWORD_CHARS_MIN = 12
PASSWORD_CHARS_MAX = 1000
OWNER = "owner"

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f\ud800-\udfff]{1,64}@[^@\s\x00-\x1f\x7f\ud800-\udfff]{1,190}")
_HASHES_MAX = 2


@dataclass(frozen=True, slots=True)
class User:
    """A person; `roles` says by tenant what they are there."""

    id: str
    email: str
    created_s: float
    roles: dict[str, str]


@dataclass(frozen=True, slots=True)
class UserDraft:
    """Who shall be able to sign in, and be what in which tenant. Raises ConfigError, naming the field."""

    email: str
    password: Secret
    tenant: str
    role: str

    def __post_init__(self) -> None:
        if not _EMAIL.fullmatch(self.email):
            raise ConfigError("email", "is no e-mail address")
        _check_membership(self.tenant, self.role)


class Users:
    """The people of a gateway. Methods may raise StoreError, and ConfigError for what can't be as asked.

    A hash takes 64 MiB and a tenth of a second on purpose, so few are made at once.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._hasher = PasswordHasher()
        self._hashing = threading.Semaphore(_HASHES_MAX)
        self._unknown: str | None = None

    def create(self, draft: UserDraft, *, actor: str, first: bool = False) -> User:
        """A person who can sign in; as the `first`, ConfigError when there is another already."""
        user_id, hashed, now_s = secret_text.new_id(), self._hash(draft.password), self._clock()
        known_as, tenant, role = draft.email.lower(), draft.tenant, draft.role
        row = {"id": user_id, "email": known_as, "password_hash": hashed, "created_s": now_s}
        with self._database.writing() as connection:
            if first and _count(connection):
                raise ConfigError("email", "the gateway has an owner already", "sign in, or ask them")
            if connection.execute(select(users).where(users.c.email == known_as)).first():
                raise ConfigError("email", f"{known_as} is known already")
            connection.execute(insert(users).values(row))
            connection.execute(insert(memberships).values(user_id=user_id, tenant=tenant, role=role))
            audit.note(connection, actor, "user_created", tenant=tenant, subject=known_as, role=role)
        return User(user_id, known_as, now_s, {tenant: role})

    def grant(self, email: str, tenant: str, role: str, *, actor: str) -> User:
        """The person is that in the tenant from now on, and signs in anew."""
        _check_membership(tenant, role)
        with self._database.writing() as connection:
            row = _require(connection, email)
            of_tenant = (memberships.c.user_id == row.id) & (memberships.c.tenant == tenant)
            connection.execute(delete(memberships).where(of_tenant))
            connection.execute(insert(memberships).values(user_id=row.id, tenant=tenant, role=role))
            connection.execute(delete(sessions).where(sessions.c.subject == row.id))
            audit.note(connection, actor, "user_granted", tenant=tenant, subject=row.email, role=role)
            return _read(connection, row)

    def set_password(self, email: str, password: Secret, *, actor: str) -> User:
        """The person signs in with the new password from now on; their sessions end."""
        hashed = self._hash(password)
        with self._database.writing() as connection:
            row = _require(connection, email)
            connection.execute(update(users).where(users.c.id == row.id).values(password_hash=hashed))
            connection.execute(delete(sessions).where(sessions.c.subject == row.id))
            audit.note(connection, actor, "password_set", subject=row.email)
            return _read(connection, row)

    def remove(self, email: str, *, actor: str) -> User:
        """The person can't sign in any more; their sessions end."""
        with self._database.writing() as connection:
            row = _require(connection, email)
            removed = _read(connection, row)
            connection.execute(delete(sessions).where(sessions.c.subject == row.id))
            connection.execute(delete(memberships).where(memberships.c.user_id == row.id))
            connection.execute(delete(users).where(users.c.id == row.id))
            for tenant in removed.roles:
                audit.note(connection, actor, "user_removed", tenant=tenant, subject=row.email)
        return removed

    def list(self) -> list[User]:
        """Everyone, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(users).order_by(users.c.created_s)).all()
            return [_read(connection, row) for row in rows]

    def is_empty(self) -> bool:
        """Whether nobody has an account yet."""
        with self._database.reading() as connection:
            return _count(connection) == 0

    def authenticate(self, email: str, password: Secret) -> User | None:
        """The person with that e-mail and password; an unknown one takes as long as a wrong password."""
        asked = email.lower() if _EMAIL.fullmatch(email) else ""
        with self._database.reading() as connection:
            row = connection.execute(select(users).where(users.c.email == asked)).one_or_none()
            user = None if row is None else _read(connection, row)
        good = self._verify(self._unknown_hash() if row is None else row.password_hash, password)
        if not good or row is None:
            return None
        if self._hasher.check_needs_rehash(row.password_hash):
            self._strengthen(row.password_hash, password)
        return user

    def _strengthen(self, weak: str, password: Secret) -> None:
        """The password is kept as the library recommends now, unless it was changed meanwhile."""
        hashed = self._hash(password)
        with self._database.writing(announced=False) as connection:
            unchanged = users.c.password_hash == weak
            connection.execute(update(users).where(unchanged).values(password_hash=hashed))

    def _hash(self, password: Secret) -> str:
        chars = len(password.reveal())
        if not PASSWORD_CHARS_MIN <= chars <= PASSWORD_CHARS_MAX:
            problem = f"must have {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters"
            raise ConfigError("password", problem)
        with self._hashing:
            try:
                return self._hasher.hash(password.reveal())
            except UnicodeEncodeError:
                raise ConfigError("password", "has characters that are none") from None

    def _verify(self, hashed: str, password: Secret) -> bool:
        with self._hashing:
            try:
                return self._hasher.verify(hashed, password.reveal())
            except (VerificationError, InvalidHashError, UnicodeEncodeError):
                return False

    def _unknown_hash(self) -> str:
        if self._unknown is None:
            self._unknown = self._hash(secret_text.new_client_secret())
        return self._unknown


def _check_membership(tenant: str, role: str) -> None:
    check_name("tenant", tenant)
    if role not in ROLES:
        raise ConfigError("role", f"unknown role {role!r}", "choose from " + ", ".join(ROLES))


def _count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(users)).scalar_one())


def _require(connection: Connection, email: str) -> Row[tuple[str, str, str, float]]:
    row = connection.execute(select(users).where(users.c.email == email.lower())).one_or_none()
    if row is None:
        raise ConfigError("email", f"nobody has the address {email}")
    return row


def _read(connection: Connection, row: Row[tuple[str, str, str, float]]) -> User:
    of_user = select(memberships).where(memberships.c.user_id == row.id).order_by(memberships.c.tenant)
    roles = {membership.tenant: membership.role for membership in connection.execute(of_user)}
    return User(row.id, row.email, row.created_s, roles)
