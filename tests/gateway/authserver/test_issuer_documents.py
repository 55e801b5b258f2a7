"""What is fetched from issuers elsewhere, and what they can't make us do."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tollspan.errors import AuthError, ConfigError
from tollspan.gateway.authserver import issuer_documents
from tollspan.gateway.authserver.issuer_documents import (
    BYTES_MAX,
    check_url,
    fetch_jwks,
    fetch_metadata,
    request_json,
)


class Site:
    """A web site on loopback; `pages` says what is at each path: an object, bytes, or (status, headers)."""

    def __init__(self):
        self.pages, self.asked = {}, []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                page = site.pages.get(self.path, (404, {}))
                status, headers = page if isinstance(page, tuple) else (200, {})
                body = (
                    b""
                    if isinstance(page, tuple)
                    else page
                    if isinstance(page, bytes)
                    else json.dumps(page).encode()
                )
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()


@pytest.fixture
def site():
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.thread.join()


def test_metadata_is_found_by_both_standards(site):
    for issuer, path in (
        (f"{site.url}/realms/shop", "/realms/shop/.well-known/openid-configuration"),
        (f"{site.url}/realms/shop", "/.well-known/oauth-authorization-server/realms/shop"),
        (site.url, "/.well-known/openid-configuration"),
    ):
        site.pages = {path: {"issuer": issuer, "jwks_uri": f"{site.url}/keys"}, "/keys": {"keys": [1]}}
        assert fetch_metadata(issuer)["issuer"] == issuer
        assert fetch_jwks(issuer) == {"keys": [1]}


def test_metadata_that_names_another_issuer_is_not_used(site):
    site.pages = {"/.well-known/openid-configuration": {"issuer": "https://other", "jwks_uri": "x"}}

    with pytest.raises(AuthError, match="another issuer"):
        fetch_metadata(site.url)


def test_a_redirect_is_not_followed(site):
    site.pages = {"/keys": (302, {"Location": f"{site.url}/inside"}), "/inside": {"keys": []}}

    with pytest.raises(AuthError, match="302"):
        fetch_jwks(site.url, f"{site.url}/keys")
    assert site.asked == ["/keys"]


def test_an_answer_has_its_limit(site):
    site.pages = {"/keys": b"x" * (BYTES_MAX + 1)}

    with pytest.raises(AuthError, match="too long"):
        request_json("GET", f"{site.url}/keys")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_an_empty_one(site, body):
    site.pages = {"/x": body}

    assert request_json("GET", f"{site.url}/x") == (200, {})


def test_a_site_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(issuer_documents._pool, "connection_pool_kw", {"timeout": 0.05, "retries": False})

    with pytest.raises(AuthError, match="cannot be asked"):
        request_json("GET", "http://127.0.0.1:1/keys")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "keys",
        "http://issuer.example",
        "http://10.0.0.1/x",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "https://",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example/",
    ],
)
def test_other_addresses_are_not_asked(url):
    with pytest.raises(ConfigError, match="cannot be trusted"):
        check_url("issuer", url)
    with pytest.raises(ConfigError):
        request_json("GET", url)


@pytest.mark.parametrize(
    "url", ["https://issuer.example/x", "http://127.0.0.1:8080", "http://[::1]/", "http://localhost"]
)
def test_tls_or_this_machine_will_do(url):
    check_url("issuer", url)
