"""Requests that are wrong in more ways than the standards name: refused in order, and the gateway goes on.

The refusals that the standards do name are in test_refusals.
"""

import gzip
import json
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from helpers.requests import OTLP, TraceRequest

MIB = 1 << 20


@pytest.fixture(scope="module")
def credential(gateway):
    return gateway.create_credential()


@pytest.fixture(scope="module", autouse=True)
def the_gateway_goes_on(gateway, credential):
    """After all of them: nothing is stored, the gateway is ready, and its log has no defect in it."""
    yield
    assert httpx.get(f"{gateway.url}/readyz").status_code == 200
    listed = httpx.get(f"{gateway.url}/api/v1/traces", headers=gateway.authorization(credential))
    assert listed.json()["data"] == []
    assert [line for line in gateway.log.splitlines() if json.loads(line)["level"] == "error"] == []


def send(gateway, headers, wire=b"", **extra):
    return httpx.post(f"{gateway.url}/v1/traces", content=wire, headers=OTLP | headers | extra, timeout=30)


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "ts_0000", "x" * 20_000])
def test_a_forged_token_is_invalid(gateway, token):
    response = send(gateway, {"Authorization": f"Bearer {token}"}, TraceRequest().wire)

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Encoding": "gzip"}, b"not gzip", 400),
        ({"Content-Encoding": "gzip"}, gzip.compress(TraceRequest().wire)[:-5], 400),
        ({"Content-Encoding": "br"}, b"", 415),
        ({"Content-Type": "text/plain"}, b"", 415),
        ({}, TraceRequest().wire[:-3], 400),
    ],
    ids=["no gzip", "gzip cut off", "brotli", "text", "protobuf cut off"],
)
def test_a_body_that_cannot_be_read_is_refused(gateway, credential, headers, body, status):
    response = send(gateway, gateway.authorization(credential), body, **headers)

    assert response.status_code == status


def test_a_body_that_is_too_large_is_refused_by_its_length_alone(gateway, credential):
    address = urlsplit(gateway.url)
    lines = {
        "Host": address.netloc,
        **gateway.authorization(credential),
        **OTLP,
        "Content-Length": str(200 * MIB),
    }
    head = "POST /v1/traces HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(f"{head}\r\n".encode())
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/v1/traces", "/token", "/api/v1/session"])
def test_a_client_that_leaves_in_the_middle_of_its_body_costs_nothing(gateway, credential, path):
    address = urlsplit(gateway.url)
    headers = gateway.authorization(credential) if path == "/v1/traces" else {}
    request = httpx.Request("POST", gateway.url + path, headers=OTLP | headers, content=b"{" * 1000)
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + request.content[:10])
