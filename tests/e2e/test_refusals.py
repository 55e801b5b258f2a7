"""What the gateway answers to what it must not take: what the standards say, and nothing else happens.

RFC 6749 §5.2 for the token endpoint, RFC 6750 §3 for access tokens, OTLP 1.11 for bodies.
"""

import gzip
import json
import time
from collections.abc import Iterator
from urllib.parse import quote_plus

import httpx
import pytest
from google.rpc.status_pb2 import Status

from helpers.gateway import Credential, Gateway
from helpers.requests import OTLP, TraceRequest

CONFIG = "extensions: {auth: {access_token_lifetime: 3s}}"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("refusals")
    (folder / "config.yaml").write_text(CONFIG)
    with Gateway(folder / "data", "--config", str(folder / "config.yaml")) as running:
        yield running


@pytest.fixture(scope="module")
def credential(gateway: Gateway) -> Credential:
    return gateway.create_credential()


def count_stored(gateway: Gateway, credential: Credential) -> int:
    services = httpx.get(f"{gateway.url}/api/v1/services", headers=gateway.authorization(credential)).json()
    return sum(service["spans"] for service in services["data"])


@pytest.fixture(autouse=True)
def nothing_is_stored_nothing_crashes_and_no_secret_is_logged(
    gateway: Gateway, credential: Credential
) -> Iterator[None]:
    before = count_stored(gateway, credential)
    logged = len(gateway.log)
    yield
    assert count_stored(gateway, credential) == before
    news = gateway.log[logged:]
    assert credential["client_secret"] not in news
    assert "Traceback" not in news
    assert "eyJ" not in news  # how every JWT begins


def post(gateway: Gateway, content: bytes, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{gateway.url}/v1/traces", content=content, headers=OTLP | headers, timeout=30)


def read_status(answer: httpx.Response) -> Status:
    assert answer.headers["content-type"] == "application/x-protobuf"
    return Status.FromString(answer.content)


@pytest.mark.parametrize(
    ("change", "parameters", "status", "error"),
    [
        ({"client_secret": "wrong"}, {}, 401, "invalid_client"),
        ({"client_id": "nobody"}, {}, 401, "invalid_client"),
        ({}, {"scope": "manage:credentials"}, 400, "invalid_scope"),
        ({}, {"audience": "https://elsewhere.example"}, 400, "invalid_target"),
        ({}, {"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({}, {"grant_type": ""}, 400, "invalid_request"),
    ],
)
def test_the_token_endpoint_answers_as_rfc_6749_says(gateway, credential, change, parameters, status, error):
    answer = gateway.request_token(credential | change, **parameters)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert "token_refused" in gateway.log


def test_a_wrong_secret_in_the_body_is_refused_like_one_in_the_header(gateway, credential):
    form = {
        "grant_type": "client_credentials",
        "client_id": credential["client_id"],
        "client_secret": "wrong",
    }

    answer = httpx.post(f"{gateway.url}/token", data=form)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_credentials_in_the_body_are_as_good_as_in_the_header(gateway, credential):
    form = {
        "grant_type": "client_credentials",
        "client_id": credential["client_id"],
        "client_secret": credential["client_secret"],
        "scope": "write:traces",
    }

    answer = httpx.post(f"{gateway.url}/token", data=form)

    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["scope"] == "write:traces"


def test_without_a_token_the_challenge_names_no_error(gateway):
    answer = post(gateway, TraceRequest().wire, {})

    assert answer.status_code == 401
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="tollspan"')
    assert "error" not in challenge
    assert read_status(answer).message


def test_an_expired_token_is_invalid(gateway, credential):
    headers = gateway.authorization(credential)
    while httpx.get(f"{gateway.url}/api/v1/services", headers=headers).status_code == 200:
        time.sleep(0.1)  # the token lives for three seconds

    answer = post(gateway, TraceRequest().wire, headers)

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert "expired" in read_status(answer).message


def test_a_token_without_the_permission_is_not_enough(gateway, credential):
    headers = gateway.authorization(credential, scope="read:traces")

    answer = post(gateway, TraceRequest().wire, headers)

    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="write:traces"' in answer.headers["www-authenticate"]
    assert read_status(answer).code == 7


def test_a_token_of_another_issuer_is_refused(gateway, credential, tmp_path):
    with Gateway(tmp_path / "other") as other:
        headers = other.authorization(other.create_credential())

    answer = post(gateway, TraceRequest().wire, headers)

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_malformed_protobuf_is_the_senders_mistake(gateway, credential):
    answer = post(gateway, b"\x0a\xff\xff\xff\xff\x0f", gateway.authorization(credential))

    assert answer.status_code == 400
    assert read_status(answer).code == 3


def test_malformed_json_is_answered_in_json(gateway, credential):
    headers = gateway.authorization(credential) | {"Content-Type": "application/json"}

    answer = post(gateway, b'{"resourceSpans": [', headers)

    assert answer.status_code == 400
    assert json.loads(answer.content)["code"] == 3


def test_a_gzip_bomb_is_too_large(gateway, credential):
    bomb = gzip.compress(bytes(200 << 20), 9)

    answer = post(gateway, bomb, gateway.authorization(credential) | {"Content-Encoding": "gzip"})

    assert answer.status_code == 413
    assert read_status(answer).message


def test_an_oversize_body_is_refused_before_it_is_read(gateway, credential):
    answer = post(gateway, bytes((64 << 20) + 1), gateway.authorization(credential))

    assert answer.status_code == 413
    assert "67108864" in read_status(answer).message


def test_another_tenant_cannot_be_named_by_the_sender(gateway, credential):
    stranger = gateway.create_credential(tenant="stranger")
    request = TraceRequest()
    answer = post(gateway, request.wire, gateway.authorization(stranger) | {"X-Scope-OrgID": "default"})
    assert answer.status_code == 200

    found = httpx.get(
        f"{gateway.url}/api/v1/traces/{request.trace_id.hex()}", headers=gateway.authorization(credential)
    )

    assert found.status_code == 404


def test_a_revoked_credential_and_its_live_tokens_are_refused_within_a_second(gateway):
    doomed = gateway.create_credential()
    headers = gateway.authorization(doomed)
    gateway.credentials("revoke", doomed["client_id"])
    time.sleep(1)  # the promise is within a second

    assert post(gateway, TraceRequest().wire, headers).status_code == 401
    assert gateway.request_token(doomed).status_code == 401


def test_a_secret_with_special_characters_is_form_decoded_before_it_is_compared(gateway, credential):
    # RFC 6749 §2.3.1: both parts are form-urlencoded before base64.
    encoded = {name: quote_plus(credential[name]) for name in ("client_id", "client_secret")}

    assert gateway.request_token(credential | encoded).status_code == 200
