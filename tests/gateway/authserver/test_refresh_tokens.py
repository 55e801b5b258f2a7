"""RFC 6749 §6 with rotation: what RFC 9700 §4.14.2 asks for, and what others got wrong."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tollspan.errors import AuthError
from tollspan.gateway.authserver import audit, revoked_tokens
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.refresh_tokens import FAMILY_S_MAX, GRACE_S, IDLE_S_MAX
from tollspan.gateway.authserver.schema import refresh_families, refresh_tokens
from tollspan.oauth2.secret import Secret

DRAFT = CredentialDraft("n", ("write:traces", "read:traces"), tenant="acme", refreshable=True)


@pytest.fixture
def tokens(timed):
    return timed.refresh_tokens


@pytest.fixture
def client(timed):
    return timed.credentials.create(DRAFT).credential


def begin(tokens, client):
    return tokens.begin(client, ["write:traces"], ["https://api"])


def refusal(tokens, refresh_token, client):
    with pytest.raises(AuthError) as raised:
        tokens.rotate(refresh_token, client)
    assert raised.value.code == "invalid_grant"
    return raised.value.description


def test_a_token_is_followed_by_another_with_the_same_grant(tokens, client):
    first = begin(tokens, client)
    second = tokens.rotate(first.refresh_token, client)

    assert second.refresh_token != first.refresh_token
    assert (second.id, second.permissions, second.audiences) == (
        first.id,
        ("write:traces",),
        ("https://api",),
    )


def test_a_client_that_missed_the_answer_gets_the_same_successor_again(tokens, client, clock):
    first = begin(tokens, client)
    second = tokens.rotate(first.refresh_token, client)
    clock.now_s += GRACE_S

    assert tokens.rotate(first.refresh_token, client).refresh_token == second.refresh_token
    assert tokens.rotate(second.refresh_token, client)


def test_a_token_that_is_used_again_later_ends_the_family_and_its_access_tokens(tokens, client, clock, timed):
    first = begin(tokens, client)
    second = tokens.rotate(first.refresh_token, client)
    clock.now_s += GRACE_S + 1
    assert "used before" in refusal(tokens, first.refresh_token, client)

    assert refusal(tokens, second.refresh_token, client)
    assert revoked_tokens.is_any_revoked(timed.database, {first.id})
    assert audit.list_entries(timed.database)[0].action == "refresh_token_reused"


def test_an_older_ancestor_is_never_repeated(tokens, client):
    first = begin(tokens, client)
    second = tokens.rotate(first.refresh_token, client)
    third = tokens.rotate(second.refresh_token, client)
    refusal(tokens, first.refresh_token, client)

    assert refusal(tokens, third.refresh_token, client)


def test_a_reuse_is_noticed_after_a_restart_too(where, clock):
    with closing(Identity.open(where, clock=clock)) as identity:
        client = identity.credentials.create(DRAFT).credential
        first = begin(identity.refresh_tokens, client)
        second = identity.refresh_tokens.rotate(first.refresh_token, client)
    clock.now_s += GRACE_S + 1
    with closing(Identity.open(where, clock=clock)) as identity:
        refusal(identity.refresh_tokens, first.refresh_token, client)
        refusal(identity.refresh_tokens, second.refresh_token, client)


def test_fifty_refreshes_at_once_find_exactly_one_successor(tokens, client, timed):
    first = begin(tokens, client)
    ready = threading.Barrier(10)

    def refresh(_):
        ready.wait(30)
        return tokens.rotate(first.refresh_token, client).refresh_token.reveal()

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(refresh, range(50)))) == 1
    with timed.database.reading() as connection:
        assert len(connection.execute(refresh_tokens.select()).all()) == 2


def test_another_clients_token_is_refused_noted_and_left_alone(tokens, client, timed):
    other = timed.credentials.create(DRAFT).credential
    first = begin(tokens, client)
    refusal(tokens, first.refresh_token, other)

    assert audit.list_entries(timed.database)[0].action == "foreign_refresh_token"
    assert tokens.rotate(first.refresh_token, client)


@pytest.mark.parametrize("text", ["", "ts_refresh_x", "ü\udcff", "x" * 100_000])
def test_an_unknown_token_is_refused(tokens, client, text):
    refusal(tokens, Secret(text), client)


def test_an_idle_token_ends_and_a_used_one_goes_on_to_the_end_of_its_family(tokens, client, clock):
    idle, used = begin(tokens, client), begin(tokens, client)
    family_end_s = clock.now_s + FAMILY_S_MAX
    while clock.now_s + IDLE_S_MAX < family_end_s:
        clock.now_s += IDLE_S_MAX - 1
        used = tokens.rotate(used.refresh_token, client)
    assert used.expires_s == family_end_s
    refusal(tokens, idle.refresh_token, client)
    clock.now_s = family_end_s

    refusal(tokens, used.refresh_token, client)


def test_a_revoked_token_ends_with_its_family_and_only_by_its_owner(tokens, client, timed):
    other = timed.credentials.create(DRAFT).credential
    first = begin(tokens, client)
    tokens.revoke(first.refresh_token, other)
    assert tokens.find(first.refresh_token, client)
    tokens.revoke(first.refresh_token, client)

    assert tokens.find(first.refresh_token, client) is None
    refusal(tokens, first.refresh_token, client)
    assert revoked_tokens.is_any_revoked(timed.database, {first.id})


def test_no_token_is_in_the_database(tokens, client, timed):
    first = begin(tokens, client)
    second = tokens.rotate(first.refresh_token, client)
    with timed.database.reading() as connection:
        stored = repr(
            [connection.execute(table.select()).all() for table in (refresh_tokens, refresh_families)]
        )

    assert first.refresh_token.reveal() not in stored
    assert second.refresh_token.reveal() not in stored


def test_ended_families_are_removed(tokens, client, clock, timed):
    begin(tokens, client)
    clock.now_s += FAMILY_S_MAX + 1
    begin(tokens, client)

    with timed.database.reading() as connection:
        assert len(connection.execute(refresh_families.select()).all()) == 1
        assert len(connection.execute(refresh_tokens.select()).all()) == 1
