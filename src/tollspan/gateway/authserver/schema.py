"""The tables of the identity database. Times are Unix seconds.

The database itself is made by `migrations`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, ForeignKey, LargeBinary, MetaData, String, Table

metadata = MetaData()

credentials = Table(
    "credentials",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("datasets", JSON, nullable=False),
    Column("permissions", JSON, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("expires_s", Double),
    Column("revoked_s", Double),
)

secrets = Table(
    "secrets",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("credential_id", ForeignKey("credentials.id"), nullable=False, index=True),
    Column("created_s", Double, nullable=False),
    Column("last_used_s", Double),
)
