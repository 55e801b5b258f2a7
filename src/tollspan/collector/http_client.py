"""HTTP requests to destinations and token endpoints: pooled, bounded, never redirected."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from tollspan.collector.tls import ReloadedContext, TLSClientConfig
from tollspan.errors import RetryableError
from tollspan.oauth2.proxy import find_proxy
from tollspan.otlp.http_exchange import HTTPResponse

LATE = "no answer in time"

IDLE_TIMEOUT_S = 90.0
"""An unused connection is closed after this."""


class HTTPClient:
    """Makes requests over kept-alive connections, in the event loop that it was opened in.

    Proxies come from `proxy_url`, else from the environment. `.netrc`, cookies, redirects and
    retries do not exist. At most `connections_max` connections lead to one server (0: no limit).
    """

    def __init__(
        self,
        tls: TLSClientConfig,
        *,
        proxy_url: str = "",
        connections_max: int = 0,
        idle_timeout_s: float = IDLE_TIMEOUT_S,
    ) -> None:
        self._tls_config = tls
        self._proxy_url = proxy_url
        self._connections_max = connections_max
        self._idle_timeout_s = idle_timeout_s
        self._tls: ReloadedContext
        self._session: aiohttp.ClientSession

    def open(self) -> None:
        """Requests can be made; ConfigError when the TLS settings cannot be used."""
        self._tls = ReloadedContext(self._tls_config)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, limit_per_host=self._connections_max, keepalive_timeout=self._idle_timeout_s
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """No connection is left."""
        await self._session.close()

    async def request(  # noqa: PLR0913 - a request has that many parts
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        bytes_max: int,
        timeout_s: float | None = None,
    ) -> HTTPResponse:
        """The answer, with lower-case header names; its body is cut at `bytes_max`.

        Raises RetryableError when there is none within `timeout_s`.
        """
        try:
            async with self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                ssl=self._tls.get(),
                server_hostname=self._tls_config.server_name_override or None,
                proxy=self._proxy_url or find_proxy(url),
                allow_redirects=False,
            ) as response:
                answer = await _read(response, bytes_max)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise RetryableError(_cause(error)) from None
        names = {name.lower(): text for name, text in response.headers.items()}
        return HTTPResponse(response.status, names, answer)


def parse_url(value: object) -> str:
    """`value`, which is an http or https URL, without slashes at its end; ValueError when it is not."""
    text = str(value) if isinstance(value, str) else ""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a valid URL; write for example https://otlp.example.com:4318")
    return text.rstrip("/")


async def _read(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    answer = bytearray()
    while chunk := await response.content.read(bytes_max - len(answer)):
        answer += chunk
    return bytes(answer)


def _cause(error: BaseException) -> str:
    """What went wrong, without texts that quote the request."""
    if isinstance(error, TimeoutError):
        return LATE
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        found = getattr(error, "certificate_error", error)
        return f"its certificate is not trusted: {getattr(found, 'verify_message', type(found).__name__)}"
    detail = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__
