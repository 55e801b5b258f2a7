"""Token requests over real sockets."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from helpers.otlp_peer import Answer, OTLPPeer, running_peer
from helpers.sending import OAUTH2, Sending
from tollspan.errors import TokenRequestError


def test_token_url_is_found_in_the_metadata_of_the_endpoint(peer: OTLPPeer) -> None:
    peer.metadata = {"issuer": peer.url, "token_endpoint": f"{peer.url}/oauth/token"}
    fetch = Sending(endpoint=peer.url, **OAUTH2).fetch
    fetch()
    fetch()
    assert peer.paths == ["/.well-known/oauth-authorization-server", "/oauth/token", "/oauth/token"]


@pytest.mark.parametrize("issuer", ["https://evil.example", None])
def test_metadata_of_another_issuer_is_not_used(peer: OTLPPeer, issuer: str | None) -> None:
    peer.metadata = {"issuer": issuer, "token_endpoint": f"{peer.url}/steal"}
    Sending(endpoint=peer.url, **OAUTH2).fetch()
    assert peer.paths[-1] == "/token"


def test_a_token_url_that_was_set_needs_no_metadata(peer: OTLPPeer) -> None:
    Sending(
        endpoint=peer.url, token_url=f"{peer.url}/mine", audience="gate", scopes=["a", "b"], **OAUTH2
    ).fetch()
    assert peer.paths == ["/mine"]
    assert peer.token_requests[0][1] == "grant_type=client_credentials&scope=a+b&audience=gate"


def test_metadata_that_cannot_be_had_just_now_are_asked_for_again(peer: OTLPPeer) -> None:
    peer.metadata_answers.append(Answer(503))
    fetch = Sending(endpoint=peer.url, **OAUTH2).fetch
    with pytest.raises(TokenRequestError, match="HTTP 503 for its metadata"):
        fetch()
    fetch()
    assert peer.paths == ["/.well-known/oauth-authorization-server"] * 2 + ["/token"]


def test_a_discovered_token_url_must_be_safe_too(peer: OTLPPeer) -> None:
    peer.metadata = {"issuer": peer.url, "token_endpoint": "http://elsewhere.example/token"}
    with pytest.raises(TokenRequestError, match="unencrypted"):
        Sending(endpoint=peer.url, **OAUTH2).fetch()


def test_a_rotated_secret_file_is_used_by_the_next_token_request(peer: OTLPPeer, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("first")
    fetch = Sending(endpoint=peer.url, client_id="shop", client_secret=file).fetch
    fetch()
    file.write_text("second")
    fetch()
    first, second = (headers["authorization"] for headers, _ in peer.token_requests)
    assert first != second
    file.unlink()
    with pytest.raises(TokenRequestError, match="holds no credential"):
        fetch()


def form(peer: OTLPPeer, index: int = -1) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(peer.token_requests[index][1]).items()}


def test_the_secret_may_go_in_the_body_with_parameters_of_the_identity_provider(peer: OTLPPeer) -> None:
    parameters = {"resource": "https://gate.example"}
    Sending(
        endpoint=peer.url, auth_method="client_secret_post", token_parameters=parameters, **OAUTH2
    ).fetch()
    assert "authorization" not in peer.token_requests[0][0]
    assert form(peer) == {**parameters, "grant_type": "client_credentials", **OAUTH2}


def test_a_private_key_signs_every_request_anew_and_may_be_exchanged(peer: OTLPPeer, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.touch()
    fetch = Sending(
        endpoint=peer.url, client_id="shop", private_key_file=str(file), private_key_id="k1"
    ).fetch
    file.unlink()
    with pytest.raises(TokenRequestError, match="holds no private key"):
        fetch()
    for key in (ECKey.generate_key("P-256"), ECKey.generate_key("P-256")):
        file.write_bytes(key.as_pem(private=True))
        fetch()
        assertion = jwt.decode(form(peer)["client_assertion"], key, algorithms=["ES256"])
        assert assertion.claims["aud"] == f"{peer.url}/token"
        assert assertion.header["kid"] == "k1"
        assert "client_secret" not in form(peer)


def test_a_certificate_authenticates_at_the_alias_for_it(certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    tls.load_verify_locations(certificate)
    tls.verify_mode = ssl.CERT_REQUIRED
    with running_peer(tls=tls) as peer:
        aliases = {"token_endpoint": f"{peer.url}/mtls/token"}
        peer.metadata = {
            "issuer": peer.url,
            "token_endpoint": f"{peer.url}/token",
            "mtls_endpoint_aliases": aliases,
        }
        Sending(
            endpoint=peer.url,
            client_id="shop",
            auth_method="tls_client_auth",
            certificate_file=str(certificate),
            client_certificate_file=str(certificate),
        ).fetch()
        assert peer.paths == ["/.well-known/oauth-authorization-server", "/mtls/token"]
        assert form(peer) == {"grant_type": "client_credentials", "client_id": "shop"}
