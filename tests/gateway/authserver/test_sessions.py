import pytest

from tollspan.gateway.authserver.permissions import READ
from tollspan.gateway.authserver.sessions import LIFETIME_S, SESSIONS_MAX, Sessions
from tollspan.oauth2.principal import Principal


@pytest.fixture
def sessions(clock):
    return Sessions(clock=clock)


def sign_in(sessions):
    return sessions.open(sessions.key.reveal()).reveal()


def test_the_key_opens_a_session_that_reads_the_default_tenant(sessions):
    assert sessions.find(sign_in(sessions)) == Principal("dashboard", "default", frozenset(READ))


@pytest.mark.parametrize("key", ["", "wrong", "ü\udcff", "x" * 100_000])
def test_a_wrong_key_opens_nothing(sessions, key):
    assert sessions.open(key) is None


def test_each_process_start_has_a_key_of_its_own():
    one, other = Sessions(), Sessions()

    assert one.open(other.key.reveal()) is None
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


def test_the_oldest_session_makes_room(sessions):
    first, second = sign_in(sessions), sign_in(sessions)
    for _ in range(SESSIONS_MAX - 1):
        sign_in(sessions)

    assert sessions.find(first) is None
    assert sessions.find(second) is not None


@pytest.mark.parametrize("session_id", ["", "unknown", "\udcff"])
def test_an_unknown_session_is_nobody_and_can_be_closed(sessions, session_id):
    assert sessions.find(session_id) is None
    sessions.close(session_id)


def test_no_session_id_is_held(sessions):
    assert sign_in(sessions) not in repr(vars(sessions))
