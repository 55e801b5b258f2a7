"""Requests over real sockets, and answers as bad as they come."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from helpers.certificate import new_certificate
from helpers.connect_proxy import running_proxy
from helpers.otlp_peer import Answer, OTLPPeer, drip, endless, reset_connection, running_peer
from tollspan.errors import RetryableError
from tollspan.otlp.http_exchange import HTTPResponse
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.settings import Settings

MIB = 1 << 20


def _post(transport: HTTPTransport, url: str, timeout_s: float = 10) -> HTTPResponse:
    """An export request without spans."""
    return transport.request(
        "POST", f"{url}/v1/traces", headers={}, body=b"", timeout_s=timeout_s, bytes_max=4 * MIB
    )


@pytest.fixture
def transport() -> HTTPTransport:
    return HTTPTransport(Settings())


def test_an_answer_is_returned_whole_with_lower_case_header_names(
    peer: OTLPPeer, transport: HTTPTransport
) -> None:
    peer.answers.append(Answer(418, b"x" * MIB, {"X-Thing": "one"}))
    answer = _post(transport, peer.url)
    assert (answer.status, answer.body, answer.headers["x-thing"]) == (418, b"x" * MIB, "one")


def test_an_answer_of_300_mb_is_read_up_to_the_limit(peer: OTLPPeer, transport: HTTPTransport) -> None:
    peer.answers.append(endless(300 * MIB))
    assert len(_post(transport, peer.url).body) == 4 * MIB
    assert _post(transport, peer.url).status == 200


def test_an_answer_that_never_comes_takes_no_longer_than_the_timeout(
    peer: OTLPPeer, transport: HTTPTransport
) -> None:
    peer.answers.append(peer.hang)
    with pytest.raises(RetryableError, match="no answer in time"):
        _post(transport, peer.url, timeout_s=0.05)


def test_an_answer_that_comes_byte_by_byte_takes_no_longer_than_the_timeout(
    peer: OTLPPeer, transport: HTTPTransport
) -> None:
    peer.answers.append(drip)
    with pytest.raises(RetryableError, match="no answer in time"):
        _post(transport, peer.url, timeout_s=0.1)


def test_without_time_left_nothing_is_sent(peer: OTLPPeer, transport: HTTPTransport) -> None:
    with pytest.raises(RetryableError, match="no answer in time"):
        _post(transport, peer.url, timeout_s=0)
    assert peer.paths == []


def test_requests_share_a_connection_until_it_is_let_go(peer: OTLPPeer, transport: HTTPTransport) -> None:
    for _ in range(3):
        _post(transport, peer.url)
    assert len(peer.connections) == 1
    transport.close()
    _post(transport, peer.url)
    assert len(peer.connections) == 2


def test_a_connection_that_the_server_closed_is_replaced(peer: OTLPPeer, transport: HTTPTransport) -> None:
    peer.answers.append(Answer(200, headers={"Connection": "close"}))
    assert [_post(transport, peer.url).status for _ in range(2)] == [200, 200]


def test_a_connection_that_breaks_is_an_error_that_passes(peer: OTLPPeer, transport: HTTPTransport) -> None:
    peer.answers.append(reset_connection)
    with pytest.raises(RetryableError):
        _post(transport, peer.url)
    assert _post(transport, peer.url).status == 200


def test_a_server_that_is_not_there_is_named_by_its_fault(transport: HTTPTransport) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(RetryableError, match=r"^ConnectionRefusedError: Connection refused$"):
            _post(transport, f"http://127.0.0.1:{unused.getsockname()[1]}")


def test_redirects_are_answers(peer: OTLPPeer, transport: HTTPTransport) -> None:
    peer.answers.append(Answer(307, headers={"Location": "/elsewhere"}))
    assert _post(transport, peer.url).status == 307
    assert peer.paths == ["/v1/traces"]


def test_proxies_are_taken_from_the_environment_and_netrc_is_not(
    peer: OTLPPeer, transport: HTTPTransport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine gate.example login x password y\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", peer.url.replace("http://", "http://user:pa%20ss@"))
    assert _post(transport, "http://gate.example").status == 200
    assert peer.paths == ["http://gate.example/v1/traces"]
    headers = peer.exports[0].headers
    assert headers["proxy-authorization"] == "Basic dXNlcjpwYSBzcw=="
    assert "authorization" not in headers
    _post(transport, peer.url)
    assert peer.paths[-1] == "/v1/traces", "no proxy reaches this machine's own loopback"


def test_https_goes_through_a_proxy_which_sees_the_host_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "certificate.pem"
    new_certificate(file, "gate.example")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    with running_peer(tls=tls) as peer, running_proxy(peer.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("http://", "http://user:pass@"))
        transport = HTTPTransport(Settings(certificate_file=str(file)))
        assert _post(transport, "https://gate.example").status == 200
        transport.close()
        assert proxy.heads[0].startswith("CONNECT gate.example:443 ")
        assert "proxy-authorization: basic" in proxy.heads[0].lower()
        assert "proxy-authorization" not in peer.exports[0].headers


def test_what_no_proxy_names_is_asked_directly(
    peer: OTLPPeer, transport: HTTPTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", peer.url)
    monkeypatch.setenv("no_proxy", "gate.invalid")
    with pytest.raises(RetryableError):
        _post(transport, "http://gate.invalid")
    assert peer.paths == []


def test_a_certificate_is_trusted_only_when_it_was_named(certificate: Path, transport: HTTPTransport) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with running_peer(tls=tls) as peer:
        assert _post(HTTPTransport(Settings(certificate_file=str(certificate))), peer.url).status == 200
        with pytest.raises(RetryableError, match=r"^SSLCertVerificationError: self-signed certificate$"):
            _post(transport, peer.url)


def test_certificates_are_read_again_when_their_file_changes(certificate: Path, tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    trusted = tmp_path / "trusted.pem"
    new_certificate(trusted)
    transport = HTTPTransport(Settings(certificate_file=str(trusted)))
    with running_peer(tls=tls) as peer:
        with pytest.raises(RetryableError, match="self-signed certificate"):
            _post(transport, peer.url)
        trusted.write_bytes(certificate.read_bytes())
        assert _post(transport, peer.url).status == 200
        assert _post(transport, peer.url).status == 200
        assert len(peer.connections) == 1
