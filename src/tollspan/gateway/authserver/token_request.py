"""Reading an access token request, with Authlib's request and error types (RFC 6749 §2.3, §3.2)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from tollspan.gateway.authserver.client_assertion import ASSERTION_TYPE, read_client_id
from tollspan.oauth2.secret import Secret
from tollspan.otlp.http_exchange import REALM

BODY_BYTES_MAX = 64 << 10
FIELDS_MAX = 100

_FORM = "application/x-www-form-urlencoded"
_REPEATABLE = frozenset({"resource"})  # RFC 8707 §2


class ClientRefusedError(InvalidClientError):  # type: ignore[misc]  # Authlib has no types
    """One answer for every failed client authentication, so that it tells nothing apart."""

    status_code = 401
    description = "Client authentication failed."

    def get_headers(self) -> list[tuple[str, str]]:
        """A challenge without what Authlib would quote in it."""
        challenge = f'Basic realm="{REALM}", charset="UTF-8"'
        return [*OAuth2Error.get_headers(self), ("WWW-Authenticate", challenge)]


class AccessTokenRequest(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A request with one client authentication, repeated parameters refused, empty ones left out.

    `audiences` are the values of `audience` and `resource`, each once. `presented_id` is the
    client's, and either `presented_secret` or `presented_assertion`, none of it checked yet.
    `source` is where the request comes from. Raises OAuth2Error.
    """

    def __init__(self, headers: Mapping[str, str], body: bytes, source: str) -> None:
        # Authlib checks the URL's scheme; whether plain HTTP will do is the listener's business.
        super().__init__("POST", "https://tollspan.invalid/token", headers=headers)
        fields = _read_form(headers, body)
        self.payload = BasicOAuth2Payload({name: values[0] for name, values in fields.items()})
        self.audiences = _read_audiences(fields)
        presented = _read_client(headers, self.payload.data)
        self.presented_id, self.presented_secret, self.presented_assertion = presented
        self.source = source

    @property
    def form(self) -> dict[str, str]:
        """The parameters, as Authlib's endpoints look for them."""
        return dict(self.payload.data)


def _read_form(headers: Mapping[str, str], body: bytes) -> dict[str, list[str]]:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise InvalidRequestError(f"The body must be {_FORM}.")
    if len(body) > BODY_BYTES_MAX:
        raise InvalidRequestError(f"The body is over {BODY_BYTES_MAX} bytes.")
    try:
        pairs = parse_qsl(body.decode(), errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise InvalidRequestError("The body is not a form in UTF-8.") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    for name, values in fields.items():
        if len(values) > 1 and name not in _REPEATABLE:
            raise InvalidRequestError("A parameter is repeated.")
    return fields


def _read_audiences(fields: Mapping[str, list[str]]) -> tuple[str, ...]:
    """What `audience` (a widespread custom) and `resource` (RFC 8707) ask for, if they agree."""
    resources = tuple(dict.fromkeys(fields.get("resource", ())))
    audiences = tuple(fields.get("audience", ()))
    if resources and audiences and resources != audiences:
        raise OAuth2Error(error="invalid_target", description="The audience and the resource differ.")
    return resources or audiences


def _read_client(headers: Mapping[str, str], form: Mapping[str, str]) -> tuple[str, Secret | None, str]:
    """The client's id, and its secret or assertion from exactly one place (RFC 6749 §2.3, RFC 7521 §4.2)."""
    client_id, client_secret = form.get("client_id", ""), form.get("client_secret", "")
    assertion = form.get("client_assertion", "")
    if sum(("authorization" in headers, bool(client_secret), bool(assertion))) > 1:
        raise InvalidRequestError("The client authenticates in two ways at once.")
    if "authorization" in headers:
        presented_id, basic_secret = _read_basic(headers["authorization"])
        presented: tuple[str, Secret | None, str] = presented_id, Secret(basic_secret), ""
    elif assertion:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise InvalidRequestError("The client_assertion_type is not supported.")
        presented = read_client_id(assertion), None, assertion
    elif client_id and client_secret:
        presented = client_id, Secret(client_secret), ""
    else:
        raise ClientRefusedError
    if client_id not in {"", presented[0]}:
        raise InvalidRequestError("The client_id is not the one that authenticates.")
    return presented


def _read_basic(authorization: str) -> tuple[str, str]:
    match = re.fullmatch(r"basic +([A-Za-z0-9+/=]+)", authorization.strip(), re.IGNORECASE)
    try:
        pair = base64.b64decode(match[1] if match else "", validate=True).decode()
        client_id, client_secret = (unquote_plus(part, errors="strict") for part in pair.split(":", 1))
    except (binascii.Error, ValueError):
        raise ClientRefusedError from None
    return client_id, client_secret
