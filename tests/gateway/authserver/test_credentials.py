import hmac
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from tollspan.errors import ConfigError
from tollspan.gateway.authserver import audit
from tollspan.gateway.authserver.credential import STATES, CredentialDraft, LiveSecret
from tollspan.gateway.authserver.database import FILE_NAME
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.public_key import read_public_key
from tollspan.oauth2.secret import Secret

DRAFT = CredentialDraft("exporter", ("write:traces",))
KEY_DRAFT = CredentialDraft("script", ("read:traces",), kind="api_key")


@pytest.fixture
def timed(timed):
    return timed.credentials


def test_a_new_credential_is_what_its_draft_says(timed, clock):
    draft = CredentialDraft(
        "exporter",
        ("read:traces", "write:traces"),
        tenant="acme",
        datasets=("web", "shop", "web"),
        expires_in_s=60.0,
    )
    credential = timed.create(draft).credential

    assert (credential.kind, credential.name, credential.tenant) == ("oauth2", "exporter", "acme")
    assert credential.permissions == ("write:traces", "read:traces")
    assert credential.datasets == ("shop", "web")
    assert (credential.created_s, credential.expires_s) == (clock.now_s, clock.now_s + 60)
    assert (credential.revoked_s, credential.last_used_s, credential.live_secrets) == (None, None, 1)


def test_a_client_is_known_by_its_id_and_secret(store):
    issued = store.create(DRAFT)

    assert store.authenticate_client(issued.credential.id, issued.secret) == issued.credential


@pytest.mark.parametrize("wrong", ["", "ts_secret_x", "ü\udcff", "x" * 100_000])
def test_a_wrong_secret_is_not_enough(store, wrong):
    issued = store.create(DRAFT)

    assert store.authenticate_client(issued.credential.id, Secret(wrong)) is None
    assert store.authenticate_client(issued.credential.id, Secret(issued.secret.reveal() + "x")) is None


@pytest.mark.parametrize("client_id", ["", "unknown", "' OR 1=1 --", "%", "ü\x00"])
def test_an_unknown_client_is_nobody(store, client_id):
    assert store.authenticate_client(client_id, store.create(DRAFT).secret) is None


def test_a_secret_of_one_client_is_none_of_anothers(store):
    one, other = store.create(DRAFT), store.create(DRAFT)

    assert store.authenticate_client(one.credential.id, other.secret) is None


def test_an_api_key_is_known_by_itself(store):
    issued = store.create(KEY_DRAFT)

    assert store.authenticate_api_key(issued.secret) == issued.credential.principal()


def test_an_api_key_with_another_secret_is_nobody(store):
    issued, other = store.create(KEY_DRAFT), store.create(KEY_DRAFT)
    swapped = other.secret.reveal().replace(other.credential.id, issued.credential.id)

    assert store.authenticate_api_key(Secret(swapped)) is None


def test_a_client_secret_is_no_api_key(store):
    assert store.authenticate_api_key(store.create(DRAFT).secret) is None


@pytest.mark.parametrize("draft", [DRAFT, KEY_DRAFT])
def test_a_revoked_credential_is_nobody(store, draft):
    issued = store.create(draft)
    store.revoke(issued.credential.id)

    assert store.authenticate_client(issued.credential.id, issued.secret) is None
    assert store.authenticate_api_key(issued.secret) is None


def test_an_expired_credential_is_nobody(timed, clock):
    issued = timed.create(CredentialDraft("n", ("write:traces",), expires_in_s=60.0))
    assert timed.authenticate_client(issued.credential.id, issued.secret)
    clock.now_s += 60.0

    assert timed.authenticate_client(issued.credential.id, issued.secret) is None


def test_the_same_comparisons_are_made_whether_the_client_is_known_or_not(store, monkeypatch):
    issued = store.create(DRAFT)
    rotated = store.create(DRAFT)
    store.rotate(rotated.credential.id)
    compared = []

    def compare_digest(one, other):
        compared.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare_digest)
    for client_id, secret in [
        ("unknown", "x"),
        (issued.credential.id, "x"),
        (issued.credential.id, issued.secret.reveal()),
        (rotated.credential.id, rotated.secret.reveal()),
    ]:
        compared.clear()
        store.authenticate_client(client_id, Secret(secret))
        assert compared == [(32, 32)] * 2


