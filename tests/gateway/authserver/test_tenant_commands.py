import argparse
import json
from contextlib import closing

import pytest

from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.tenant_commands import add_arguments, run


@pytest.fixture
def tenants(tmp_path, capsys):
    """Runs `tollspan tenants ...` and returns what it printed."""

    def call(*words):
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        assert run(parser.parse_args([*words, "--data-dir", str(tmp_path)])) == 0
        return capsys.readouterr().out

    return call


def test_a_tenant_is_listed_and_closed(tenants, tmp_path):
    with closing(Identity.open(tmp_path)) as identity:
        identity.credentials.create(CredentialDraft("c", ("read:traces",), tenant="acme", datasets=("shop",)))

    assert tenants("list").splitlines() == [
        "TENANT  LIVE CREDENTIALS  PEOPLE  DATASETS  LAST USED",
        "acme    1                 0       shop      never",
    ]
    assert tenants("close", "acme") == "closed acme: 1 credentials, 0 people, 0 sessions\n"
    [shown] = json.loads(tenants("list", "--json"))
    assert shown == {
        "name": "acme",
        "live_credentials": 0,
        "people": [],
        "datasets": ["shop"],
        "last_used_at": None,
    }
