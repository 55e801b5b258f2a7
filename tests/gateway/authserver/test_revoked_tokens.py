import time

from tollspan.gateway.authserver import revoked_tokens
from tollspan.gateway.authserver.schema import revoked_tokens as table


def revoke(identity, token_id, expires_s):
    with identity.database.writing() as connection:
        revoked_tokens.revoke(connection, token_id, expires_s)


def test_a_revoked_id_is_known_beside_others(identity):
    revoke(identity, "a", time.time() + 60)

    assert revoked_tokens.is_any_revoked(identity.database, {"a", "b"})
    assert not revoked_tokens.is_any_revoked(identity.database, {"b"})
    assert not revoked_tokens.is_any_revoked(identity.database, set())


def test_revoking_again_changes_nothing(identity):
    revoke(identity, "a", time.time() + 60)
    revoke(identity, "a", time.time() + 90)

    assert revoked_tokens.is_any_revoked(identity.database, {"a"})


def test_what_has_ended_by_itself_is_removed(identity):
    revoke(identity, "old", time.time() - 1)
    revoke(identity, "new", time.time() + 60)

    with identity.database.reading() as connection:
        assert [row.id for row in connection.execute(table.select())] == ["new"]
