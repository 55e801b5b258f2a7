"""Who a request comes from: an access token, a static API key, or a dashboard session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from tollspan.errors import AuthError, InvalidTokenError, MissingTokenError
from tollspan.gateway.authserver import revoked_tokens
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.secret_text import API_KEY_PREFIX
from tollspan.gateway.authserver.sessions import COOKIE
from tollspan.gateway.authserver.trusted_issuer import TrustedIssuer, read_issuer
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret
from tollspan.oauth2.verified_cache import VerifiedCache
from tollspan.oauth2.verifier import TOKEN_CHARS_MAX, Verifier

FOREIGN_PROOFS_MAX = 4
"""So many tokens of other issuers are checked at once: fetching an issuer's keys may take seconds, and
must not hold up the threads that check our own."""


class Authenticator:
    """Authenticates requests by their headers, which have lower-case names.

    Both methods raise MissingTokenError without credentials, InvalidTokenError for bad ones,
    AuthError `invalid_request` for more than one, StoreError when the database can't tell.
    What was proved once is remembered for up to a minute, and forgotten as soon as any
    credential changes.
    """

    def __init__(
        self,
        verifier: Verifier,
        identity: Identity,
        *,
        trusted: Mapping[str, TrustedIssuer] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._verifier = verifier
        self._identity = identity
        self._trusted = trusted or {}
        self._clock = clock
        self._cache = VerifiedCache()
        self._foreign = ThreadPoolExecutor(FOREIGN_PROOFS_MAX, "foreign-proofs")
        identity.watch.on_change(self._cache.clear)

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """The caller, from `Authorization: Bearer` or `X-API-Key`."""
        proof = _read_proof(headers)
        await self._identity.watch.look()
        principal = self._cache.get(proof, self._clock())
        if principal is None:
            epoch = self._cache.epoch
            principal = await self._prove(proof)
            self._cache.put(proof, principal, self._clock(), epoch)
        return principal

    async def authenticate_page(self, headers: Mapping[str, str]) -> Principal:
        """As `authenticate`; without credentials in the headers also a session cookie serves."""
        try:
            return await self.authenticate(headers)
        except MissingTokenError:
            session_id = read_session_cookie(headers)
            principal = (
                await asyncio.to_thread(self._identity.sessions.find, session_id) if session_id else None
            )
            if principal is None:
                raise
            return principal

    async def _prove(self, proof: str) -> Principal:
        trusted = self._trusted.get(read_issuer(proof)) if self._trusted else None
        if trusted is None:
            return await asyncio.to_thread(self._prove_own, proof)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._foreign, trusted.verifier.verify, proof, self._clock())

    def _prove_own(self, proof: str) -> Principal:
        if proof.startswith(API_KEY_PREFIX):
            principal = self._identity.credentials.authenticate_api_key(Secret(proof))
            if principal is None:
                raise InvalidTokenError("the API key is unknown, expired or revoked")
            return principal
        principal = self._verifier.verify(proof, self._clock())
        if self._identity.credentials.find_live(principal.subject) is None:
            raise InvalidTokenError("the credential behind the access token is expired or revoked")
        if revoked_tokens.is_any_revoked(self._identity.database, principal.token_ids):
            raise InvalidTokenError("the access token is revoked")
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
        if len(proof.split()) != 1:
            raise AuthError("the Authorization header does not have one token")
    if len(proof) > TOKEN_CHARS_MAX:
        raise InvalidTokenError("the access token is too long")
    return proof
