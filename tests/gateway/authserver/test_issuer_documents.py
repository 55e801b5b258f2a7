"""What is fetched from issuers elsewhere, and what they can't make us do."""

import contextlib
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from helpers.certificate import new_certificate
from tollspan.errors import AuthError, ConfigError
from tollspan.gateway.authserver import issuer_documents
from tollspan.gateway.authserver.issuer_documents import (
    BYTES_MAX,
    check_url,
    fetch_jwks,
    fetch_metadata,
    find_endpoint,
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


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_answer_that_comes_byte_by_byte_is_not_waited_for(monkeypatch, sent):
    """Each byte would be in time for a bound that is of single reads."""
    monkeypatch.setattr(issuer_documents, "TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/keys"
        gone = threading.Event()

        def drip():
            with listening.accept()[0] as connected, contextlib.suppress(OSError):
                connected.sendall(sent)
                while not gone.wait(0.05):
                    connected.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            with pytest.raises(AuthError, match="cannot be asked"):
                request_json("GET", url)
        finally:
            gone.set()
            dripping.join()


@pytest.mark.parametrize("url", ["http://127.0.0.1:2375/x", "https://localhost/x", "https://[::1]:8443/x"])
def test_an_issuer_elsewhere_names_no_service_of_this_machine(monkeypatch, url):
    metadata = {"jwks_uri": url, "token_endpoint": url}
    monkeypatch.setattr(issuer_documents, "fetch_metadata", lambda _: metadata)

    for name in metadata:
        with pytest.raises(AuthError, match="on this machine"):
            find_endpoint("https://issuer.example", name)
        assert find_endpoint("http://127.0.0.1:9000", name) == url


@pytest.mark.parametrize("url", [None, "", "file:///etc/passwd", "http://10.0.0.1/x", "gopher://x"])
def test_metadata_leads_nowhere_without_tls(monkeypatch, url):
    monkeypatch.setattr(issuer_documents, "fetch_metadata", lambda _: {"jwks_uri": url})

    with pytest.raises(ConfigError, match="cannot be trusted"):
        fetch_jwks("https://issuer.example")


def test_a_site_that_cannot_prove_its_name_is_not_believed(site, tmp_path):
    """Where a name leads that was bound anew to an address inside."""
    new_certificate(tmp_path / "own.pem", "issuer.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem")
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    site.server.handle_error = lambda *_: None

    with pytest.raises(AuthError, match="cannot be asked: SSL"):
        request_json("GET", site.url.replace("http:", "https:") + "/keys")
    assert site.asked == []


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
