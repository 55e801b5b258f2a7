"""Who made each credential; of those that are there the audit log knows it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column, and fill it in."""
    op.add_column("credentials", sa.Column("created_by", sa.String, nullable=False, server_default=""))
    op.execute(
        "UPDATE credentials SET created_by = coalesce((SELECT min(actor) FROM audit_log"
        " WHERE action = 'credential_created' AND subject = credentials.id), '')"
    )
