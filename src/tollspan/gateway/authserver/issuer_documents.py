"""Documents of issuers elsewhere: their metadata and keys, fetched within bounds.

The URLs come from the configuration or from the metadata of a configured issuer, never from
a token. Redirects are not followed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

from tollspan.errors import AuthError, ConfigError
from tollspan.oauth2.loopback import is_loopback

TIMEOUT_S = 5.0
BYTES_MAX = 256 << 10

_METADATA_PATHS = (
    "/.well-known/openid-configuration",  # OpenID Connect Discovery 1.0 §4: after the issuer's path
    "/.well-known/oauth-authorization-server",  # RFC 8414 §3.1: before it
)

_pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=TIMEOUT_S), maxsize=4)


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


def fetch_jwks(issuer: str, jwks_url: str = "") -> dict[str, Any]:
    """The issuer's JWK Set, at `jwks_url` or where its metadata says. Raises AuthError and ConfigError."""
    status, document = request_json("GET", jwks_url or str(fetch_metadata(issuer).get("jwks_uri")))
    if status != 200:
        raise AuthError(f"the issuer's keys were answered with status {status}")
    return document


def request_json(
    method: str, url: str, *, body: str | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Status and JSON object of an answer within TIMEOUT_S and BYTES_MAX. Raises AuthError, ConfigError."""
    check_url("url", url)
    sent = {"Accept": "application/json", **(headers or {})}
    try:
        response = _pool.urlopen(
            method, url, body=body, headers=sent, redirect=False, preload_content=False, decode_content=False
        )
        try:
            answer = response.read(BYTES_MAX + 1)
        finally:
            response.close()
    except urllib3.exceptions.HTTPError as error:
        raise AuthError(f"the issuer cannot be asked: {type(error).__name__}") from None
    if len(answer) > BYTES_MAX:
        raise AuthError("the issuer's answer is too long")
    return response.status, _read_object(answer)


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        document = {}
    return document if isinstance(document, dict) else {}
