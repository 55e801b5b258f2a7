"""OTLP/HTTP, the server's side (OTLP 1.11, "OTLP/HTTP")."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

from tollspan.collector.events import UNKNOWN_SENDER
from tollspan.collector.exchange_cycle import Answer
from tollspan.collector.http_body import Body, read_body
from tollspan.collector.receivers.otlp.body_budget import BodyBudget, CountedBody
from tollspan.collector.receivers.otlp.config import HTTPConfig
from tollspan.collector.receivers.otlp.cors import open_to_pages
from tollspan.collector.receivers.otlp.intake import Intake, Payload
from tollspan.otlp import _reshape
from tollspan.otlp.content_coding import decompress
from tollspan.otlp.http_exchange import (
    Encoding,
    HTTPResponse,
    RequestHead,
    answer_encoding,
    failure,
    read_head,
    success,
)
from tollspan.otlp.json_mapping import json_to_wire
from tollspan.otlp.signals import Signal

INLINE_BYTES_MAX = 65_536
"""A larger body is unpacked in a thread, so that it does not hold up other requests."""

ASIDE_MAX = 2
"""So many are unpacked at a time: each may need many times its size."""


class HTTPExchange:
    """Turns the parts of a request into its response; knows no HTTP server, so any can carry it."""

    def __init__(self, config: HTTPConfig, intake: Intake) -> None:
        self._config = config
        self._intake = intake
        self._budget = BodyBudget()
        self._aside = asyncio.Semaphore(ASIDE_MAX)

    async def answer(
        self, signal: Signal, method: str, headers: Mapping[str, str], body: Body
    ) -> HTTPResponse:
        """The response, whatever happens; `headers` has lower-case names.

        The body is asked for only when the headers are in order and the caller may write.
        A cancelled request is answered too, so that its client sends it again.
        """
        items, sender = 0, UNKNOWN_SENDER
        try:
            head = read_head(method, headers)
            self._intake.require_pipeline(signal)
            sender = await self._intake.identify(signal, headers)
            with self._budget.holding(sender[0]) as take:
                data = await read_body(
                    CountedBody(body, take),
                    head.content_length,
                    bytes_max=self._config.body_bytes_max,
                    timeout_s=self._config.read_timeout_s,
                )
                payload = await self._unpack(signal, head, data)
                del data  # what is unpacked is the pipeline's from here on
            items = payload.items + payload.rejected
            receipt = await self._intake.deliver(signal, payload, sender)
            return success(signal, head.encoding, receipt.rejected, receipt.reason)
        except asyncio.CancelledError:
            return failure(self._intake.refuse_cut_short(signal, items, sender), answer_encoding(headers))
        except Exception as error:
            return failure(self._intake.refuse(signal, error, items, sender), answer_encoding(headers))

    async def _unpack(self, signal: Signal, head: RequestHead, body: bytes) -> Payload:
        if len(body) <= INLINE_BYTES_MAX:
            return unpack(signal, head, body, self._config.body_bytes_max)
        async with self._aside:
            return await asyncio.to_thread(unpack, signal, head, body, self._config.body_bytes_max)


def unpack(signal: Signal, head: RequestHead, body: bytes, bytes_max: int) -> Payload:
    """The body as protobuf, counted; WireError or LimitError when it cannot be."""
    data = decompress(body, head.compression, bytes_max)
    if head.encoding is Encoding.PROTOBUF:
        return Payload(data, _reshape.count(signal.value, data))
    mapped = json_to_wire(signal, data)
    items = _reshape.count(signal.value, mapped.wire)
    return Payload(mapped.wire, items, mapped.rejected, "; ".join(mapped.problems))


def answers(config: HTTPConfig, intake: Intake) -> dict[str, Answer]:
    """Two paths for every signal, also for one without a pipeline: it has its own answer."""
    exchange = HTTPExchange(config, intake)
    return {
        prefix + config.path(signal): open_to_pages(config.cors, partial(exchange.answer, signal))
        for signal in Signal
        for prefix in ("", "/otlp")
    }
