"""Run by Alembic: applies the revisions to the connection that `database` passes."""

from alembic import context

from tollspan.gateway.authserver.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
