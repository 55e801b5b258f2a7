"""What the gateway refuses: with the status and body that the standards ask for, and without a trace."""

import gzip
import json
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest
from google.rpc.status_pb2 import Status

from helpers.gateway import Gateway
from helpers.requests import OTLP, TraceRequest

MIB = 1 << 20


@pytest.fixture(scope="module")
def writer(gateway):
    return gateway.create_credential("writer", "write:traces")


@pytest.fixture(scope="module")
def reader(gateway):
    return gateway.create_credential("reader", "read:traces")


@pytest.fixture(scope="module", autouse=True)
def nothing_is_kept(gateway, writer, reader):
    """After all refusals: nothing stored, the gateway at work, and no secret in its log."""
    yield
    assert httpx.get(f"{gateway.url}/readyz").status_code == 200
    listed = httpx.get(f"{gateway.url}/api/v1/traces", headers=gateway.authorization(reader))
    assert listed.json()["data"] == []
    events = [json.loads(line) for line in gateway.log.splitlines()]
    assert not [event for event in events if event["level"] == "error"]
    for secret in (writer["client_secret"], reader["client_secret"], gateway.sign_in_key, "eyJ"):
        assert secret not in gateway.log


def send(gateway, headers, wire=None, **extra):
    wire = TraceRequest().wire if wire is None else wire
    return httpx.post(f"{gateway.url}/v1/traces", content=wire, headers=OTLP | headers | extra, timeout=30)


def problem(response):
    """The text of a google.rpc.Status in an answer to protobuf."""
    assert response.headers["content-type"] == "application/x-protobuf"
    return Status.FromString(response.content).message


def test_a_wrong_secret_and_an_unknown_client_get_one_and_the_same_answer(gateway, writer):
    wrong = gateway.request_token(writer | {"client_secret": "wrong"})
    unknown = gateway.request_token(writer | {"client_id": "nobody"})

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["error"] == "invalid_client"
    assert wrong.headers["www-authenticate"].startswith("Basic ")
    assert "no-store" in wrong.headers["cache-control"]


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"scope": "read:traces"}, "invalid_scope"),
        ({"audience": "https://elsewhere.example.com"}, "invalid_target"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
    ],
)
def test_a_token_request_for_more_than_there_is_says_which_part_is_wrong(gateway, writer, parameters, error):
    response = gateway.request_token(writer, **parameters)

    assert (response.status_code, response.json()["error"]) == (400, error)


def test_without_a_token_the_challenge_names_no_error(gateway):
    response = send(gateway, {})

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="tollspan"'
    assert problem(response)


def test_a_token_without_the_permission_is_told_which_one_is_missing(gateway, reader):
    response = send(gateway, gateway.authorization(reader))

    assert response.status_code == 403
    challenge = response.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="write:traces"' in challenge


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "ts_0000"])
def test_a_forged_token_is_invalid(gateway, token):
    response = send(gateway, {"Authorization": f"Bearer {token}"})

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


def test_a_token_of_another_gateway_is_invalid_and_so_is_one_that_has_expired(gateway, tmp_path):
    config = tmp_path / "short.yaml"
    config.write_text("extensions:\n  auth:\n    access_token_lifetime: 1s\n")
    with Gateway(tmp_path / "data", "--config", str(config)) as other:
        credential = other.create_credential()
        short_lived = other.authorization(credential)
        statuses = {send(gateway, short_lived).status_code, send(other, short_lived).status_code}
        deadline_s = time.monotonic() + 10
        while send(other, short_lived).status_code == 200 and time.monotonic() < deadline_s:
            time.sleep(0.05)
        expired = send(other, short_lived)

    assert statuses == {401, 200}
    assert expired.status_code == 401
    assert "expired" in expired.headers["www-authenticate"]


def test_a_revoked_credential_is_refused_with_the_token_it_still_has(gateway):
    credential = gateway.create_credential("leaver", "write:traces")
    headers = gateway.authorization(credential)
    gateway.credentials("revoke", credential["client_id"])

    deadline_s = time.monotonic() + 10
    while (answer := send(gateway, headers, b"")).status_code == 200 and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert answer.status_code == 401
    assert gateway.request_token(credential).json()["error"] == "invalid_client"


@pytest.mark.parametrize("wire", [b"\xff", b"no protobuf", TraceRequest().wire[:-3]])
def test_a_body_that_is_no_otlp_is_a_bad_request(gateway, writer, wire):
    response = send(gateway, gateway.authorization(writer), wire)

    assert response.status_code == 400
    assert problem(response)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Encoding": "gzip"}, b"not gzip", 400),
        ({"Content-Encoding": "gzip"}, gzip.compress(TraceRequest().wire)[:-5], 400),
        ({"Content-Encoding": "gzip"}, gzip.compress(bytes(300 * MIB), 1), 413),
        ({"Content-Encoding": "br"}, b"", 415),
        ({"Content-Type": "text/plain"}, b"", 415),
    ],
    ids=["no gzip", "cut off", "bomb", "brotli", "text"],
)
def test_a_body_that_cannot_be_unpacked_is_refused(gateway, writer, headers, body, status):
    response = send(gateway, gateway.authorization(writer), body, **headers)

    assert response.status_code == status


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(gateway, writer):
    authorization = gateway.authorization(writer)["Authorization"]
    address = urlsplit(gateway.url)
    head = (
        f"POST /v1/traces HTTP/1.1\r\nHost: gateway\r\nAuthorization: {authorization}\r\n"
        f"Content-Type: application/x-protobuf\r\nContent-Length: {200 * MIB}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_signal_that_is_not_stored_yet_is_not_found(gateway, writer):
    response = httpx.post(f"{gateway.url}/v1/logs", headers=OTLP | gateway.authorization(writer))

    assert response.status_code == 404
