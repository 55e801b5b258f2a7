"""No secret that a gateway was given, made or shown once is to be read anywhere but where it belongs."""

import json
import os
import re
import subprocess
import sys

import httpx
import pytest

from helpers.gateway import Gateway
from helpers.requests import OTLP, TraceRequest

pytestmark = pytest.mark.xdist_group("telemetry")

PASSWORD = "correct horse battery staple"
PASSPHRASE = "a passphrase of the tests"
OIDC_SECRET = "hush-of-the-provider"
PAGE = {"X-Tollspan-Page": "1"}
OPEN_PATHS = ("/metrics", "/readyz", "/healthz", "/api/openapi.json", "/.well-known/jwks.json")
GUARDED_PATHS = ("/api/v1/credentials", "/api/v1/audit", "/api/v1/status", "/api/v1/session", "/metrics")


@pytest.fixture
def gateway(tmp_path):
    sign_in = {
        "issuer": "https://login.example.invalid",
        "client_id": "dashboard",
        "client_secret": "${env:OIDC_SECRET}",
        "tenant": "default",
        "role_claim": "groups",
        "roles": {"staff": "viewer"},
    }
    config = tmp_path / "sign_in.yaml"
    config.write_text(json.dumps({"extensions": {"auth": {"sign_in": sign_in}}}))
    environment = {"TOLLSPAN_GATEWAY_KEY_PASSPHRASE": PASSPHRASE, "OIDC_SECRET": OIDC_SECRET}
    with Gateway(tmp_path / "data", "--config", str(config), environment=environment) as running:
        yield running


def misplace(http, secret):
    """The secret wherever a confused client may put it; the texts of all answers."""
    answers = [
        http.post("/token", data={"grant_type": secret, "client_id": secret, "client_secret": secret}),
        http.post("/token", data={"grant_type": "client_credentials"}, auth=(secret, secret)),
        http.post("/token", content=secret, headers={"Content-Type": secret[:40]}),
        http.post("/introspect", data={"token": secret}),
        http.post("/api/v1/session", json={"key": secret[:256]}),
        http.post("/api/v1/session", json={"email": "a@b", "password": secret[:1000]}),
        http.post("/api/v1/session", json={secret[:100]: 1, "key": [secret]}),
        http.post("/api/v1/owner", json={"key": secret[:256], "email": "a@b", "password": secret[:999]}),
        http.get("/api/v1/session/oidc"),
    ]
    for headers in (
        {"Authorization": secret},
        {"Authorization": f"Basic {secret}"},
        {"Authorization": f"Bearer x{secret}"},
        {"Authorization": f"Bearer {secret}, Bearer {secret}"},
        {"X-API-Key": f"x{secret}"},
        {"Cookie": f"tollspan_session={secret}"},
    ):
        answers += [
            http.get("/api/v1/traces", headers=headers),
            http.post("/v1/traces", headers=headers | OTLP),
        ]
    return [answer.text + str(answer.headers) for answer in answers]


def test_no_secret_is_in_a_log_a_metric_an_answer_or_a_file(gateway):
    wanted = ("--permissions", "write:traces,read:traces,manage:credentials", "--refresh")
    client = gateway.credentials("create", "--name", "test", *wanted)
    api_key = gateway.create_credential(kind="api_key")["api_key"]
    tokens = gateway.request_token(client).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    owner_key = gateway.create_owner.partition("#owner=")[2]
    with httpx.Client(base_url=gateway.url) as http:
        made = http.post(
            "/api/v1/owner", json={"key": owner_key, "email": "ada@b.example", "password": PASSWORD}
        )
        session = made.cookies["tollspan_session"]
        secrets = {
            "client secret": client["client_secret"],
            "API key": api_key,
            "access token": tokens["access_token"],
            "signature": tokens["access_token"].rpartition(".")[2],
            "refresh token": tokens["refresh_token"],
            "session": session,
            "sign-in key": gateway.sign_in_key,
            "owner key": owner_key,
            "password": PASSWORD,
            "passphrase": PASSPHRASE,
            "secret of the provider": OIDC_SECRET,
        }
        http.cookies.clear()
        shown = [text for secret in secrets.values() for text in misplace(http, secret)]
        http.post("/v1/traces", headers=bearer | OTLP, content=TraceRequest().wire).raise_for_status()
        http.post("/revoke", data={"token": "x"}, auth=(client["client_id"], client["client_secret"]))
        shown += [http.get(path).text for path in OPEN_PATHS]
        for headers in (bearer, {"Cookie": f"tollspan_session={session}"}):
            shown += [http.get(path, headers=headers).text for path in GUARDED_PATHS]
    files = [path.read_bytes() for path in sorted(gateway.data_dir.rglob("*")) if path.is_file()]
    places = {
        "the log": gateway.log.encode(),
        "an answer": "\n".join(shown).encode(),
        "a file": b"\n".join(files),
    }

    found = [
        f"{name} in {place}"
        for name, secret in secrets.items()
        for place, text in places.items()
        if secret.encode() in text
    ]
    assert found == []
    assert b'"d"' not in places["a file"]


def test_the_help_and_a_refusal_show_no_secret_of_the_environment():
    secret = "s3cr3t-of-the-database"
    environment = os.environ | {
        "TOLLSPAN_GATEWAY_IDENTITY": f"postgresql://tollspan:{secret}@127.0.0.1:1/x",
        "TOLLSPAN_GATEWAY_KEY_PASSPHRASE": secret,
        "TOLLSPAN_GATEWAY_STORAGE": f"clickhouse://tollspan:{secret}@127.0.0.1:1/x",
    }
    for words in (
        ["gateway", "--help"],
        ["credentials", "create", "--help"],
        ["credentials", "list"],
        ["users", "list"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "tollspan.cli", *words],
            env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert secret not in done.stdout + done.stderr, words


def test_the_files_of_a_gateway_are_for_its_owner_alone(gateway):
    assert gateway.data_dir.stat().st_mode & 0o077 == 0
    for name in ("identity.db", "signing-keys.json"):
        assert (gateway.data_dir / name).stat().st_mode & 0o077 == 0, name
    assert re.match(rb"ey[\w-]+\.", (gateway.data_dir / "signing-keys.json").read_bytes())
