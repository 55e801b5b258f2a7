from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tollspan.gateway.authserver.database import open_database
from tollspan.gateway.authserver.schema import metadata


def test_the_migrations_make_exactly_these_tables(tmp_path):
    engine = open_database(tmp_path)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
