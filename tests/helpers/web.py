"""Callers of the web API as its tests know them: by access token, or by the dashboard's cookie."""

from tollspan.errors import InvalidTokenError, MissingTokenError
from tollspan.gateway.authserver.authenticator import read_session_cookie
from tollspan.gateway.authserver.sessions import Sessions
from tollspan.oauth2.principal import Principal

READER = {"Authorization": "Bearer reader"}
WRITER = {"Authorization": "Bearer writer"}
LIMITED = {"Authorization": "Bearer limited"}

PRINCIPALS = {
    "reader": Principal("reader", "acme", frozenset({"read:traces"})),
    "writer": Principal("writer", "acme", frozenset({"write:traces"})),
    "limited": Principal("limited", "acme", frozenset({"read:traces"}), frozenset({"shop", "bank"})),
}


class Callers:
    """Authenticates the principals above by their names, and browsers by their sessions."""

    def __init__(self):
        self.sessions = Sessions()

    def cookie(self):
        """The header of a browser that has signed in."""
        session_id = self.sessions.open(self.sessions.key.reveal())
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
        principal = self.sessions.find(read_session_cookie(headers))
        if "authorization" in headers or principal is None:
            return await self.authenticate(headers)
        return principal
