"""OAuth2 for the stock OTLP/gRPC exporters: OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER=tollspan_grpc.

gRPC sends such credentials over TLS only, and does not say when they were refused: an
access token is replaced before it expires, not after a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping

import grpc

from tollspan.otlp.http_exchange import Delivered, Later, Outcome
from tollspan.otlp.signals import Signal
from tollspan.sdk.authorization import Authorization
from tollspan.sdk.from_environment import authorization, read_environment
from tollspan.sdk.grpc_sender import tls_credentials

TIMEOUT_S = 10.0


class CallCredentials(grpc.AuthMetadataPlugin):
    """Gives every call its headers; without an access token the call fails as UNAVAILABLE."""

    def __init__(self, authorised_by: Authorization) -> None:
        self._authorization = authorised_by

    def __call__(self, _context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:
        """Call `callback` with the headers of this call."""

        def attempt(authorised: Mapping[str, str], _left_s: float) -> Outcome:
            callback(tuple(authorised.items()), None)
            return Delivered()

        outcome = self._authorization.attempt(attempt, TIMEOUT_S)
        if isinstance(outcome, Later):
            callback((), ConnectionError(outcome.reason))


def grpc_credentials() -> grpc.ChannelCredentials:
    """TLS with the credentials of TOLLSPAN_* variables on every call."""
    call_credentials = grpc.metadata_call_credentials(CallCredentials(authorization()))
    return grpc.composite_channel_credentials(
        tls_credentials(read_environment(Signal.TRACES)), call_credentials
    )
