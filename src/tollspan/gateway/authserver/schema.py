"""The tables of the identity database. Times are Unix seconds; digests are SHA-256.

The database itself is made by `migrations`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

metadata = MetaData()

changes = Table("changes", metadata, Column("number", BigInteger, primary_key=True, autoincrement=False))
"""One row: see Database.change_number."""

credentials = Table(
    "credentials",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("tenant", String, nullable=False, index=True),
    Column("datasets", JSON, nullable=False),
    Column("permissions", JSON, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("expires_s", Double),
    Column("revoked_s", Double),
    Column("refreshable", Boolean, nullable=False, server_default="0"),
    Column("created_by", String, nullable=False, server_default=""),
)

secrets = Table(
    "secrets",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("credential_id", ForeignKey("credentials.id"), nullable=False, index=True),
    Column("created_s", Double, nullable=False),
    Column("last_used_s", Double),
    Column("expires_s", Double),
    Column("public_key", JSON(none_as_null=True)),
)
"""What proves a credential. With a `public_key` (a JWK) the client signs, and `digest` is only an id."""

assertions = Table(
    "assertions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires_s", Double, nullable=False),
)
"""Client assertions that were used once (RFC 7523 §3), until they would have expired."""

refresh_families = Table(
    "refresh_families",
    metadata,
    Column("id", String, primary_key=True),
    Column("credential_id", ForeignKey("credentials.id"), nullable=False, index=True),
    Column("seed", LargeBinary, nullable=False),
    Column("permissions", JSON, nullable=False),
    Column("audiences", JSON, nullable=False),
    Column("expires_s", Double, nullable=False),
    Column("revoked_s", Double),
)
"""All refresh tokens that descend from one grant."""

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("family_id", ForeignKey("refresh_families.id"), nullable=False, index=True),
    Column("successor", LargeBinary),
    Column("expires_s", Double, nullable=False),
    Column("used_s", Double),
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("expires_s", Double, nullable=False),
)
"""Access tokens that ended early: by their `jti`, or by the refresh family they come from."""

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String, primary_key=True),
    Column("public_key", JSON, nullable=False),
    Column("signs_from_s", Double, nullable=False),
    Column("verifies_until_s", Double),
)
"""The public halves of the keys that sign access tokens."""

users = Table(
    "users",
    metadata,
    Column("id", String, primary_key=True),
    Column("email", String, nullable=False, unique=True),
    Column("password_hash", String, nullable=False),
    Column("created_s", Double, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("tenant", String, primary_key=True),
    Column("role", String, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("subject", String, nullable=False, index=True),
    Column("tenant", String, nullable=False),
    Column("permissions", JSON, nullable=False),
    Column("expires_s", Double, nullable=False),
)
"""Browsers that are signed in."""

audit_log = Table(
    "audit_log",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("time_s", Double, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("tenant", String, nullable=False, index=True),
    Column("subject", String, nullable=False),
    Column("detail", JSON, nullable=False),
)
"""Who changed what, and when; never a secret."""
