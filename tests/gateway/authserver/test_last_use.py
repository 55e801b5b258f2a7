from contextlib import closing

import structlog

from tollspan.errors import StoreError
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.identity import Identity


def test_the_latest_use_is_written_once_for_all(timed, clock):
    issued = []
    for name in ("a", "b"):
        clock.now_s += 1
        issued.append(timed.credentials.create(CredentialDraft(name, ("write:traces",))))
    for _ in range(3):
        for one in issued:
            clock.now_s += 1
            timed.credentials.authenticate_client(one.credential.id, one.secret)
    timed.credentials.last_use.write()

    assert [one.last_used_s for one in timed.credentials.find_all()] == [clock.now_s - 1, clock.now_s]


def test_writing_uses_is_no_change_that_anyone_must_hear_of(identity):
    issued = identity.credentials.create(CredentialDraft("n", ("write:traces",)))
    before = identity.database.change_number()
    identity.credentials.authenticate_client(issued.credential.id, issued.secret)
    identity.credentials.last_use.write()

    assert identity.database.change_number() == before


def test_what_was_noted_is_written_when_the_stores_close(where):
    with closing(Identity.open(where)) as identity:
        issued = identity.credentials.create(CredentialDraft("n", ("write:traces",)))
        identity.credentials.authenticate_client(issued.credential.id, issued.secret)
    with closing(Identity.open(where)) as identity:
        assert identity.credentials.find_all()[0].last_used_s


def fail(**_):
    raise StoreError("away")


def test_uses_that_could_not_be_written_are_written_later(identity, monkeypatch):
    issued = identity.credentials.create(CredentialDraft("n", ("write:traces",)))
    identity.credentials.authenticate_client(issued.credential.id, issued.secret)
    with monkeypatch.context() as broken:
        broken.setattr(identity.database, "writing", fail)
        identity.credentials.last_use.write()
    assert identity.credentials.find_all()[0].last_used_s is None
    identity.credentials.last_use.write()

    assert identity.credentials.find_all()[0].last_used_s


def test_the_use_of_a_secret_that_has_a_successor_is_warned_of_once(timed, clock):
    old = timed.credentials.create(CredentialDraft("n", ("write:traces",)))
    client_id = old.credential.id

    def use(issued):
        timed.credentials.authenticate_client(client_id, issued.secret)
        with structlog.testing.capture_logs() as lines:
            timed.credentials.last_use.write()
        return [(line["event"], line["credential"], line["ends_s"]) for line in lines]

    clock.now_s += 1
    timed.credentials.authenticate_client(client_id, old.secret)
    clock.now_s += 1
    new, ends_s = timed.credentials.rotate(client_id, overlap_s=3600), clock.now_s + 3600
    assert use(new) == []  # the old one's use that is written with it was before
    clock.now_s += 1
    assert use(old) == [("old_secret_in_use", client_id, ends_s)]
    assert use(old) == []
