"""Issuers elsewhere whose access tokens are taken: Keycloak, Auth0, Entra and their kin.

    trusted_issuers:
      - issuer: https://login.example.com/realms/shop
        audiences: [https://telemetry.example.com]
        profile: rfc9068              # jwt: for issuers whose header does not say at+jwt
        jwks_url: ""                  # default: found by the issuer's metadata
        audience_claim: aud           # Cognito's access tokens say it in client_id
        tenant: acme                  # or, by a claim: tenant_claim: org.name
        datasets_claim: ""            # a claim with the datasets; default: all of them
        permissions_claim: scope      # a text of words, or a list; realm_access.roles is a path
        permissions: {telemetry-writer: [write:traces]}   # default: the claim has our own words

Its keys are fetched when its first token comes. What its tokens can't say, nobody is: a
token without tenant is refused, and a word that is not mapped allows nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec
from joserfc.errors import ClaimError, JoseError
from joserfc.jws import extract_compact

from tollspan.errors import ConfigError
from tollspan.gateway.authserver.claims import read_name, read_words
from tollspan.gateway.authserver.credential import check_name
from tollspan.gateway.authserver.issuer_documents import check_url, fetch_jwks
from tollspan.gateway.authserver.permissions import PERMISSIONS, read_permissions
from tollspan.oauth2.keyset import RotatingKeySet
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.verifier import ACCESS_TOKEN_TYPES, ANY_JWT_TYPES, TOKEN_CHARS_MAX, Profile, Verifier


class TrustedIssuerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `trusted_issuers`; see the module."""

    issuer: str
    audiences: list[str]
    profile: Literal["rfc9068", "jwt"] = "rfc9068"
    jwks_url: str = ""
    audience_claim: str = "aud"
    tenant: str = ""
    tenant_claim: str = ""
    datasets_claim: str = ""
    permissions_claim: str = "scope"
    permissions: dict[str, list[str]] = {}

    def problems(self) -> Iterator[ConfigError]:
        """What the types do not show."""
        if not self.audiences:
            yield ConfigError("audiences", "is empty", "say what the issuer's tokens name as their audience")
        if self.audience_claim in {"", "iss", "exp", "iat", "nbf"}:
            yield ConfigError("audience_claim", f"{self.audience_claim!r} says nothing of an audience")
        if bool(self.tenant) == bool(self.tenant_claim):
            yield ConfigError("tenant", "give either tenant or tenant_claim")
        for check in self._checks():
            try:
                check()
            except ConfigError as error:
                yield error

    def _checks(self) -> Iterator[Callable[[], object]]:
        yield lambda: check_url("issuer", self.issuer)
        if self.jwks_url:
            yield lambda: check_url("jwks_url", self.jwks_url)
        if self.tenant:
            yield lambda: check_name("tenant", self.tenant)
        for names in self.permissions.values():
            yield lambda names=names: read_permissions(names)  # type: ignore[misc]  # it binds the loop's value


class TrustedIssuer:
    """Verifies the tokens of one such issuer."""

    def __init__(self, config: TrustedIssuerConfig) -> None:
        self._config = config
        keyset = RotatingKeySet(lambda: fetch_jwks(config.issuer, config.jwks_url))
        token_types = ACCESS_TOKEN_TYPES if config.profile == "rfc9068" else ANY_JWT_TYPES
        profile = Profile(token_types, self._read_principal, config.audience_claim)
        self.verifier = Verifier(config.issuer, config.audiences, keyset, profile=profile)

    def _read_principal(self, claims: Mapping[str, Any]) -> Principal:
        config = self._config
        tenant = config.tenant or read_name(claims, config.tenant_claim)
        datasets = read_words(claims, config.datasets_claim) if config.datasets_claim else []
        if config.datasets_claim and not datasets:
            # An empty list would mean all of them.
            raise ClaimError(config.datasets_claim)
        words = read_words(claims, config.permissions_claim)
        mapped = [name for word in words for name in config.permissions.get(word, ())]
        granted = mapped if config.permissions else [word for word in words if word in PERMISSIONS]
        # Its subjects are no ids of ours, whatever they look like.
        subject = f"{config.issuer}#{claims['sub']}"
        return Principal(subject, tenant, frozenset(granted), frozenset(datasets))


def read_issuer(access_token: str) -> str:
    """Who the token says issued it, before anything of it was checked; empty when it says nothing."""
    if len(access_token) > TOKEN_CHARS_MAX:
        return ""
    try:
        issuer = json.loads(extract_compact(access_token.encode()).payload)["iss"]
    except (JoseError, ValueError, LookupError, TypeError, RecursionError):
        return ""
    return issuer if isinstance(issuer, str) else ""
