import pytest

from tollspan.gateway.authserver.credentials import CredentialStore
from tollspan.gateway.authserver.signing_keys import SigningKeys


class Clock:
    """A wall clock that stands still until told otherwise."""

    def __init__(self, now_s=1_800_000_000.0):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path):
    made = CredentialStore(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def signing_keys(tmp_path_factory):
    return SigningKeys.open(tmp_path_factory.mktemp("keys"))
