"""npm's oauth4webapi, a client that takes what the RFCs allow and no more, at every endpoint for clients."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from helpers.gateway import Gateway
from helpers.npm import installed, node

AUDIENCE = "https://gateway-api.unomiq.com"


@pytest.fixture(scope="module")
def credentials(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A client with a secret that may refresh, and one that signs."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    public: Path = tmp_path_factory.mktemp("keys") / "public.pem"
    public.write_bytes(key.as_pem(private=False))
    wanted = ("create", "--name", "strict", "--permissions", "write:traces,read:traces", "--tenant", "acme")
    secret = gateway.credentials(*wanted, "--refresh")
    signer = gateway.credentials(*wanted, "--public-key", str(public))
    jwk = key.as_dict(private=True)
    return {"secret": secret, "signer": {"client_id": signer["client_id"], "jwk": jwk}}


@pytest.fixture(scope="module")
def told(gateway: Gateway, credentials: dict[str, Any]) -> dict[str, Any]:
    script = installed("oauth4webapi") / "client.mjs"
    command = [node(), script, gateway.url, AUDIENCE, json.dumps(credentials)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_every_way_to_a_token_gives_one_that_rfc_9068_allows(
    told: dict[str, Any], credentials: dict[str, Any]
) -> None:
    secret, signer = credentials["secret"]["client_id"], credentials["signer"]["client_id"]
    assert {name: claims["client_id"] for name, claims in told["claims"].items()} == {
        "first": secret,
        "again": secret,
        "refreshed": secret,
        "signed": signer,
    }
    assert {claims["aud"] for claims in told["claims"].values()} == {AUDIENCE}
    assert told["scope"] == told["claims"]["again"]["scope"] == "write:traces"


def test_a_token_is_active_until_it_is_revoked(told: dict[str, Any]) -> None:
    assert (told["before"]["active"], told["before"]["tenant"]) == (True, "acme")
    assert told["after"] == {"active": False}


def test_a_wrong_secret_is_refused_in_a_way_that_the_client_understands(told: dict[str, Any]) -> None:
    challenge = {"scheme": "basic", "parameters": {"realm": "tollspan", "charset": "UTF-8"}}
    assert told["refusal"] == {"status": 401, "challenge": [challenge]}
