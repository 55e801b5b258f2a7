import pytest

from tollspan.gateway.authserver.permissions import READ
from tollspan.gateway.authserver.schema import sessions as table
from tollspan.gateway.authserver.sessions import LIFETIME_S, Sessions
from tollspan.oauth2.principal import Principal


@pytest.fixture
def sessions(timed):
    return timed.sessions


def sign_in(sessions):
    return sessions.open_with_key(sessions.key.reveal()).reveal()


def test_the_key_opens_a_session_that_reads_the_default_tenant(sessions):
    assert sessions.find(sign_in(sessions)) == Principal("dashboard", "default", frozenset(READ))


@pytest.mark.parametrize("key", ["", "wrong", "ü\udcff", "x" * 100_000])
def test_a_wrong_key_opens_nothing(sessions, key):
    assert sessions.open_with_key(key) is None


def test_each_process_start_has_a_key_of_its_own(timed):
    one, other = Sessions(timed.database), Sessions(timed.database)

    assert one.open_with_key(other.key.reveal()) is None
    assert "key" not in repr(one.key)


def test_each_sign_in_is_a_session_of_its_own(sessions):
    one, other = sign_in(sessions), sign_in(sessions)
    sessions.close(one)

    assert sessions.find(one) is None
    assert sessions.find(other) is not None


def test_a_session_ends_after_twelve_hours(sessions, clock):
    session_id = sign_in(sessions)
    clock.now_s += LIFETIME_S - 1
    assert sessions.find(session_id)
    clock.now_s += 1

    assert sessions.find(session_id) is None


def test_what_a_session_may_do_is_what_it_was_opened_with(sessions):
    session_id = sessions.open("ada", "acme", {"read:logs", "manage:credentials"})

    assert sessions.find(session_id.reveal()) == Principal(
        "ada", "acme", frozenset({"read:logs", "manage:credentials"})
    )


def test_another_process_knows_the_session_too_and_after_a_restart(sessions, timed, clock):
    assert Sessions(timed.database, clock=clock).find(sign_in(sessions))


def test_ended_sessions_are_not_kept(sessions, timed, clock):
    sign_in(sessions)
    clock.now_s += LIFETIME_S + 1
    sign_in(sessions)

    with timed.database.reading() as connection:
        assert len(connection.execute(table.select()).all()) == 1


@pytest.mark.parametrize("session_id", ["", "unknown", "\udcff"])
def test_an_unknown_session_is_nobody_and_can_be_closed(sessions, session_id):
    assert sessions.find(session_id) is None
    sessions.close(session_id)


def test_no_session_id_is_held(sessions, timed):
    session_id = sign_in(sessions)

    with timed.database.reading() as connection:
        assert session_id not in repr(connection.execute(table.select()).all())
