from contextlib import closing

import pytest

from tollspan.gateway.authserver.client_assertion import ClientAssertions
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.signing_keys import SigningKeys
from tollspan.gateway.authserver.token_endpoint import LIFETIME_S, TokenEndpoint
from tollspan.gateway.authserver.token_issuer import TokenIssuer
from tollspan.gateway.authserver.token_status import TokenStatus
from tollspan.oauth2.verifier import Verifier


class Clock:
    """A wall clock that stands still until told otherwise."""

    def __init__(self, now_s=1_800_000_000.0):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """An identity database that nobody has opened yet, in either engine."""
    if request.param == "sqlite":
        return tmp_path
    return request.getfixturevalue("postgresql").new_database()


@pytest.fixture
def identity(where):
    made = Identity.open(where)
    yield made
    made.close()


@pytest.fixture
def timed(where, clock):
    """The same by a clock that stands still."""
    made = Identity.open(where, clock=clock)
    yield made
    made.close()


@pytest.fixture
def store(identity):
    return identity.credentials


@pytest.fixture(scope="session")
def key_owner(tmp_path_factory):
    """An auth server's keys: the private ones, and the published."""
    folder = tmp_path_factory.mktemp("keys")
    with closing(Identity.open(folder)) as identity:
        yield SigningKeys.open(folder, identity.published_keys), identity.published_keys


@pytest.fixture
def signing_keys(key_owner):
    return key_owner[0]


@pytest.fixture
def published_keys(key_owner):
    return key_owner[1]


@pytest.fixture
def build_endpoint(published_keys, signing_keys):
    """Builds the token endpoint of an issuer over identity stores."""

    def build(identity, issuer, audiences=()):
        verifier = Verifier(issuer, [issuer, *audiences], published_keys, leeway_s=0)
        return TokenEndpoint(
            TokenIssuer(issuer, audiences, signing_keys, LIFETIME_S),
            ClientAssertions(issuer, identity.database, identity.credentials),
            TokenStatus(verifier, identity),
        )

    return build
