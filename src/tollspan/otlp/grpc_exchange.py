"""The rules of an OTLP/gRPC exchange without any I/O (OTLP 1.11, "OTLP/gRPC").

Status codes are gRPC's numbers, so that nothing here needs gRPC.
"""

from __future__ import annotations

from collections.abc import Mapping

from tollspan.errors import WireError
from tollspan.otlp.http_exchange import Later, Outcome, Refused, TooLarge, Unauthorized
from tollspan.otlp.protobuf import field_bytes, field_varint, read_fields
from tollspan.otlp.signals import Signal

SERVICES = {
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
}

DELAY_MAX_S = 3600.0
"""The longest wait that a server may ask of a client; a longer one counts as this."""

_RETRY_INFO = b"type.googleapis.com/google.rpc.RetryInfo"

_RESOURCE_EXHAUSTED, _UNAUTHENTICATED = 8, 16

# CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS
_LATER = frozenset({1, 4, 10, 11, 14, 15})


def read_status(code: int, message: str, trailers: Mapping[str, str | bytes]) -> Outcome:
    """What a call that ended with `code`, which is not OK, means for the batch that was sent."""
    reason = f"gRPC {code}: {message}"
    delay_s = _read_delay_s(trailers)
    if code in _LATER or (code == _RESOURCE_EXHAUSTED and delay_s is not None):
        return Later(delay_s, reason)
    if code == _UNAUTHENTICATED:
        return Unauthorized(reason)
    # What every gRPC library says when a message is over the receiver's limit.
    if code == _RESOURCE_EXHAUSTED and "larger than max" in message:
        return TooLarge(reason)
    return Refused(reason, status=code)


def build_retry_trailers(status: bytes, after_s: int) -> dict[str, bytes]:
    """The trailers that ask a client to wait `after_s`, beside a google.rpc.Status.

    It is told twice: `google.rpc.retryinfo-bin` is the one that the OpenTelemetry exporters
    for Python and Java read.
    """
    delay = field_bytes(1, field_varint(1, after_s))
    detail = field_bytes(1, _RETRY_INFO) + field_bytes(2, delay)
    return {
        "grpc-status-details-bin": status + field_bytes(3, detail),
        "google.rpc.retryinfo-bin": delay,
    }


def _read_delay_s(trailers: Mapping[str, str | bytes]) -> float | None:
    """The wait that the server asks for: a google.rpc.RetryInfo in its status, or in a trailer of its own."""
    try:
        info = trailers.get("google.rpc.retryinfo-bin") or _find_retry_info(
            trailers.get("grpc-status-details-bin")
        )
        if info is None:
            return None
        delay = _read_message(_read_message(info).get(1))
    except WireError:
        return None
    seconds, nanos = delay.get(1, 0), delay.get(2, 0)
    return (
        min(seconds + nanos / 1e9, DELAY_MAX_S)
        if isinstance(seconds, int) and isinstance(nanos, int)
        else None
    )


def _find_retry_info(status: object) -> object:
    """The first RetryInfo among the details of a google.rpc.Status."""
    for number, _, detail in read_fields(status) if isinstance(status, bytes) else ():
        message = _read_message(detail) if number == 3 else {}
        if message.get(1) == _RETRY_INFO:
            return message.get(2, b"")
    return None


def _read_message(payload: object) -> dict[int, int | bytes]:
    """The fields by number, the last of each; none where there is no message."""
    return {n: value for n, _, value in read_fields(payload)} if isinstance(payload, bytes) else {}
