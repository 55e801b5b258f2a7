import pytest

from tollspan.gateway.authserver import audit


def note(identity, *arguments, **detail):
    with identity.database.writing() as connection:
        audit.note(connection, *arguments, **detail)


def test_entries_are_listed_newest_first_with_all_that_was_said(identity):
    note(identity, "ada", "made", tenant="acme", subject="x", size=3)
    note(identity, "bob", "broke")
    first, second = audit.list_entries(identity.database)

    assert (first.actor, first.action, first.tenant, first.subject, first.detail) == (
        "bob",
        "broke",
        "",
        "",
        {},
    )
    assert (second.tenant, second.subject, second.detail) == ("acme", "x", {"size": 3})


def test_a_tenant_sees_its_own_entries_alone(identity):
    for tenant in ("acme", "rival", ""):
        note(identity, "ada", "made", tenant=tenant)

    assert [entry.tenant for entry in audit.list_entries(identity.database, tenant="acme")] == ["acme"]


def test_a_list_has_its_limit(identity):
    for number in range(5):
        note(identity, "ada", f"made {number}")

    assert [e.action for e in audit.list_entries(identity.database, limit=2)] == ["made 4", "made 3"]


def test_an_entry_is_written_with_its_change_or_not_at_all(identity):
    def fail():
        with identity.database.writing() as connection:
            audit.note(connection, "ada", "made")
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert audit.list_entries(identity.database) == []
