import json
import stat
import threading

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tollspan.errors import ConfigError
from tollspan.gateway.authserver import audit
from tollspan.gateway.authserver.key_file import FILE_NAME
from tollspan.gateway.authserver.signing_keys import (
    JWKS_AGE_S_MAX,
    PUBLISHED_AHEAD_S,
    TOKEN_LIFETIME_S_MAX,
    SigningKeys,
)


@pytest.fixture
def open_keys(tmp_path, timed, clock):
    """Opens the keys of one auth server as one process does; each has a folder, all one database."""
    return lambda folder="one": SigningKeys.open(tmp_path / folder, timed.published_keys, clock=clock)


def published(timed):
    timed.published_keys.forget()
    return {jwk["kid"] for jwk in timed.published_keys.jwks()["keys"]}


def test_keys_are_made_once_and_loaded_ever_after(open_keys):
    assert open_keys().kid == open_keys().kid


def test_the_file_is_for_its_owner_only_and_nothing_else_is_left(open_keys, tmp_path):
    open_keys().rotate()

    assert [path.name for path in (tmp_path / "one").iterdir()] == [FILE_NAME]
    assert stat.S_IMODE((tmp_path / "one" / FILE_NAME).stat().st_mode) == 0o600


def test_the_key_id_is_the_thumbprint_and_only_public_parts_are_published(open_keys, timed):
    kid = open_keys().kid
    [jwk] = timed.published_keys.jwks()["keys"]

    assert kid == jwk["kid"] == RSAKey.import_key(jwk).thumbprint()
    assert set(jwk) == {"kty", "n", "e", "kid", "use", "alg"}
    assert (jwk["use"], jwk["alg"]) == ("sig", "RS256")


def test_a_signature_is_good_by_the_published_keys(open_keys, timed):
    keys = open_keys()
    token = keys.sign({"sub": "a"})
    decoded = jwt.decode(token, KeySet.import_key_set(timed.published_keys.jwks()), algorithms=["RS256"])

    assert decoded.claims == {"sub": "a"}
    assert decoded.header == {"typ": "at+jwt", "alg": "RS256", "kid": keys.kid}


def test_a_new_key_is_published_before_it_signs_and_the_old_one_until_its_last_token_ended(
    open_keys, timed, clock
):
    keys = open_keys()
    old = keys.kid
    new = keys.rotate()
    assert (keys.kid, published(timed)) == (old, {old, new})
    clock.now_s += PUBLISHED_AHEAD_S - 1
    assert keys.kid == old
    clock.now_s += 1
    assert (keys.kid, published(timed)) == (new, {old, new})
    clock.now_s += TOKEN_LIFETIME_S_MAX - 1
    assert published(timed) == {old, new}
    clock.now_s += 1

    assert published(timed) == {new}


def test_a_verifier_that_caches_as_long_as_it_may_knows_every_key_in_time():
    assert PUBLISHED_AHEAD_S > JWKS_AGE_S_MAX


def test_in_an_emergency_the_new_key_signs_at_once_and_the_old_one_counts_no_more(open_keys, timed):
    keys = open_keys()
    old = keys.kid
    new = keys.rotate(at_once=True)

    assert (keys.kid, published(timed)) == (new, {new})
    assert timed.published_keys.find(old) is None


def test_no_start_revives_a_key_that_was_withdrawn(open_keys, timed):
    old = open_keys().kid
    new = open_keys().rotate(at_once=True)

    assert (open_keys().kid, published(timed)) == (new, {new})
    assert timed.published_keys.find(old) is None


def test_no_start_revives_a_key_that_has_ended(open_keys, timed, clock):
    for _ in range(3):
        newest = open_keys().rotate()
        clock.now_s += PUBLISHED_AHEAD_S + TOKEN_LIFETIME_S_MAX + 1

    assert (open_keys().kid, published(timed)) == (newest, {newest})


def test_a_process_notices_that_another_one_rotated(open_keys, timed):
    running = open_keys()
    old = running.kid
    new = open_keys().rotate(at_once=True)
    timed.published_keys.forget()

    assert (running.kid, new != old) == (new, True)


def test_two_auth_servers_sign_with_a_key_each_and_rotate_only_their_own(open_keys, timed):
    one, other = open_keys("one"), open_keys("other")
    first, theirs = one.kid, other.kid
    second = one.rotate(at_once=True)

    assert first != theirs
    assert published(timed) == {second, theirs}
    assert (one.kid, other.kid) == (second, theirs)


def test_ended_keys_leave_the_file_with_a_later_rotation(open_keys, clock, tmp_path):
    keys = open_keys()
    for _ in range(4):
        keys.rotate()
        clock.now_s += PUBLISHED_AHEAD_S + TOKEN_LIFETIME_S_MAX + 1

    assert len(json.loads((tmp_path / "one" / FILE_NAME).read_bytes())["keys"]) <= 3


def test_a_rotation_is_in_the_audit_log(open_keys, timed):
    kid = open_keys().rotate(at_once=True, actor="ada")
    [entry] = audit.list_entries(timed.database)

    assert (entry.actor, entry.action, entry.subject) == ("ada", "signing_key_rotated", kid)
    assert entry.detail == {"at_once": True}


def test_a_clock_that_is_set_back_before_the_first_key_stops_no_signature(open_keys, timed, clock):
    keys = open_keys()
    first = keys.kid
    keys.rotate()
    clock.now_s -= 24 * 3600

    assert keys.kid == first
    keys.check()


def test_the_check_tells_of_a_file_that_has_gone(open_keys, tmp_path):
    keys = open_keys()
    keys.check()
    (tmp_path / "one" / FILE_NAME).unlink()

    with pytest.raises(ConfigError, match="holds no usable signing keys"):
        keys.check()


def test_processes_that_start_together_agree_on_one_key(open_keys):
    ready = threading.Barrier(4)
    kids = []

    def start():
        ready.wait(30)
        kids.append(open_keys().kid)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(kids) == 4
    assert len(set(kids)) == 1
