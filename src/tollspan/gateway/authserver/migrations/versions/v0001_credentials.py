"""Credentials and their secrets."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "credentials",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("datasets", sa.JSON, nullable=False),
        sa.Column("permissions", sa.JSON, nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("expires_s", sa.Double),
        sa.Column("revoked_s", sa.Double),
    )
    op.create_table(
        "secrets",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("credential_id", sa.String, sa.ForeignKey("credentials.id"), nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("last_used_s", sa.Double),
    )
    op.create_index("ix_secrets_credential_id", "secrets", ["credential_id"])
