"""One unary call as its method sees it, and what gRPC writes into HTTP/2 for it (gRPC over HTTP/2)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from tollspan.collector.grpc_head import CallHead
from tollspan.collector.http2_frames import encode_fields
from tollspan.errors import LimitError, RetryableError, WireError
from tollspan.otlp.content_coding import decompress
from tollspan.otlp.grpc_exchange import build_retry_trailers
from tollspan.otlp.http_exchange import Encoding, failure
from tollspan.otlp.protobuf import read_fields

COMPRESSIONS = ("identity", "gzip", "deflate")

INLINE_BYTES_MAX = 65_536
"""A larger message is decompressed in a thread, so that it does not hold up other calls."""

ASIDE_MAX = 2
"""So many are at a time: each may need many times its size."""

PIECES_MAX = 256
"""So many pieces of a message are joined at a time: tiny ones must not take much more room than they are."""

PREFIX_BYTES = 5
"""Before each message: whether it is compressed, and its length."""

CANCELLED, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL = 1, 4, 12, 13


@dataclass(frozen=True, slots=True)
class Reply:
    """How a call ends: with `body` when `code` is 0, else with `message` and further trailers.

    A trailer whose name ends in `-bin` has any bytes as its value.
    """

    body: bytes = b""
    code: int = 0
    message: str = ""
    trailers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Limits:
    """What the calls of one listener share."""

    message_bytes_max: int = 0
    aside: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(ASIDE_MAX))


def uncounted(size: int) -> None:
    """Nobody counts what comes."""


class Call:
    """A call that a client makes. The connection puts in what comes, the method takes the message out."""

    def __init__(self, head: CallHead, limits: Limits, on_reading: Callable[[int], None]) -> None:
        """`on_reading` gets the number of bytes that had come when the method began to read."""
        self.head = head
        self.reading = False
        self.ended = False
        self._limits = limits
        self._on_reading = on_reading
        self.size = 0
        self._prefix = b""
        self._parts: list[bytes] = []
        self._pieces: list[bytes] = []
        self._take: Callable[[int], None] = uncounted
        self._refusal: Exception | None = None
        self._arrived: asyncio.Future[None] | None = None

    def receive(self, data: bytes, *, last: bool) -> None:
        """The next bytes of the message; nothing follows the `last` ones."""
        self.size += len(data)
        missing = PREFIX_BYTES - len(self._prefix)
        if missing:
            self._prefix, data = self._prefix + data[:missing], data[missing:]
        self._pieces.append(data)
        if len(self._pieces) == PIECES_MAX:
            self._parts.append(b"".join(self._pieces))
            self._pieces.clear()
        self.ended = last
        if self._arrived is not None and not self._arrived.done():
            self._refusal = self._try_to_take(len(data))
            if last or self._refusal is not None or self._too_large():
                self._arrived.set_result(None)

    def _try_to_take(self, size: int) -> Exception | None:
        try:
            self._take(size)
        except Exception as error:
            return error
        return None

    async def read_message(self, timeout_s: float, take: Callable[[int], None] = uncounted) -> bytes:
        """The message, decompressed. `take` is told how many bytes come, and may raise.

        LimitError when it is larger than allowed, before or after decompression, WireError
        when it is no single message, RetryableError when it is not there after `timeout_s`.
        """
        self.reading = True
        self._on_reading(self.size)
        if not self.ended and not self._too_large():
            self._take = take
            take(self.size)
            self._arrived = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._arrived
            except TimeoutError as error:
                raise RetryableError("the message came too slowly") from error
        if self._refusal is not None:
            raise self._refusal
        if self._too_large():
            raise LimitError("bytes of message", self._limits.message_bytes_max)
        return await self._unpack()

    def _too_large(self) -> bool:
        """Whether more has come, or is announced, than is allowed."""
        announced = int.from_bytes(self._prefix[1:]) if self.size >= PREFIX_BYTES else 0
        return max(announced, self.size - PREFIX_BYTES) > self._limits.message_bytes_max

    async def _unpack(self) -> bytes:
        prefix, message = self._prefix, b"".join([*self._parts, *self._pieces])
        self._parts, self._pieces = [], []
        if len(prefix) < PREFIX_BYTES or int.from_bytes(prefix[1:]) != len(message):
            raise WireError("the call has no single, whole message")
        if prefix[0] == 0:
            return message
        compression = self.head.compression
        if prefix[0] != 1 or compression == "identity":
            raise WireError("the message is compressed, and no header says how")
        if len(message) <= INLINE_BYTES_MAX:
            return decompress(message, compression, self._limits.message_bytes_max)
        async with self._limits.aside:
            return await asyncio.to_thread(decompress, message, compression, self._limits.message_bytes_max)


Method = Callable[[Call], Awaitable[Reply]]
"""Answers one call. It is called before the message has come, which it then reads; raises nothing."""


def build_refusal(error: Exception) -> Reply:
    """The status that `http_exchange.failure` gives the error, as a reply."""
    response = failure(error, Encoding.PROTOBUF)
    code, message = (value for _, _, value in read_fields(response.body))
    assert isinstance(code, int)
    assert isinstance(message, bytes)
    text = message.decode()
    if isinstance(error, LimitError):
        text += "; larger than max"  # by these words exporters know that smaller requests may pass
    after_s = response.headers.get("Retry-After")
    trailers = build_retry_trailers(response.body, int(after_s)) if after_s else {}
    return Reply(code=code, message=text, trailers=trailers)


def refuse_head(head: CallHead, methods: Mapping[str, Method]) -> Reply | None:
    """The reply to a call that no method can answer."""
    if head.path not in methods:
        return Reply(code=UNIMPLEMENTED, message="no such method here")
    if head.compression not in COMPRESSIONS:
        supported = ",".join(COMPRESSIONS).encode()
        message = "the message's compression is not supported"
        return Reply(code=UNIMPLEMENTED, message=message, trailers={"grpc-accept-encoding": supported})
    return None


_STATUS_200 = b"\x88"  # from the static table
_CONTENT = (b"content-type", b"application/grpc")

HEAD_BLOCK = _STATUS_200 + encode_fields([_CONTENT])
TRAILERS_BLOCK = encode_fields([(b"grpc-status", b"0")])
NOT_GRPC_BLOCK = encode_fields([(b":status", b"415"), (b"content-length", b"0")])


def build_failure_block(reply: Reply) -> bytes:
    """The header block of an answer that has no message, only a status."""
    fields = [_CONTENT, (b"grpc-status", b"%d" % reply.code)]
    fields.append((b"grpc-message", quote(reply.message, safe=_UNQUOTED).encode()))
    for name, value in reply.trailers.items():
        binary = name.endswith("-bin")
        fields.append((name.encode(), base64.b64encode(value).rstrip(b"=") if binary else value))
    return _STATUS_200 + encode_fields(fields)


# Printable ASCII but "%" travels as it is (gRPC over HTTP/2, "Percent-Encoded").
_UNQUOTED = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def frame_message(body: bytes) -> bytes:
    """The message with its prefix; it is not compressed."""
    return b"\0" + len(body).to_bytes(4) + body
