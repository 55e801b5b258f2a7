import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from tollspan.errors import ConfigError
from tollspan.gateway.authserver import audit, schema
from tollspan.gateway.authserver.users import UserDraft
from tollspan.oauth2.secret import Secret

PASSWORD = Secret("correct horse battery")


@pytest.fixture
def users(identity, monkeypatch):
    # The same algorithm with less work: these tests are not about its cost.
    monkeypatch.setattr(identity.users, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return identity.users


def create(users, email="ada@example.com", **more):
    first = more.pop("first", False)
    values = {"email": email, "password": PASSWORD, "tenant": "acme", "role": "viewer"} | more
    return users.create(UserDraft(**values), actor="test", first=first)


def test_a_person_is_known_by_address_and_password(users):
    user = create(users)

    assert user.roles == {"acme": "viewer"}
    assert users.authenticate("ada@example.com", PASSWORD) == user
    assert users.authenticate("ADA@Example.com", PASSWORD) == user
    assert users.list() == [user]


@pytest.mark.parametrize("password", ["", "wrong", "ü\udcff", "correct horse batterY", "x" * 1000])
def test_a_wrong_password_is_not_enough(users, password):
    create(users)

    assert users.authenticate("ada@example.com", Secret(password)) is None
    assert users.authenticate("nobody@example.com", Secret(password)) is None


@pytest.mark.parametrize("email", ["", "no address", "a\x00@b", "a\ud800@b", "x" * 10_000])
def test_what_is_no_address_is_nobodys(users, email):
    assert users.authenticate(email, PASSWORD) is None


def test_the_shipped_hash_is_argon2id_as_its_library_recommends(identity):
    hasher = identity.users._hasher

    assert hasher.type.name == "ID"
    assert hasher.memory_cost >= 19 * 1024


def stored_hash(identity):
    with identity.database.reading() as connection:
        return connection.execute(select(schema.users.c.password_hash)).scalar_one()


def test_a_hash_of_weaker_settings_is_made_anew_when_its_owner_signs_in(users, identity, monkeypatch):
    create(users)
    weak = stored_hash(identity)
    monkeypatch.setattr(users, "_hasher", PasswordHasher(time_cost=1, memory_cost=16, parallelism=1))

    assert users.authenticate("ada@example.com", Secret("wrong")) is None
    assert stored_hash(identity) == weak
    assert users.authenticate("ada@example.com", PASSWORD)
    strong = stored_hash(identity)
    assert "m=16," in strong
    assert users.authenticate("ada@example.com", PASSWORD)
    assert stored_hash(identity) == strong


def test_an_unknown_person_costs_one_hash_as_well(users, monkeypatch):
    create(users)
    verified = []
    verify = users._verify
    monkeypatch.setattr(users, "_verify", lambda *both: verified.append(both[0]) or verify(*both))
    users.authenticate("ada@example.com", Secret("x"))
    users.authenticate("nobody@example.com", Secret("x"))

    assert [hashed.startswith("$argon2id$") for hashed in verified] == [True, True]


def test_only_the_first_can_be_the_first(users):
    assert users.is_empty()
    create(users, first=True)
    assert not users.is_empty()

    with pytest.raises(ConfigError, match="owner already"):
        create(users, "eve@example.com", first=True)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"email": "a@b\n.com"}, "email"),
        ({"email": "a\ud800@b"}, "email"),
        ({"password": Secret("\ud800" * 20)}, "password"),
        ({"tenant": "a b"}, "tenant"),
        ({"role": "king"}, "role"),
    ],
)
def test_a_mistake_is_named(users, more, field):
    with pytest.raises(ConfigError, match=field):
        create(users, **more)


def test_an_address_is_taken_once_and_a_short_password_never(users):
    create(users)
    with pytest.raises(ConfigError, match="known already"):
        create(users, "ADA@example.com")

    with pytest.raises(ConfigError, match="12 to 1000"):
        create(users, "b@example.com", password=Secret("short"))


def test_a_role_can_be_given_and_changed_and_ends_the_sessions(users, identity):
    user = create(users)
    session_id = identity.sessions.open(user.id, "acme", ()).reveal()
    users.grant(user.email, "acme", "owner", actor="test")
    granted = users.grant(user.email, "rival", "editor", actor="test")

    assert granted.roles == {"acme": "owner", "rival": "editor"}
    assert identity.sessions.find(session_id) is None


def test_a_new_password_replaces_the_old_one_and_ends_the_sessions(users, identity):
    user = create(users)
    session_id = identity.sessions.open(user.id, "acme", ()).reveal()
    users.set_password(user.email, Secret("another long password"), actor="test")

    assert users.authenticate(user.email, PASSWORD) is None
    assert users.authenticate(user.email, Secret("another long password"))
    assert identity.sessions.find(session_id) is None


def test_a_removed_person_is_gone_with_their_sessions(users, identity):
    user = create(users)
    session_id = identity.sessions.open(user.id, "acme", ()).reveal()
    users.remove(user.email, actor="test")

    assert users.list() == []
    assert users.authenticate(user.email, PASSWORD) is None
    assert identity.sessions.find(session_id) is None
    with pytest.raises(ConfigError, match="nobody"):
        users.remove(user.email, actor="test")


def test_every_change_is_in_the_audit_log_without_the_password(users, identity):
    user = create(users)
    users.set_password(user.email, PASSWORD, actor="ada")
    users.remove(user.email, actor="bob")
    entries = audit.list_entries(identity.database)

    assert [(entry.actor, entry.action) for entry in entries] == [
        ("bob", "user_removed"),
        ("ada", "password_set"),
        ("test", "user_created"),
    ]
    assert PASSWORD.reveal() not in repr(entries)
