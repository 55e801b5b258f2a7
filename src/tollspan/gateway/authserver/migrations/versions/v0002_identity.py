"""Rotation with overlap, client assertions, refresh tokens, published keys, people, the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add to the first tables, and make the others."""
    _credentials()
    _tokens()
    _people()
    number = sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False)
    changes = op.create_table("changes", number)
    op.bulk_insert(changes, [{"number": 0}])
    op.create_table(
        "audit_log",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("time_s", sa.Double, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.create_index("ix_audit_log_tenant", "audit_log", ["tenant"])


def _credentials() -> None:
    refreshable = sa.Column("refreshable", sa.Boolean, nullable=False, server_default="0")
    op.add_column("credentials", refreshable)
    op.create_index("ix_credentials_tenant", "credentials", ["tenant"])
    op.add_column("secrets", sa.Column("expires_s", sa.Double))
    op.add_column("secrets", sa.Column("public_key", sa.JSON))


def _tokens() -> None:
    for table, key in (("assertions", sa.Column("digest", sa.LargeBinary, primary_key=True)),
                       ("revoked_tokens", sa.Column("id", sa.String, primary_key=True))):  # fmt: skip
        op.create_table(table, key, sa.Column("expires_s", sa.Double, nullable=False))
    op.create_table(
        "refresh_families",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("credential_id", sa.String, sa.ForeignKey("credentials.id"), nullable=False),
        sa.Column("seed", sa.LargeBinary, nullable=False),
        sa.Column("permissions", sa.JSON, nullable=False),
        sa.Column("audiences", sa.JSON, nullable=False),
        sa.Column("expires_s", sa.Double, nullable=False),
        sa.Column("revoked_s", sa.Double),
    )
    op.create_index("ix_refresh_families_credential_id", "refresh_families", ["credential_id"])
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("family_id", sa.String, sa.ForeignKey("refresh_families.id"), nullable=False),
        sa.Column("successor", sa.LargeBinary),
        sa.Column("expires_s", sa.Double, nullable=False),
        sa.Column("used_s", sa.Double),
    )
    op.create_index("ix_refresh_tokens_family_id", "refresh_tokens", ["family_id"])
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String, primary_key=True),
        sa.Column("public_key", sa.JSON, nullable=False),
        sa.Column("signs_from_s", sa.Double, nullable=False),
        sa.Column("verifies_until_s", sa.Double),
    )


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("email", sa.String, nullable=False, unique=True),
        sa.Column("password_hash", sa.String, nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
    )
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.String, sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("role", sa.String, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("permissions", sa.JSON, nullable=False),
        sa.Column("expires_s", sa.Double, nullable=False),
    )
    op.create_index("ix_sessions_subject", "sessions", ["subject"])
