import time

import pytest

from tollspan.errors import ConfigError
from tollspan.gateway.authserver import audit
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.permissions import READ
from tollspan.gateway.authserver.tenants import Closure, Tenant, close_tenant, list_tenants
from tollspan.gateway.authserver.users import UserDraft
from tollspan.oauth2.secret import Secret

PASSWORD = Secret("correct horse battery")


@pytest.fixture
def peopled(identity):
    """Two tenants, with a client each; one has a second that is revoked, and a person who is in both."""
    for tenant, datasets in (("acme", ("shop", "bank")), ("rival", ())):
        identity.credentials.create(CredentialDraft("c", ("read:traces",), tenant=tenant, datasets=datasets))
    gone = identity.credentials.create(CredentialDraft("gone", ("read:traces",), tenant="acme"))
    identity.credentials.authenticate_client(gone.credential.id, gone.secret)
    identity.credentials.last_use.write()
    identity.credentials.revoke(gone.credential.id)
    identity.users.create(UserDraft("ada@example.com", PASSWORD, "acme", "owner"), actor="test")
    identity.users.grant("ada@example.com", "rival", "viewer", actor="test")
    return identity


def test_tenants_are_listed_with_who_may_act_for_them(peopled):
    acme, rival = list_tenants(peopled)

    assert acme == Tenant("acme", 1, ("ada@example.com",), ("bank", "shop"), acme.last_used_s)
    assert acme.last_used_s == pytest.approx(time.time(), abs=600)
    assert rival == Tenant("rival", 1, ("ada@example.com",), (), None)


def test_nobody_acts_for_a_tenant_that_was_closed(peopled):
    session = peopled.sessions.open("ada", "acme", READ)
    kept = peopled.sessions.open("ada", "rival", READ)
    before = peopled.database.change_number()

    assert close_tenant(peopled, "acme", actor="local:test") == Closure(credentials=1, people=1, sessions=1)
    assert peopled.sessions.find(session.reveal()) is None
    assert peopled.sessions.find(kept.reveal())
    assert peopled.users.authenticate("ada@example.com", PASSWORD).roles == {"rival": "viewer"}
    assert [credential.state(time.time()) for credential in peopled.credentials.find_all("acme")] == [
        "revoked"
    ] * 2
    assert peopled.credentials.find_all("rival", state="live")
    assert peopled.database.change_number() > before
    [entry] = audit.list_entries(peopled.database, tenant="acme", limit=1)
    assert (entry.actor, entry.action, entry.detail) == ("local:test", "tenant_closed", {"credentials": 1})


def test_closing_again_ends_nothing_more_and_an_unknown_name_is_a_mistake(peopled):
    close_tenant(peopled, "acme", actor="test")

    assert close_tenant(peopled, "acme", actor="test") == Closure(0, 0, 0)
    with pytest.raises(ConfigError, match="nobody belongs to a tenant 'acmee'"):
        close_tenant(peopled, "acmee", actor="test")