def test_after_a_rotation_both_secrets_are_good_and_after_the_next_the_two_newest(timed, clock):
    first = timed.create(DRAFT)
    client_id = first.credential.id
    clock.now_s += 1
    second = timed.rotate(client_id)
    clock.now_s += 1
    assert second.credential.live_secrets == 2
    assert timed.authenticate_client(client_id, first.secret)
    third = timed.rotate(client_id)

    good = [bool(timed.authenticate_client(client_id, issued.secret)) for issued in (first, second, third)]
    assert good == [False, True, True]


def test_a_rotation_can_retire_all_earlier_secrets(timed, clock):
    first = timed.create(KEY_DRAFT)
    clock.now_s += 1
    second = timed.rotate(first.credential.id)
    clock.now_s += 1
    third = timed.rotate(first.credential.id, overlap_s=0)

    assert third.credential.live_secrets == 1
    assert [bool(timed.authenticate_api_key(issued.secret)) for issued in (first, second, third)] == [
        False,
        False,
        True,
    ]


def test_what_cannot_be_rotated_or_revoked_is_named(store):
    revoked = store.create(DRAFT).credential.id
    store.revoke(revoked)

    for attempt, credential_id in [
        (store.rotate, "unknown"),
        (store.rotate, revoked),
        (store.revoke, "unknown"),
    ]:
        with pytest.raises(ConfigError, match=credential_id):
            attempt(credential_id)


def test_revoking_again_keeps_the_first_time(timed, clock):
    credential_id = timed.create(DRAFT).credential.id
    first = timed.revoke(credential_id)
    clock.now_s += 10

    assert timed.revoke(credential_id) == first


def test_all_credentials_are_listed_oldest_first(timed, clock):
    made = []
    for draft in (DRAFT, KEY_DRAFT, DRAFT):
        made.append(timed.create(draft).credential)
        clock.now_s += 1
    timed.revoke(made[0].id)

    listed = timed.find_all()
    assert [credential.id for credential in listed] == [credential.id for credential in made]
    assert listed[0].revoked_s is not None
    assert listed[1:] == made[1:]


def test_each_live_secret_is_listed_with_its_times(timed, clock):
    made = clock.now_s
    first = timed.create(CredentialDraft("exporter", ("write:traces",), tenant="acme"))
    clock.now_s += 10
    timed.rotate(first.credential.id, overlap_s=3600)
    clock.now_s += 10
    timed.authenticate_client(first.credential.id, first.secret)
    timed.last_use.write()
    other = timed.create(CredentialDraft("n", ("read:traces",), tenant="rival"))

    assert timed.find_secrets("acme") == {
        first.credential.id: [
            LiveSecret(created_s=made + 10, expires_s=None, last_used_s=None),
            LiveSecret(created_s=made, expires_s=made + 3610, last_used_s=made + 20),
        ]
    }
    assert set(timed.find_secrets()) == {first.credential.id, other.credential.id}
    clock.now_s += 3600
    assert [len(found) for found in timed.find_secrets("acme").values()] == [1]


def test_credentials_are_found_by_their_state_and_by_how_long_nobody_used_them(timed, clock):
    live, _, revoked = (
        timed.create(CredentialDraft(name, ("read:traces",), expires_in_s=lifetime_s))
        for name, lifetime_s in (("live", None), ("expired", 5), ("revoked", None))
    )
    timed.revoke(revoked.credential.id)
    clock.now_s += 100

    def names(**conditions):
        return [credential.name for credential in timed.find_all(**conditions)]

    assert [names(state=state) for state in STATES] == [["live"], ["expired"], ["revoked"]]
    assert names(state="live", unused_for_s=100) == ["live"]
    timed.authenticate_client(live.credential.id, live.secret)
    timed.last_use.write()
    assert names(state="live", unused_for_s=100) == []
    assert names(unused_for_s=101) == []


def test_who_made_a_credential_is_kept_with_it(store):
    made = store.create(DRAFT, actor="local:ada").credential

    assert store.find(made.id).created_by == "local:ada"


def test_a_use_is_remembered_at_once_and_written_later(timed, clock):
    issued = timed.create(DRAFT)
    credential_id = issued.credential.id
    clock.now_s += 5
    timed.authenticate_client(credential_id, issued.secret)
    assert timed.find(credential_id).last_used_s is None
    timed.last_use.write()

    assert timed.find(credential_id).last_used_s == clock.now_s


