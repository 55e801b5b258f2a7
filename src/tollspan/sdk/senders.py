"""Which sender speaks the protocol that the settings name."""

from __future__ import annotations

from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.signals import Signal
from tollspan.sdk.delivery import Sender
from tollspan.sdk.http_sender import HTTPSender
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.settings import Settings


def new_sender(
    signal: Signal, settings: Settings, transport: HTTPTransport, token_source: TokenSource | None
) -> Sender:
    """A sender of `signal` to `settings.url`."""
    if settings.protocol == "grpc":
        from tollspan.sdk.grpc_sender import GRPCSender  # noqa: PLC0415 - an extra

        return GRPCSender(signal, settings, token_source)
    return HTTPSender(signal, settings, transport, token_source)
