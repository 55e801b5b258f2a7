"""A server that data is posted to, with credentials that are renewed when it refuses them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from typing import Annotated

import msgspec
import structlog

from tollspan.collector.component import ClientAuthenticator, Host, Reference
from tollspan.collector.compression import Compression
from tollspan.collector.config.values import Duration, Opaque
from tollspan.collector.http_client import IDLE_TIMEOUT_S, HTTPClient
from tollspan.collector.sender_config import SenderConfig
from tollspan.collector.tls import TLSClientConfig
from tollspan.errors import ConfigError, InvalidTokenError, PermanentError, RetryableError, TokenRequestError
from tollspan.oauth2.loopback import is_loopback
from tollspan.otlp.http_exchange import (
    RESPONSE_BYTES_MAX,
    HTTPResponse,
    is_unauthorized,
    read_retry_after_s,
)

_log = structlog.get_logger()


class ClientAuthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`auth`: the extension that says to the destination who we are."""

    authenticator: Annotated[str, Reference(ClientAuthenticator)]


class HTTPDestinationConfig(SenderConfig, frozen=True, kw_only=True):
    """What every exporter that sends over HTTP can be told, besides where to."""

    tls: TLSClientConfig = TLSClientConfig()
    proxy_url: str = ""
    headers: dict[str, Opaque] = msgspec.field(default_factory=dict)
    compression: Compression = "gzip"
    auth: ClientAuthConfig | None = None
    connections_max: int = msgspec.field(default=0, name="max_conns_per_host")
    idle_timeout_s: Duration = msgspec.field(default=IDLE_TIMEOUT_S, name="idle_conn_timeout")

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if self.connections_max < 0:
            yield ConfigError("max_conns_per_host", "must be 0 (no limit) or more")


@cache
def user_agent() -> str:
    """Our product token (OTLP exporter specification, User Agent)."""
    return f"Tollspan-Collector/{version('tollspan')}"


class HTTPDestination:
    """Posts with the configured headers and credentials.

    Of two headers with one name, credentials win over configured ones, and those over the
    caller's.
    """

    def __init__(self, config: HTTPDestinationConfig) -> None:
        self._config = config
        self._http = HTTPClient(
            config.tls,
            proxy_url=config.proxy_url,
            connections_max=config.connections_max,
            idle_timeout_s=config.idle_timeout_s,
        )
        self._authenticator: ClientAuthenticator | None = None

    def open(self, host: Host, *urls: str) -> None:
        """Requests can be made. Credentials that will travel unencrypted are worth a warning."""
        self._http.open()
        if self._config.auth is None:
            return
        extension = host.extension(self._config.auth.authenticator)
        assert isinstance(extension, ClientAuthenticator), "the graph has checked the reference"
        self._authenticator = extension
        for url in urls:
            if url.startswith("http:") and not is_loopback(url):
                _log.warning("credentials_unencrypted", exporter=host.component_id, url=url)

    async def close(self) -> None:
        """No connection is left."""
        await self._http.close()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HTTPResponse:
        """The answer; a 401 only when new credentials did not help or there are none.

        Raises RetryableError when there is no answer, AuthError without credentials.
        """
        own = {name.lower(): text for name, text in headers.items()}
        own |= {name.lower(): text.reveal() for name, text in self._config.headers.items()}
        if self._authenticator is None:
            return await self._post(url, own, body)
        credentials = await wait_for_credentials(self._authenticator, self._config)
        answer = await self._post(url, {**own, **credentials}, body)
        if is_unauthorized(answer.status, answer.headers) and self._authenticator.refused(credentials):
            credentials = await wait_for_credentials(self._authenticator, self._config)
            answer = await self._post(url, {**own, **credentials}, body)
        return answer

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> HTTPResponse:
        return await self._http.request("POST", url, headers=headers, body=body, bytes_max=RESPONSE_BYTES_MAX)


async def wait_for_credentials(authenticator: ClientAuthenticator, config: SenderConfig) -> Mapping[str, str]:
    """The headers of one attempt; AuthError when half of the attempt's time brings none.

    Time without credentials must not look like a destination that does not answer: that
    counts against the batch, and this does not.
    """
    try:
        async with asyncio.timeout(config.timeout_s / 2 or None):
            return await authenticator.credentials()
    except TimeoutError:
        raise TokenRequestError("there are no credentials yet", "slow") from None


def require_success(answer: HTTPResponse) -> None:
    """Return when the answer is a 2xx; else raise what `Destination.send` may.

    For destinations other than OTLP: 429 and every 5xx may pass, 401 is about the credentials.
    """
    if 200 <= answer.status < 300:
        return
    detail = "".join(
        char if char.isprintable() else " " for char in answer.body[:200].decode("utf-8", "replace")
    )
    reason = f"HTTP {answer.status}: {detail.strip()}"
    if is_unauthorized(answer.status, answer.headers):
        raise InvalidTokenError(reason)
    if answer.status == 429 or answer.status >= 500:
        raise RetryableError(reason, read_retry_after_s(answer.headers))
    raise PermanentError(reason)
