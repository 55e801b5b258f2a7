"""HTTP requests of the SDK itself: bounded, never redirected, never traced, silent about their secrets."""

from __future__ import annotations

import codecs
import http.client
import io
import os
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import BaseHTTPResponse
from urllib3.util import make_headers, parse_url

from tollspan.errors import RetryableError
from tollspan.oauth2.proxy import find_proxy
from tollspan.otlp.http_exchange import HTTPResponse
from tollspan.sdk.settings import Settings
from tollspan.sdk.untraced import untraced

CHUNK_BYTES = 1 << 16

LATE = "no answer in time"

# Each connection needs it. Imported by the thread that exports, a fork at that moment would
# leave the child the lock of an import that never ends.
codecs.lookup("idna")


class HTTPTransport:
    """Makes requests over kept-alive connections; any thread may.

    Proxies are taken from the environment; `.netrc`, cookies, redirects and retries do
    not exist. Beyond `bytes_max` an answer is not read.
    """

    def __init__(self, settings: Settings) -> None:
        files = {
            "ca_certs": settings.certificate_file,
            "cert_file": settings.client_certificate_file,
            "key_file": settings.client_key_file,
        }
        self._tls = {name: path for name, path in files.items() if path is not None}
        self._managers: dict[str | None, tuple[list[int | None], urllib3.PoolManager]] = {}

    def request(  # noqa: PLR0913 - a request has that many parts
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout_s: float,
        bytes_max: int,
    ) -> HTTPResponse:
        """The answer, with lower-case header names. Raises RetryableError when there is none in time."""
        if timeout_s <= 0:
            raise RetryableError(LATE)
        try:
            with untraced():
                response = self._manager(find_proxy(url)).urlopen(
                    method,
                    url,
                    body=body,
                    headers=headers,
                    timeout=urllib3.Timeout(total=timeout_s),
                    retries=False,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
                answer = _read(response, bytes_max)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise RetryableError(_cause(error)) from None
        return HTTPResponse(
            response.status, {name.lower(): text for name, text in response.headers.itermerged()}, answer
        )

    def close(self) -> None:
        """Let go of connections, until the next request; in a forked child they are the parent's."""
        self._managers = {}

    def _manager(self, proxy: str | None) -> urllib3.PoolManager:
        """The connections through `proxy` that were made with the certificates as they are now."""
        modified_ns = [_modified_ns(file) for file in self._tls.values()]
        made_ns, manager = self._managers.get(proxy, (None, None))
        if manager is None or made_ns != modified_ns:
            manager = _new_manager(proxy, self._tls)
            self._managers[proxy] = modified_ns, manager
        return manager


def _modified_ns(file: str) -> int | None:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return None


class _WithinTimeout(io.RawIOBase):
    """What a socket receives within its timeout from now, all in all rather than for each byte."""

    def __init__(self, connected: socket.socket) -> None:
        timeout_s = connected.gettimeout()
        assert timeout_s is not None, "every request has a timeout"
        self._timeout_s = timeout_s
        self._deadline_s = time.monotonic() + timeout_s
        self._socket = connected
        self._received = connected.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._socket.settimeout(left_s)
        try:
            return self._received.readinto(buffer)
        finally:
            self._socket.settimeout(self._timeout_s)

    def close(self) -> None:
        self._received.close()
        super().close()

    def makefile(self, _mode: str) -> io.BufferedReader:
        """As http.client asks a socket for it."""
        return io.BufferedReader(self)


class _Answer(http.client.HTTPResponse):
    def __init__(self, connected: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_WithinTimeout(connected), *args, **kwargs)  # type: ignore[arg-type]  # makefile is all it calls


class _Connection(HTTPConnection):
    response_class = _Answer
    # With `http.client.HTTPConnection.debuglevel` an application makes all others print their headers.
    debuglevel = 0


class _TLSConnection(HTTPSConnection):
    response_class = _Answer
    debuglevel = 0


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


def _new_manager(proxy: str | None, tls: Mapping[str, Any]) -> urllib3.PoolManager:
    if proxy is None:
        manager = urllib3.PoolManager(**tls)
    else:
        auth = parse_url(proxy).auth
        headers = make_headers(proxy_basic_auth=unquote(auth)) if auth else None
        manager = urllib3.ProxyManager(proxy, proxy_headers=headers, **tls)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
    return manager


def _read(response: BaseHTTPResponse, bytes_max: int) -> bytes:
    """The answer's first `bytes_max` bytes; the connection is kept only if that was all."""
    answer = bytearray()
    try:
        while chunk := response.read1(min(CHUNK_BYTES, bytes_max - len(answer))):
            answer += chunk
            if len(answer) == bytes_max:
                break
        else:
            response.release_conn()
    finally:
        response.close()
    return bytes(answer)


def _cause(error: BaseException) -> str:
    """What went wrong, without the text that urllib3 makes of it, which names objects and URLs."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    if isinstance(error, TimeoutError):
        return LATE
    detail = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else None
    detail = detail or (error.strerror if isinstance(error, OSError) else None)
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__
