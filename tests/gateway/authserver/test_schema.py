from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.schema import metadata


def test_the_migrations_make_exactly_these_tables(identity):
    with identity.database.reading() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


def test_who_made_the_credentials_from_before_is_taken_from_the_audit_log(identity):
    made = identity.credentials.create(CredentialDraft("n", ("read:traces",)), actor="local:ada").credential
    with identity.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE credentials DROP COLUMN created_by")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
    identity.database.migrate()

    assert identity.credentials.find(made.id) == made
    assert made.created_by == "local:ada"
