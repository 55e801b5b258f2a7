from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tollspan.gateway.authserver.schema import metadata


def test_the_migrations_make_exactly_these_tables(identity):
    with identity.database.reading() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
