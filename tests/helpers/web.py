"""Callers of the web API as its tests know them: by access token, or by the dashboard's cookie."""

from helpers.identity import identity_in_memory
from tollspan.errors import InvalidTokenError, MissingTokenError
from tollspan.gateway.authserver.authenticator import read_session_cookie
from tollspan.gateway.authserver.permissions import PERMISSIONS, READ
from tollspan.oauth2.principal import Principal

READER = {"Authorization": "Bearer reader"}
WRITER = {"Authorization": "Bearer writer"}
LIMITED = {"Authorization": "Bearer limited"}
OWNER = {"Authorization": "Bearer owner"}

PRINCIPALS = {
    "reader": Principal("reader", "acme", frozenset(READ)),
    "writer": Principal("writer", "acme", frozenset({"write:traces"})),
    "owner": Principal("owner", "acme", frozenset(PERMISSIONS)),
    "limited": Principal("limited", "acme", frozenset(READ), frozenset({"shop", "bank"})),
}


class Callers:
    """Authenticates the principals above by their names, and browsers by their sessions."""

    def __init__(self):
        self._identity = identity_in_memory()

    def is_behind_tls(self):
        """Clients come as they are, unless a test says otherwise."""
        return False

    def identity(self):
        """The stores behind the sessions, and whatever else a test puts there."""
        return self._identity

    async def check(self):
        """Nothing is wrong, unless a test says so."""
        return {"identity": "", "signing_key": ""}

    def oidc_sign_in(self):
        """Nobody signs in elsewhere, unless a test says so."""

    def cookie(self):
        """The header of a browser that has signed in."""
        session_id = self._identity.sessions.open_with_key(self._identity.sessions.key.reveal())
        return {"Cookie": f"tollspan_session={session_id.reveal()}"}

    async def authenticate(self, headers):
        authorization = headers.get("authorization")
        if authorization is None:
            raise MissingTokenError("send an access token")
        try:
            return PRINCIPALS[authorization.removeprefix("Bearer ")]
        except KeyError:
            raise InvalidTokenError("the access token is not valid") from None

    async def authenticate_page(self, headers):
        principal = self._identity.sessions.find(read_session_cookie(headers))
        if "authorization" in headers or principal is None:
            return await self.authenticate(headers)
        return principal
