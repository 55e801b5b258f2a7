"""What an independent authorization server, Authlib's, makes of a token request signed with a private key."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from authlib.oauth2.rfc6749.errors import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc.jwk import ECKey, RSAKey

from tollspan.oauth2.client_assertion import PrivateKey
from tollspan.oauth2.client_credentials import ClientCredentials, build_token_request
from tollspan.oauth2.secret import Secret

TOKEN_URL = "https://idp.example/token"
KEYS = {"RS256": RSAKey.generate_key(2048), "ES256": ECKey.generate_key("P-256")}


class Server(JWTBearerClientAssertion):
    """Knows one client, `shop`, by its public key, and every assertion once."""

    def __init__(self, key: RSAKey | ECKey) -> None:
        super().__init__()
        self._public = type(key).import_key(key.as_dict(private=False))
        self._seen: set[str] = set()

    def get_audiences(self) -> list[str]:
        return [TOKEN_URL]

    def resolve_client_public_key(self, _client: Any) -> Any:
        return self._public

    def validate_jti(self, _claims: Any, jti: str) -> bool:
        return jti not in self._seen and not self._seen.add(jti)  # type: ignore[func-returns-value]

    def authenticate(self, body: bytes) -> str:
        client = SimpleNamespace(client_id="shop", check_endpoint_auth_method=lambda *_: True)
        request = SimpleNamespace(form=dict(parse_qsl(body.decode())))
        found: str = self({"shop": client}.get, request).client_id
        return found


def request(key: RSAKey | ECKey, **changes: Any) -> bytes:
    private_key = PrivateKey(Secret(key.as_pem(private=True).decode()))
    fields = {"client_id": "shop", "token_url": TOKEN_URL, "private_key": private_key, **changes}
    return build_token_request(
        ClientCredentials(client_secret=None, auth_method="private_key_jwt", **fields)
    ).body


@pytest.mark.parametrize("algorithm", KEYS)
def test_each_request_is_authenticated_and_none_twice(algorithm: str) -> None:
    key = KEYS[algorithm]
    server = Server(key)
    first = request(key)
    assert [server.authenticate(first), server.authenticate(request(key))] == ["shop", "shop"]
    with pytest.raises(InvalidClientError, match="used before"):
        server.authenticate(first)


def test_an_assertion_for_another_server_is_refused() -> None:
    key = KEYS["ES256"]
    with pytest.raises(InvalidClientError):
        Server(key).authenticate(request(key, token_url="https://other.example/token"))
