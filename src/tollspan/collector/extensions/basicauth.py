"""User names and passwords (RFC 7617): sent by exporters, asked for by receivers.

    extensions:
      basicauth/client:
        client_auth:
          username: shipper
          password: ${env:PASSWORD}
      basicauth/server:
        htpasswd:
          file: /etc/collector/htpasswd

A receiver knows the users of an htpasswd file with bcrypt hashes (`htpasswd -B`); files are
read again when they change.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Iterator, Mapping

import bcrypt
import msgspec

from tollspan.collector.callers import writer
from tollspan.collector.component import Factory, Host, Kind
from tollspan.collector.config.values import Opaque
from tollspan.collector.secret_file import WatchedSecret
from tollspan.errors import ConfigError, TokenRequestError
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret
from tollspan.oauth2.verified_cache import VerifiedCache
from tollspan.otlp.http_exchange import REALM, HTTPProblem

PASSWORD_BYTES_MAX = 72
"""bcrypt looks at no more."""


class ClientAuthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`client_auth`. A `_file` goes before the key without."""

    username: str = ""
    username_file: str = ""
    password: Opaque = Secret("")
    password_file: str = ""

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if not (self.username or self.username_file):
            yield ConfigError("username", "is required")


class HtpasswdConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`htpasswd`: lines of `user:hash`. Of two lines for one user, `inline` goes before the file."""

    file: str = ""
    inline: Opaque = Secret("")

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        for line in self.inline.reveal().splitlines():
            user, _, known = line.partition(":")
            if not known.startswith(("$2a$", "$2b$", "$2y$")):
                yield ConfigError("inline", f"the password of {user} is no bcrypt hash", "use htpasswd -B")


class BasicAuthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`extensions::basicauth`: either side."""

    client_auth: ClientAuthConfig | None = None
    htpasswd: HtpasswdConfig | None = None

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if (self.client_auth is None) == (self.htpasswd is None):
            yield ConfigError("", "set either client_auth or htpasswd")


class BasicAuthClient:
    """Sends one user's name and password."""

    def __init__(self, config: ClientAuthConfig) -> None:
        self._username = WatchedSecret("username_file", config.username_file, Secret(config.username))
        self._password = WatchedSecret("password_file", config.password_file, config.password)

    async def start(self, host: Host) -> None:
        """A file that is not there yet does not keep the collector from starting."""

    async def shutdown(self) -> None:
        """Nothing is held."""

    async def credentials(self) -> Mapping[str, str]:
        """As ClientAuthenticator.credentials."""
        try:
            pair = f"{self._username.get().reveal()}:{self._password.get().reveal()}"
        except ConfigError as error:
            raise TokenRequestError(str(error), "invalid_configuration") from None
        return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def refused(self, credentials: Mapping[str, str]) -> bool:
        """As ClientAuthenticator.refused: the sender asks again later, and then files are read again."""
        return False


class BasicAuthServer:
    """Knows the users of an htpasswd file. A password that was right is remembered for up to a minute."""

    def __init__(self, config: HtpasswdConfig) -> None:
        self._inline = config.inline
        self._file = WatchedSecret("htpasswd::file", config.file, Secret(""))
        self._hashes: Secret | None = None
        self._users: dict[str, bytes] = {}
        self._cache = VerifiedCache()

    async def start(self, host: Host) -> None:
        """ConfigError when the file cannot be read."""
        self._refresh()

    async def shutdown(self) -> None:
        """Nothing is held."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """As Authenticator.authenticate; HTTPProblem 401 with a Basic challenge."""
        kind, _, proof = headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            raise _unauthorized("send a user name and a password as Authorization: Basic")
        self._refresh()
        principal = self._cache.get(proof, time.time())
        if principal is None:
            epoch = self._cache.epoch
            principal = await asyncio.to_thread(self._prove, proof)
            self._cache.put(proof, principal, time.time(), epoch)
        return principal

    def _refresh(self) -> None:
        hashes = self._file.get()
        if hashes is self._hashes:
            return
        lines = [*hashes.reveal().splitlines(), *self._inline.reveal().splitlines()]
        pairs = (line.strip().partition(":") for line in lines)
        self._users = {user: known.encode() for user, _, known in pairs if known}
        self._hashes = hashes
        self._cache.clear()

    def _prove(self, proof: str) -> Principal:
        try:
            user, _, password = base64.b64decode(proof, validate=True).decode().partition(":")
            known = self._users.get(user, _NOBODY)
            right = bcrypt.checkpw(password.encode()[:PASSWORD_BYTES_MAX], known)
        except (binascii.Error, ValueError):
            right, user = False, ""
        if not right or user not in self._users:
            raise _unauthorized("the user name or the password is wrong")
        return writer(user)


def _unauthorized(message: str) -> HTTPProblem:
    return HTTPProblem(401, message, {"WWW-Authenticate": f'Basic realm="{REALM}", charset="UTF-8"'})


# Checked for users that do not exist, so that the answer's time does not tell who does.
_NOBODY = b"$2b$10$CwTycUXWue0Thq9StjUM0uJ8y4y1bVxYm5m0xIhJzq2r0p9tqA8vG"


def build(config: BasicAuthConfig) -> BasicAuthClient | BasicAuthServer:
    """The side that is configured."""
    if config.client_auth is not None:
        return BasicAuthClient(config.client_auth)
    assert config.htpasswd is not None, "one of them is set"
    return BasicAuthServer(config.htpasswd)


FACTORY = Factory(kind=Kind.EXTENSION, type="basicauth", config=BasicAuthConfig, build=build)
