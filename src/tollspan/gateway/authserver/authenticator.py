"""Who a request comes from: an access token, a static API key, or a dashboard session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from tollspan.errors import AuthError, InvalidTokenError, MissingTokenError
from tollspan.gateway.authserver.credentials import CredentialStore
from tollspan.gateway.authserver.secret_text import API_KEY_PREFIX
from tollspan.gateway.authserver.sessions import COOKIE, Sessions
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret
from tollspan.oauth2.verified_cache import VerifiedCache
from tollspan.oauth2.verifier import TOKEN_CHARS_MAX, Verifier

WATCH_INTERVAL_S = 0.5
"""How often the store is asked whether something changed: a revocation takes effect within this."""


class Authenticator:
    """Authenticates requests by their headers, which have lower-case names.

    Both methods raise MissingTokenError without credentials, InvalidTokenError for bad ones,
    AuthError `invalid_request` for more than one, StoreError when the store can't tell. What
    was proved once is remembered for up to a minute, and forgotten as soon as any
    credential changes.
    """

    def __init__(
        self,
        verifier: Verifier,
        credentials: CredentialStore,
        sessions: Sessions,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._verifier = verifier
        self._credentials = credentials
        self._sessions = sessions
        self._clock = clock
        self._cache = VerifiedCache()
        self._data_version = -1
        self._watched_s = -WATCH_INTERVAL_S

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """The caller, from `Authorization: Bearer` or `X-API-Key`."""
        proof = _read_proof(headers)
        self._watch()
        principal = self._cache.get(proof, self._clock())
        if principal is None:
            epoch = self._cache.epoch
            principal = await asyncio.to_thread(self._prove, proof)
            self._cache.put(proof, principal, self._clock(), epoch)
        return principal

    async def authenticate_page(self, headers: Mapping[str, str]) -> Principal:
        """As `authenticate`; without credentials in the headers also a session cookie serves."""
        try:
            return await self.authenticate(headers)
        except MissingTokenError:
            principal = self._sessions.find(read_session_cookie(headers))
            if principal is None:
                raise
            return principal

    def _watch(self) -> None:
        now_s = time.monotonic()
        if now_s - self._watched_s < WATCH_INTERVAL_S:
            return
        data_version = self._credentials.data_version()
        if data_version != self._data_version:
            self._cache.clear()
        self._data_version, self._watched_s = data_version, now_s

    def _prove(self, proof: str) -> Principal:
        if proof.startswith(API_KEY_PREFIX):
            credential = self._credentials.authenticate_api_key(Secret(proof))
            if credential is None:
                raise InvalidTokenError("the API key is unknown, expired or revoked")
            return credential.principal()
        principal = self._verifier.verify(proof, self._clock())
        credential = self._credentials.find(principal.subject)
        if credential is None or not credential.is_live(self._clock()):
            raise InvalidTokenError("the credential behind the access token is expired or revoked")
        return principal


def read_session_cookie(headers: Mapping[str, str]) -> str:
    """The session id in the Cookie header; empty when there is none."""
    pairs = (pair.strip().partition("=") for pair in headers.get("cookie", "").split(";"))
    return next((value for name, _, value in pairs if name == COOKIE), "")


def _read_proof(headers: Mapping[str, str]) -> str:
    """The one token or key that the headers carry."""
    authorization, api_key = headers.get("authorization"), headers.get("x-api-key")
    if authorization is not None and api_key is not None:
        raise AuthError("send either Authorization or X-API-Key, not both")
    if api_key is not None:
        proof = api_key.strip()
        if not proof.startswith(API_KEY_PREFIX):
            raise InvalidTokenError("X-API-Key holds no API key of this gateway")
    else:
        kind, _, proof = (authorization or "").strip().partition(" ")
        proof = proof.strip()
        if kind.lower() != "bearer":
            raise MissingTokenError("send an access token or an API key as Authorization: Bearer")
        if not proof:
            raise AuthError("the Authorization header has no token")
    if len(proof) > TOKEN_CHARS_MAX:
        raise InvalidTokenError("the access token is too long")
    return proof