def test_after_a_rotation_with_overlap_the_old_secret_ends_by_itself(timed, clock):
    first = timed.create(DRAFT)
    clock.now_s += 1
    second = timed.rotate(first.credential.id, overlap_s=3600)
    assert second.credential.live_secrets == 2
    clock.now_s += 3599
    assert timed.authenticate_client(first.credential.id, first.secret)
    clock.now_s += 1

    assert timed.authenticate_client(first.credential.id, first.secret) is None
    assert timed.authenticate_client(first.credential.id, second.secret)
    assert timed.find(first.credential.id).live_secrets == 1


def test_an_api_key_in_its_overlap_proves_nobody_beyond_it(timed, clock):
    old = timed.create(KEY_DRAFT)
    clock.now_s += 1
    new = timed.rotate(old.credential.id, overlap_s=10)

    assert timed.authenticate_api_key(old.secret).expires_s == clock.now_s + 10
    assert timed.authenticate_api_key(new.secret).expires_s == math.inf


def test_an_api_key_is_not_rotated_into_a_signing_key(store):
    issued = store.create(KEY_DRAFT)

    with pytest.raises(ConfigError, match="public_key"):
        store.rotate(issued.credential.id, public_key={"kty": "EC"})


def test_a_tenants_credentials_are_listed_without_anothers(store):
    store.create(DRAFT)
    theirs = store.create(CredentialDraft("n", ("write:traces",), tenant="acme")).credential

    assert store.find_all("acme") == [theirs]
    assert store.find_all("nobody") == []


def test_every_change_is_in_the_audit_log_with_who_made_it(identity):
    credential_id = identity.credentials.create(DRAFT, actor="ada").credential.id
    identity.credentials.rotate(credential_id, actor="bob")
    identity.credentials.revoke(credential_id, actor="eve")
    identity.credentials.revoke(credential_id, actor="late")

    entries = audit.list_entries(identity.database)
    assert [(entry.actor, entry.action) for entry in entries] == [
        ("eve", "credential_revoked"),
        ("bob", "credential_rotated"),
        ("ada", "credential_created"),
    ]
    assert {entry.subject for entry in entries} == {credential_id}
    assert {entry.tenant for entry in entries} == {"default"}


def test_the_public_keys_of_a_client_are_no_secrets_of_it(store):
    key = read_public_key(ECKey.generate_key("P-256").as_pem(private=False).decode())
    issued = store.create(CredentialDraft("signs", ("write:traces",), public_key=key))

    assert issued.secret is None
    assert list(store.public_keys(issued.credential.id).values()) == [key]
    assert store.authenticate_client(issued.credential.id, Secret(key["kid"])) is None


def test_the_change_number_tells_of_writes_by_this_store_and_by_others(identity, where):
    def number_after(change):
        change()
        return identity.database.change_number()

    with closing(Identity.open(where)) as other:
        numbers = [
            number_after(lambda: None),
            number_after(lambda: None),
            number_after(lambda: identity.credentials.create(DRAFT)),
            number_after(lambda: other.credentials.create(DRAFT)),
            number_after(lambda: other.credentials.revoke(other.credentials.find_all()[0].id)),
            number_after(lambda: None),
        ]

    assert numbers[0] == numbers[1]
    assert len(set(numbers[1:5])) == 4
    assert numbers[4] == numbers[5]


def test_no_secret_is_in_the_files(tmp_path):
    with closing(Identity.open(tmp_path)) as identity:
        assert_no_secret_is_stored(identity.credentials, tmp_path)


def assert_no_secret_is_stored(store, tmp_path):
    secrets = [store.create(DRAFT).secret.reveal(), store.create(KEY_DRAFT).secret.reveal()]
    stored = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE_NAME}*"))

    assert stored
    assert not any(secret[-20:].encode() in stored for secret in secrets)


def test_threads_may_use_one_store_at_once(store):
    ready = threading.Barrier(8)

    def work(_):
        ready.wait(30)
        issued = store.create(DRAFT)
        return (
            store.authenticate_client(issued.credential.id, store.rotate(issued.credential.id).secret)
            is not None
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    assert len(store.find_all()) == 8


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with closing(Identity.open(tmp_path_factory.mktemp("shared"))) as identity:
        yield identity.credentials


@given(st.text(), st.text())
def test_nobody_comes_in_by_chance(shared, client_id, secret):
    assert shared.authenticate_client(client_id, Secret(secret)) is None
    assert shared.authenticate_api_key(Secret(secret)) is None
