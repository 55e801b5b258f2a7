from contextlib import closing

from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.identity import Identity


def test_all_stores_are_over_one_database_and_what_they_hold_stays(where):
    with closing(Identity.open(where)) as identity:
        credential = identity.credentials.create(CredentialDraft("n", ("write:traces",))).credential
        grant = identity.refresh_tokens.begin(credential, (), ())
        session_id = identity.sessions.open("ada", "acme", ())
    with closing(Identity.open(where)) as identity:
        assert identity.credentials.find(credential.id) == credential
        assert identity.refresh_tokens.find(grant.refresh_token, credential) == grant
        assert identity.sessions.find(session_id.reveal()).tenant == "acme"
