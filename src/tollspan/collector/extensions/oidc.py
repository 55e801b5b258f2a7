"""Asks the callers of receivers for a token of an OpenID provider.

    extensions:
      oidc:
        issuer_url: https://id.example.com/realms/main
        audience: telemetry
        tenant_claim: organization
        permissions_claim: scope

    receivers:
      otlp:
        protocols:
          http:
            auth:
              authenticator: oidc

The start waits for no provider: its keys are fetched when the first token comes, and again
when one is signed with a key that is not known. While a provider cannot be asked, callers
get 503 and keep their data. A bad token is 401, a missing permission 403.

Beyond the Collector: `tenant_claim` names the claim that becomes the data's tenant, and
`permissions_claim` the one that holds `write:traces` and its kin (a list, or words in a
text). Without it every caller with a good token may write.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import urllib3

from tollspan.collector.callers import WRITE_PERMISSIONS
from tollspan.collector.component import Factory, Host, Kind
from tollspan.errors import ConfigError, InvalidTokenError, MissingTokenError
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.verified_cache import VerifiedCache

FETCH_TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 1 << 20


class ProviderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One provider. `public_keys_file` is a JWK Set that stands in for its discovery."""

    issuer_url: str = ""
    ignore_issuer: bool = False
    audience: str = ""
    ignore_audience: bool = False
    issuer_ca_path: str = ""
    public_keys_file: str = ""
    username_claim: str = "sub"
    tenant_claim: str = ""
    permissions_claim: str = ""

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if not (self.issuer_url or (self.public_keys_file and self.ignore_issuer)):
            yield ConfigError("issuer_url", "no IssuerURL provided for the OIDC configuration")
        if not (self.audience or self.ignore_audience):
            yield ConfigError("audience", "no Audience provided for the OIDC configuration")


class OIDCConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`extensions::oidc`. Without `providers` the keys of one stand here."""

    attribute: str = "authorization"
    providers: list[ProviderConfig] = []
    issuer_url: str = ""
    audience: str = ""
    ignore_audience: bool = False
    issuer_ca_path: str = ""
    username_claim: str = "sub"
    tenant_claim: str = ""
    permissions_claim: str = ""

    def every_provider(self) -> list[ProviderConfig]:
        """The one that stands here, and the listed ones."""
        names = {field.name for field in msgspec.structs.fields(ProviderConfig)}
        own = {name: text for name, text in msgspec.structs.asdict(self).items() if name in names}
        return [*([ProviderConfig(**own)] if self.issuer_url or not self.providers else []), *self.providers]

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        issuers = [provider.issuer_url for provider in self.every_provider()]
        if len(set(issuers)) < len(issuers):
            yield ConfigError("providers", "two providers have the same issuer_url")
        if self.issuer_url or not self.providers:
            yield from self.every_provider()[0].problems()


class OIDCExtension:
    """Knows the providers. What was proved once is remembered for up to a minute."""

    def __init__(self, config: OIDCConfig) -> None:
        self._attribute = config.attribute.lower()
        self._providers = [_Provider(provider) for provider in config.every_provider()]
        self._cache = VerifiedCache()

    async def start(self, host: Host) -> None:
        """Nothing is asked yet."""

    async def shutdown(self) -> None:
        """Nothing is held."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """As Authenticator.authenticate."""
        kind, _, token = headers.get(self._attribute, "").strip().partition(" ")
        if kind.lower() != "bearer" or not token:
            raise MissingTokenError(f"send a token as {self._attribute}: Bearer")
        principal = self._cache.get(token, time.time())
        if principal is None:
            epoch = self._cache.epoch
            principal = await asyncio.to_thread(self._prove, token)
            self._cache.put(token, principal, time.time(), epoch)
        return principal

    def _prove(self, token: str) -> Principal:
        issuer = _read_issuer(token)
        for provider in self._providers:
            if provider.issuer in {issuer, ""} or len(self._providers) == 1:
                return provider.principal(token)
        raise InvalidTokenError("the token is of an issuer that is not known here")


class _Provider:
    """One provider's rules, and its keys as they are fetched."""

    def __init__(self, config: ProviderConfig) -> None:
        # Cryptography takes 10 MB, which only those pay who verify tokens.
        from tollspan.oauth2.id_provider import IDProvider  # noqa: PLC0415 - see above
        from tollspan.oauth2.keyset import RotatingKeySet  # noqa: PLC0415 - see above

        self._config = config
        self._outage = ""
        self.issuer = "" if config.ignore_issuer else config.issuer_url
        audience = "" if config.ignore_audience else config.audience
        keyset = RotatingKeySet(self._fetch)
        self._provider = IDProvider(self.issuer, audience, keyset, lambda: self._outage)

    def principal(self, token: str) -> Principal:
        """Whom the token stands for; raises as IDProvider.read_claims."""
        claims = self._provider.read_claims(token)
        return Principal(
            subject=_text(claims, self._config.username_claim),
            tenant=_text(claims, self._config.tenant_claim) if self._config.tenant_claim else "",
            permissions=self._permissions(claims),
            expires_s=claims["exp"],
        )

    def _permissions(self, claims: Mapping[str, Any]) -> frozenset[str]:
        if not self._config.permissions_claim:
            return WRITE_PERMISSIONS
        granted = claims.get(self._config.permissions_claim, [])
        words = granted.split() if isinstance(granted, str) else granted
        return (
            frozenset(word for word in words if isinstance(word, str))
            if isinstance(words, list)
            else frozenset()
        )

    def _fetch(self) -> Mapping[str, Any]:
        """The provider's JWK Set."""
        try:
            keys = self._read_keys()
        except (urllib3.exceptions.HTTPError, OSError, ValueError, LookupError, TypeError) as error:
            self._outage = type(error).__name__
            raise
        self._outage = ""
        return keys

    def _read_keys(self) -> Mapping[str, Any]:
        if self._config.public_keys_file:
            return _mapping(Path(self._config.public_keys_file).read_bytes())
        pool = urllib3.PoolManager(ca_certs=self._config.issuer_ca_path or None)
        issuer = self._config.issuer_url
        metadata = _get(pool, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        # OIDC Discovery §4.3: metadata of any other issuer must not be used.
        if metadata["issuer"] != issuer and not self._config.ignore_issuer:
            raise ValueError("the metadata are another issuer's")
        return _get(pool, metadata["jwks_uri"])


def _get(pool: urllib3.PoolManager, url: str) -> Mapping[str, Any]:
    with pool.request(
        "GET", url, timeout=FETCH_TIMEOUT_S, retries=False, redirect=False, preload_content=False
    ) as answer:
        if answer.status != 200:
            raise ValueError(f"HTTP {answer.status}")
        return _mapping(answer.read(ANSWER_BYTES_MAX))


def _mapping(text: bytes) -> Mapping[str, Any]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise TypeError("not an object")
    return document


def _read_issuer(token: str) -> object:
    """What the token says of its issuer, before anything is checked."""
    try:
        payload = token.split(".")[1]
        return _mapping(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))).get("iss")
    except (ValueError, LookupError, TypeError, RecursionError):
        raise InvalidTokenError("the token is no JWT") from None


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidTokenError(f"the token has no claim {name}")
    return value


FACTORY = Factory(kind=Kind.EXTENSION, type="oidc", config=OIDCConfig, build=OIDCExtension)
