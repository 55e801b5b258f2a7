"""Documents of issuers elsewhere: their metadata and keys, fetched within bounds.

The URLs come from the configuration or from the metadata of a configured issuer, never from
a token. Redirects are not followed. What answers must prove its name by a certificate: so
neither the DNS nor an issuer can lead a request to a service inside, which has no such
certificate. Plain http is for issuers on this machine, and for what those name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tollspan.errors import AuthError, ConfigError, RetryableError
from tollspan.oauth2.loopback import is_loopback
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.settings import Settings

TIMEOUT_S = 5.0
BYTES_MAX = 256 << 10

_METADATA_PATHS = (
    "/.well-known/openid-configuration",  # OpenID Connect Discovery 1.0 §4: after the issuer's path
    "/.well-known/oauth-authorization-server",  # RFC 8414 §3.1: before it
)

_transport = HTTPTransport(Settings())


def check_url(field: str, url: str) -> None:
    """Return when `url` may be fetched: https, or http on this machine. Raises ConfigError."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or not is_loopback(url):
        raise ConfigError(field, f"{url!r} cannot be trusted", "use https; http is for this machine only")


def fetch_metadata(issuer: str) -> dict[str, Any]:
    """The issuer's metadata, by either of the two standards. Raises AuthError."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    site = f"{parts.scheme}://{parts.netloc}"
    for url in (f"{site}{path}{_METADATA_PATHS[0]}", f"{site}{_METADATA_PATHS[1]}{path}"):
        status, document = request_json("GET", url)
        if status == 200:
            # RFC 8414 §3.3: metadata that names another issuer must not be used.
            if document.get("issuer") != issuer:
                raise AuthError("the issuer's metadata names another issuer")
            return document
    raise AuthError("the issuer publishes no metadata")


def find_endpoint(issuer: str, name: str) -> str:
    """The URL that the issuer's metadata gives for `name`. Raises AuthError and ConfigError.

    Only an issuer on this machine can name a service there.
    """
    url = str(fetch_metadata(issuer).get(name))
    check_url(name, url)
    if is_loopback(url) and not is_loopback(issuer):
        raise AuthError(f"the issuer's metadata names a {name} on this machine")
    return url


def fetch_jwks(issuer: str, jwks_url: str = "") -> dict[str, Any]:
    """The issuer's JWK Set, at `jwks_url` or where its metadata says. Raises AuthError and ConfigError."""
    status, document = request_json("GET", jwks_url or find_endpoint(issuer, "jwks_uri"))
    if status != 200:
        raise AuthError(f"the issuer's keys were answered with status {status}")
    return document


def request_json(
    method: str, url: str, *, body: str | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Status and JSON object of an answer within TIMEOUT_S and BYTES_MAX. Raises AuthError, ConfigError."""
    check_url("url", url)
    sent = {"Accept": "application/json", **(headers or {})}
    payload = None if body is None else body.encode()
    try:
        answer = _transport.request(
            method, url, headers=sent, body=payload, timeout_s=TIMEOUT_S, bytes_max=BYTES_MAX + 1
        )
    except RetryableError as error:
        raise AuthError(f"the issuer cannot be asked: {error}") from None
    if len(answer.body) > BYTES_MAX:
        raise AuthError("the issuer's answer is too long")
    return answer.status, _read_object(answer.body)


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        document = {}
    return document if isinstance(document, dict) else {}
