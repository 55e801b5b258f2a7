import pytest

from tollspan.gateway.authserver.published_keys import publish, retire, withdraw

JWK = {"kty": "RSA", "n": "s" * 343, "e": "AQAB", "use": "sig", "alg": "RS256"}


@pytest.fixture
def change(timed):
    """Writes to the database as another process would: the keys at hand are told nothing."""

    def change(function, *arguments):
        with timed.database.writing() as connection:
            function(connection, *arguments)

    return change


def test_an_unknown_key_is_looked_up_and_a_known_one_is_remembered(timed, change):
    assert timed.published_keys.find("a") is None
    change(publish, JWK | {"kid": "a"}, 0.0)
    assert timed.published_keys.find("a")
    change(withdraw, {"a"})
    assert timed.published_keys.find("a")
    timed.published_keys.forget()

    assert timed.published_keys.find("a") is None


async def test_a_watch_makes_it_forget(timed, change):
    change(publish, JWK | {"kid": "a"}, 0.0)
    assert timed.published_keys.find("a")
    change(withdraw, {"a"})
    await timed.watch.look()

    assert timed.published_keys.find("a") is None


def test_a_retired_key_counts_until_its_time_and_then_is_removed(timed, change, clock):
    change(publish, JWK | {"kid": "a"}, 0.0)
    change(retire, {"a"}, clock.now_s + 10, clock.now_s)
    assert timed.published_keys.find("a")
    assert timed.published_keys.jwks()["keys"]
    clock.now_s += 10
    assert timed.published_keys.find("a") is None
    assert timed.published_keys.jwks() == {"keys": []}
    change(retire, set(), clock.now_s, clock.now_s)
    timed.published_keys.forget()

    assert timed.published_keys.all() == {}


def test_a_second_retirement_does_not_prolong(timed, change, clock):
    change(publish, JWK | {"kid": "a"}, 0.0)
    change(retire, {"a"}, clock.now_s + 10, clock.now_s)
    change(retire, {"a"}, clock.now_s + 99, clock.now_s)
    clock.now_s += 10

    assert timed.published_keys.find("a") is None
