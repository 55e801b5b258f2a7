"""One attempt to deliver a request body over OTLP/gRPC; needs the extra `grpc`.

The call is generic: a request that is encoded already goes out as it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import grpc

from tollspan.errors import ConfigError
from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.content_coding import decompress
from tollspan.otlp.grpc_exchange import SERVICES, read_status
from tollspan.otlp.http_exchange import Encoding, Later, Outcome, Refused, read_response
from tollspan.otlp.signals import Signal
from tollspan.sdk.authorization import Authorization
from tollspan.sdk.delivery import REQUEST_BYTES_MAX
from tollspan.sdk.http_sender import user_agent
from tollspan.sdk.settings import Settings
from tollspan.sdk.untraced import untraced

_OK_HEADERS = {"content-type": Encoding.PROTOBUF.value}

_HTTP_STATUSES = {3: 400, 7: 403}
"""INVALID_ARGUMENT and PERMISSION_DENIED mean what these do in HTTP."""

_COMPRESSIONS = {"gzip": grpc.Compression.Gzip, "identity": grpc.Compression.NoCompression}

_abandoned: list[grpc.Channel] = []
"""Channels of a parent process: neither may they be closed in its child, nor their destructor run."""


class GRPCSender:
    """Delivers requests of one signal to `settings.url`, over a channel that is made when needed.

    Proxies and their exceptions are taken from the environment, by gRPC itself.
    """

    def __init__(self, signal: Signal, settings: Settings, token_source: TokenSource | None) -> None:
        assert settings.url is not None, "there is a destination"
        self.destination = urlsplit(settings.url).netloc
        self._signal = signal
        self._settings = settings
        self._authorization = Authorization(settings, token_source)
        self._channel: grpc.Channel | None = None
        self._pid = os.getpid()

    def send(self, body: bytes, compression: str, timeout_s: float) -> Outcome:
        """What became of `body` within `timeout_s`. Never raises."""
        wire = decompress(body, compression, REQUEST_BYTES_MAX)
        return self._authorization.attempt(
            lambda authorised, left_s: self._call(wire, compression, authorised, left_s), timeout_s
        )

    def close(self) -> None:
        """Let go of the channel, until the next attempt; in a forked child it is the parent's."""
        channel, self._channel = self._channel, None
        if channel is not None and self._pid == os.getpid():
            channel.close()
        elif channel is not None:
            _abandoned.append(channel)

    def _call(
        self, wire: bytes, compression: str, authorised: Mapping[str, str], timeout_s: float
    ) -> Outcome:
        if self._channel is None:
            self._channel = _connect(self._settings)
            self._pid = os.getpid()
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(
            f"/{SERVICES[self._signal]}/Export"
        )
        try:
            with untraced():
                answer: bytes = export(
                    wire, timeout_s, tuple(authorised.items()), compression=_COMPRESSIONS[compression]
                )
        except grpc.RpcError as error:
            return self._read_error(error)
        return read_response(self._signal, 200, _OK_HEADERS, answer)

    def _read_error(self, error: grpc.RpcError) -> Outcome:
        trailers = {entry.key: entry.value for entry in error.trailing_metadata() or ()}
        outcome = read_status(error.code().value[0], error.details() or "", trailers)
        if isinstance(outcome, Later):
            # The next attempt connects at once, with the certificates as they are then.
            self.close()
        if isinstance(outcome, Refused):
            return replace(outcome, status=_HTTP_STATUSES.get(outcome.status, 500))
        return outcome


def _connect(settings: Settings) -> grpc.Channel:
    assert settings.url is not None
    parts = urlsplit(settings.url)
    target = parts.netloc if parts.port else f"{parts.netloc}:4317"
    options = [("grpc.primary_user_agent", user_agent())]
    if parts.scheme == "http":
        return grpc.insecure_channel(target, options)
    return grpc.secure_channel(target, tls_credentials(settings), options)


def tls_credentials(settings: Settings) -> grpc.ChannelCredentials:
    """TLS with the certificates of `settings` as they are now. Raises ConfigError."""
    return grpc.ssl_channel_credentials(
        _read_file(settings.certificate_file),
        _read_file(settings.client_key_file or settings.client_certificate_file),
        _read_file(settings.client_certificate_file),
    )


def _read_file(file: str | None) -> bytes | None:
    try:
        return None if file is None else Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(file or "", f"cannot be read ({type(error).__name__})") from None
