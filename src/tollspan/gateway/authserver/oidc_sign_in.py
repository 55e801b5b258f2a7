"""Sign-in at an identity provider: OpenID Connect's authorization code flow with PKCE.

    sign_in:
      issuer: https://login.example.com/realms/shop
      client_id: tollspan
      client_secret: ${env:OIDC_SECRET}
      tenant: acme                  # or, by a claim: tenant_claim: organization
      role_claim: groups            # a text or a list
      roles: {telemetry-admins: owner, staff: viewer}

What is not in `roles` may not sign in. The provider must allow the address
`<the gateway's issuer>/api/v1/session/oidc/callback`.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.errors import ClaimError

from tollspan.errors import AuthError, ConfigError, InvalidTokenError
from tollspan.gateway.authserver.claims import read_name, read_words
from tollspan.gateway.authserver.credential import check_name
from tollspan.gateway.authserver.issuer_documents import check_url, fetch_jwks, find_endpoint, request_json
from tollspan.gateway.authserver.permissions import ROLES
from tollspan.gateway.authserver.secret_setting import SecretSetting
from tollspan.oauth2.keyset import RotatingKeySet
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.verifier import ANY_JWT_TYPES, Profile, Verifier

CALLBACK = "/api/v1/session/oidc/callback"


class OidcConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`sign_in`; see the module."""

    issuer: str
    client_id: str
    client_secret: SecretSetting
    scopes: list[str] = msgspec.field(default_factory=lambda: ["openid", "email"])
    tenant: str = ""
    tenant_claim: str = ""
    role_claim: str
    roles: dict[str, str]

    def problems(self) -> Iterator[ConfigError]:
        """What the types do not show."""
        if bool(self.tenant) == bool(self.tenant_claim):
            yield ConfigError("tenant", "give either tenant or tenant_claim")
        unknown = sorted(set(self.roles.values()).difference(ROLES))
        if unknown:
            yield ConfigError("roles", f"unknown role {unknown[0]!r}", "choose from " + ", ".join(ROLES))
        try:
            check_url("issuer", self.issuer)
            check_name("tenant", self.tenant or "any")
        except ConfigError as error:
            yield error


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """What the browser that began a sign-in must bring back; kept in its own cookie until then."""

    state: str
    nonce: str
    code_verifier: str

    @classmethod
    def new(cls) -> PendingSignIn:
        """Values that nobody has seen."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    def to_text(self) -> str:
        """As a cookie's value."""
        return f"{self.state}.{self.nonce}.{self.code_verifier}"

    @classmethod
    def of_text(cls, text: str) -> PendingSignIn:
        """From a cookie's value. Raises InvalidTokenError."""
        parts = text.split(".")
        if len(parts) != 3 or not all(parts):
            raise InvalidTokenError("this browser did not begin a sign-in, or too long ago; begin again")
        return cls(*parts)


class OidcSignIn:
    """Signs people in at one provider. The methods ask it over the network, so they block."""

    def __init__(self, config: OidcConfig, gateway_url: str) -> None:
        self._config = config
        self._redirect_uri = gateway_url + CALLBACK
        self._keyset = RotatingKeySet(lambda: fetch_jwks(config.issuer))

    def begin(self, pending: PendingSignIn) -> str:
        """Where to send the browser. Raises AuthError."""
        endpoint = find_endpoint(self._config.issuer, "authorization_endpoint")
        uri: str = prepare_grant_uri(
            endpoint,
            self._config.client_id,
            "code",
            redirect_uri=self._redirect_uri,
            scope=" ".join(self._config.scopes),
            state=pending.state,
            nonce=pending.nonce,
            code_challenge=create_s256_code_challenge(pending.code_verifier),
            code_challenge_method="S256",
        )
        return uri

    def complete(self, pending: PendingSignIn, code: str, state: str) -> Principal:
        """Who signed in, from what the browser came back with. Raises AuthError."""
        if not hmac.compare_digest(state.encode(), pending.state.encode()):
            raise InvalidTokenError("this answer belongs to another sign-in; begin again")
        id_token = self._redeem(code, pending.code_verifier)
        profile = Profile(ANY_JWT_TYPES, lambda claims: self._read_principal(claims, pending.nonce))
        verifier = Verifier(self._config.issuer, self._config.client_id, self._keyset, profile=profile)
        return verifier.verify(id_token)

    def _redeem(self, code: str, code_verifier: str) -> str:
        """The ID token for an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
        config = self._config
        endpoint = find_endpoint(config.issuer, "token_endpoint")
        pair = f"{quote_plus(config.client_id)}:{quote_plus(config.client_secret.reveal())}"
        headers = {
            "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        form = prepare_token_request(
            "authorization_code", redirect_uri=self._redirect_uri, code=code, code_verifier=code_verifier
        )
        status, answer = request_json("POST", endpoint, body=form, headers=headers)
        id_token = answer.get("id_token")
        if status != 200 or not isinstance(id_token, str):
            raise AuthError(
                f"the identity provider refused the sign-in with status {status}", "access_denied"
            )
        return id_token

    def _read_principal(self, claims: Mapping[str, Any], nonce: str) -> Principal:
        config = self._config
        # OpenID Connect Core 1.0 §3.1.3.7: the token is for this client alone, and from this sign-in.
        if claims["aud"] not in (config.client_id, [config.client_id]):
            raise ClaimError("aud")
        if not hmac.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
            raise ClaimError("nonce")
        tenant = config.tenant or read_name(claims, config.tenant_claim)
        held = {config.roles[word] for word in read_words(claims, config.role_claim) if word in config.roles}
        if not held:
            raise ClaimError(config.role_claim)
        permissions = frozenset(permission for role in held for permission in ROLES[role])
        return Principal(f"{config.issuer}#{claims['sub']}", tenant, permissions)
