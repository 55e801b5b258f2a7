"""OTLP/gRPC, the server's side (OTLP 1.11, "OTLP/gRPC")."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import grpc

from tollspan.collector.grpc_server import Context, GRPCServer
from tollspan.collector.receivers.otlp.config import GRPCConfig
from tollspan.collector.receivers.otlp.intake import Intake, Payload
from tollspan.errors import LimitError, RetryableError
from tollspan.otlp import _reshape
from tollspan.otlp.grpc_exchange import SERVICES
from tollspan.otlp.http_exchange import Encoding, failure, success
from tollspan.otlp.protobuf import field_bytes, field_varint, read_fields
from tollspan.otlp.signals import Signal

READ_TIMEOUT_S = 60.0
"""A message must be complete after this long."""

_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def add_services(server: GRPCServer, config: GRPCConfig, intake: Intake) -> None:
    """The server has a service for every signal, also for one without a pipeline: it has its own answer."""
    exchange = GRPCExchange(config, intake)
    for signal, name in SERVICES.items():
        methods = {"Export": partial(exchange.export, signal)}
        server.add_service(name, methods, message_bytes_max=config.message_bytes_max)


class GRPCExchange:
    """Answers the Export calls. Their rules and errors are those of OTLP/HTTP, in gRPC's words."""

    def __init__(self, config: GRPCConfig, intake: Intake) -> None:
        self._config = config
        self._intake = intake

    async def export(self, signal: Signal, messages: AsyncIterator[bytes], context: Context) -> bytes:
        """The export response; the message is taken only from a caller who may write."""
        items = 0
        try:
            self._intake.require_pipeline(signal)
            tenant, dataset = await self._intake.identify(signal, read_metadata(context))
            wire = await self._read_message(messages)
            payload = Payload(wire, _reshape.count(signal.value, wire))
            items = payload.items
            receipt = await self._intake.deliver(signal, payload, tenant, dataset)
            return success(signal, Encoding.PROTOBUF, receipt.rejected, receipt.reason).body
        except asyncio.CancelledError:
            self._intake.refuse_cut_short(signal, items)
            raise
        except Exception as error:
            refusal = self._intake.refuse(signal, error, items)
        await abort(context, refusal)
        raise AssertionError("abort raises")

    async def _read_message(self, messages: AsyncIterator[bytes]) -> bytes:
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                async for message in messages:
                    return message
        except TimeoutError as error:
            raise RetryableError("the message came too slowly") from error
        # gRPC ends the messages here and answers RESOURCE_EXHAUSTED by itself.
        raise LimitError("bytes of message", self._config.message_bytes_max)


def read_metadata(context: Context) -> dict[str, str]:
    """The call's textual metadata by name; repeated ones are joined with commas, as HTTP joins headers."""
    metadata: dict[str, str] = {}
    for name, value in context.invocation_metadata() or ():
        if isinstance(value, str):
            metadata[name] = f"{metadata[name]}, {value}" if name in metadata else value
    return metadata


async def abort(context: Context, error: Exception) -> None:
    """End the call with the status that `http_exchange.failure` gives the error. Raises, always.

    A wait is told twice: the trailer `google.rpc.retryinfo-bin` is the one that the
    OpenTelemetry exporters for Python and Java read.
    """
    response = failure(error, Encoding.PROTOBUF)
    code, message = (value for _, _, value in read_fields(response.body))
    assert isinstance(code, int)
    assert isinstance(message, bytes)
    trailers: list[tuple[str, str | bytes]] = []
    if "Retry-After" in response.headers:
        delay = field_bytes(1, field_varint(1, int(response.headers["Retry-After"])))
        detail = field_bytes(1, b"type.googleapis.com/google.rpc.RetryInfo") + field_bytes(2, delay)
        trailers.append(("grpc-status-details-bin", response.body + field_bytes(3, detail)))
        trailers.append(("google.rpc.retryinfo-bin", delay))
    await context.abort(_CODES[code], message.decode(), tuple(trailers))
