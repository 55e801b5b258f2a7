"""The client credentials grant, client side: what to send and what the answer means (RFC 6749 §4.4)."""

from __future__ import annotations

import base64
import ipaddress
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import quote_plus, urlencode, urlsplit

from tollspan.errors import ConfigError, TokenRequestError
from tollspan.oauth2.access_token import AccessToken
from tollspan.oauth2.secret import Secret

RESPONSE_BYTES_MAX = 1 << 20
"""A longer answer is refused; whoever reads it from the network stops one byte later."""

LIFETIME_DEFAULT_S = 300.0
"""Assumed when `expires_in` is missing or makes no sense; a 401 corrects an error."""

LIFETIME_MIN_S = 1.0
"""A shorter lifetime counts as this, so that no answer causes a request loop."""

TERMINAL_CODES = frozenset(
    {"invalid_client", "unauthorized_client", "invalid_scope", "invalid_target", "unsupported_grant_type"}
)


FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
"""Of every token request (RFC 6749 §4)."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """How one client asks for access tokens.

    The token URL must be https, or http on loopback; `allow_insecure` permits http
    anywhere. `parameters` go into the form as they are. Raises ConfigError.
    """

    client_id: str
    client_secret: Secret
    token_url: str
    audience: str | None = None
    scopes: tuple[str, ...] = ()
    auth_method: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic"
    allow_insecure: bool = False
    parameters: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.client_id:
            raise ConfigError("client_id", "is empty")
        if not self.client_secret.reveal():
            raise ConfigError("client_secret", "is empty")
        url = urlsplit(self.token_url)
        if url.scheme not in {"https", "http"} or not url.hostname:
            raise ConfigError("token_url", "is no http or https URL")
        if url.scheme == "http" and not (self.allow_insecure or _is_loopback(url.hostname)):
            raise ConfigError("token_url", "would send the client secret unencrypted", "use https")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A POST to make. Its headers and body hold the client's secret."""

    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def build_token_request(credentials: ClientCredentials) -> TokenRequest:
    """The access token request (RFC 6749 §4.4.2); redirects of it must not be followed."""
    parameters = [("grant_type", "client_credentials"), *credentials.parameters]
    if credentials.scopes:
        parameters.append(("scope", " ".join(credentials.scopes)))
    if credentials.audience:
        parameters.append(("audience", credentials.audience))
    headers = dict(FORM_HEADERS)
    if credentials.auth_method == "client_secret_basic":
        headers["Authorization"] = _basic(credentials.client_id, credentials.client_secret)
    else:
        parameters.append(("client_id", credentials.client_id))
        parameters.append(("client_secret", credentials.client_secret.reveal()))
    return TokenRequest(credentials.token_url, headers, urlencode(parameters).encode())


def read_token_response(status: int, headers: Mapping[str, str], body: bytes, asked_s: float) -> AccessToken:
    """The access token that an answer carries, as of `asked_s`, the clock before the request.

    Raises TokenRequestError otherwise. Its text names the status and the error code but
    quotes nothing else of the answer, which may repeat the secret.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    answer = _read_object(lower, body)
    if not 200 <= status < 300 or answer is None or "error" in answer:
        raise _refusal(status, lower, answer)
    value = answer.get("access_token")
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value):
        raise _no_token(status, "its access_token is missing or is not printable ASCII")
    if str(answer.get("token_type", "Bearer")).lower() != "bearer":
        raise _no_token(status, "its token_type is not Bearer")
    granted_scopes = answer.get("scope")
    return AccessToken(
        Secret(value),
        _lifetime_s(answer.get("expires_in")),
        asked_s,
        tuple(granted_scopes.split()) if isinstance(granted_scopes, str) else (),
    )


def _basic(client_id: str, client_secret: Secret) -> str:
    """RFC 6749 §2.3.1: each part is form-urlencoded before the two are joined."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret.reveal())}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_object(headers: Mapping[str, str], body: bytes) -> dict[str, Any] | None:
    if len(body) > RESPONSE_BYTES_MAX:
        return None
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _lifetime_s(expires_in: object) -> float:
    """Seconds from a number, or from a number in a string, as some servers write it."""
    try:
        lifetime_s = float(expires_in) if isinstance(expires_in, str | int | float) else 0.0
    except (ValueError, OverflowError):
        lifetime_s = 0.0
    if not math.isfinite(lifetime_s) or lifetime_s <= 0 or isinstance(expires_in, bool):
        return LIFETIME_DEFAULT_S
    return max(lifetime_s, LIFETIME_MIN_S)


_ADVICE = {
    "invalid_client": "it does not know this client id with this secret",
    "unauthorized_client": "this client may not use the client credentials grant",
    "invalid_scope": "this client may not have the scopes it asks for",
    "invalid_target": "it issues no tokens for this audience",
    "unsupported_grant_type": "it does not offer the client credentials grant",
}


def _refusal(status: int, headers: Mapping[str, str], answer: dict[str, Any] | None) -> TokenRequestError:
    if 300 <= status < 400:
        return _no_token(status, "it redirects, and a token request follows no redirect")
    code = None if answer is None else answer.get("error")
    if isinstance(code, str) and re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", code):
        terminal = code in TERMINAL_CODES and status < 429
        problem = _ADVICE.get(code, f"the error is {code}")
    else:
        code, terminal = "invalid_response", False
        problem = "its answer is no OAuth2 answer" + _kind(headers)
    return TokenRequestError(
        f"the token endpoint answered {status}: {problem}",
        code,
        status=status,
        after_s=_retry_after_s(headers),
        terminal=terminal,
    )


def _no_token(status: int, problem: str) -> TokenRequestError:
    return TokenRequestError(
        f"the token endpoint answered {status}: {problem}", "invalid_response", status=status
    )


def _kind(headers: Mapping[str, str]) -> str:
    """` but <media type>`, when that explains what was met instead of a token endpoint."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    known = re.fullmatch(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,60}", media_type)
    return f" but {media_type}; is the token URL right?" if known and "json" not in media_type else ""


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """RFC 9110 §10.2.3: a number of seconds or a date."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
