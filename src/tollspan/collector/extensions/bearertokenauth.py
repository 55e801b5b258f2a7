"""Static bearer tokens: sent by exporters, asked for by receivers.

    extensions:
      bearertokenauth:
        filename: /run/secrets/ingest-token

    exporters:
      otlp_http:
        endpoint: https://api.axiom.co
        auth:
          authenticator: bearertokenauth

The file is read again when it changes. Exporters send the first token; a receiver takes
each of them, one per line of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from tollspan.collector.callers import writer
from tollspan.collector.component import Factory, Host, Kind
from tollspan.collector.config.values import Opaque
from tollspan.collector.secret_file import WatchedSecret
from tollspan.errors import ConfigError, InvalidTokenError, MissingTokenError, TokenRequestError
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret


class BearerTokenAuthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`extensions::bearertokenauth`. An empty `scheme` sends the token alone."""

    header: str = "Authorization"
    scheme: str = "Bearer"
    token: Opaque = Secret("")
    tokens: list[Opaque] = []
    filename: str = ""

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if not (self.token.reveal() or self.tokens or self.filename):
            yield ConfigError("", "no bearer token provided", "set token, tokens or filename")


class BearerTokenAuthExtension:
    """Knows the tokens, for both sides."""

    def __init__(self, config: BearerTokenAuthConfig) -> None:
        self._header = config.header.lower()
        self._prefix = f"{config.scheme} " if config.scheme else ""
        listed = [token.reveal() for token in (config.token, *config.tokens) if token.reveal()]
        self._tokens = WatchedSecret("filename", config.filename, Secret("\n".join(listed)))

    async def start(self, host: Host) -> None:
        """A file that is not there yet does not keep the collector from starting."""

    async def shutdown(self) -> None:
        """Nothing is held."""

    async def credentials(self) -> Mapping[str, str]:
        """As ClientAuthenticator.credentials."""
        return {self._header: self._prefix + self._known()[0].reveal()}

    def refused(self, credentials: Mapping[str, str]) -> bool:
        """As ClientAuthenticator.refused: the file may hold another token by now."""
        return Secret(credentials[self._header]) != Secret(self._prefix + self._known()[0].reveal())

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """As Authenticator.authenticate."""
        shown = headers.get(self._header)
        if shown is None or not shown.lower().startswith(self._prefix.lower()):
            raise MissingTokenError(f"send a token in the header {self._header}")
        token = Secret(shown[len(self._prefix) :].strip())
        if not any([token == known for known in self._known()]):  # noqa: C419 - as long for each token
            raise InvalidTokenError("the token is not known")
        return writer("bearertokenauth")

    def _known(self) -> list[Secret]:
        try:
            return [Secret(line.strip()) for line in self._tokens.get().reveal().splitlines() if line.strip()]
        except ConfigError as error:
            raise TokenRequestError(str(error), "invalid_configuration") from None


FACTORY = Factory(
    kind=Kind.EXTENSION,
    type="bearertokenauth",
    config=BearerTokenAuthConfig,
    build=BearerTokenAuthExtension,
)
