"""An HTTP/2 client that sends exactly the frames it is given, to see what a server does with bad ones."""

import asyncio
import contextlib

from hpack import Decoder, Encoder

from tollspan.collector.grpc_call import Reply
from tollspan.collector.grpc_server import GRPCServer
from tollspan.collector.http2_frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    PREFACE,
    ErrorCode,
    FrameReader,
    FrameType,
    build_frame,
    build_settings,
)

HEAD = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/test.Echo/Say"),
    (":authority", "localhost"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
]


def framed(message, compressed=0):
    """A message with its gRPC prefix."""
    return bytes((compressed,)) + len(message).to_bytes(4) + message


async def echo(call):
    return Reply(await call.read_message(30))


@contextlib.asynccontextmanager
async def running_server(method=echo, *, message_bytes_max=1 << 20):
    """A server of `/test.Echo/Say`."""
    server = GRPCServer("127.0.0.1:0")
    server.add_service("test.Echo", {"Say": method}, message_bytes_max=message_bytes_max)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(0)


class RawHTTP2:
    """One connection; use it in `async with`. `greet=False` sends neither preface nor settings."""

    def __init__(self, address, *, greet=True):
        self._host, _, self._port = address.rpartition(":")
        self._greet = greet
        self._frames = FrameReader()
        list(self._frames.feed(PREFACE))  # what a server sends has none
        self._waiting = []
        self._encoder, self._decoder = Encoder(), Decoder()

    async def __aenter__(self):
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        if self._greet:
            await self.send(PREFACE + build_settings([]))
        return self

    async def __aexit__(self, *_):
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def send(self, data):
        self._writer.write(data)
        await self._writer.drain()

    def head(self, stream_id, fields=HEAD, *, flags=END_HEADERS):
        return build_frame(FrameType.HEADERS, flags, stream_id, self._encoder.encode(fields))

    @staticmethod
    def data(stream_id, payload, *, flags=END_STREAM):
        return build_frame(FrameType.DATA, flags, stream_id, payload)

    def call(self, stream_id, message=b""):
        return self.head(stream_id) + self.data(stream_id, framed(message))

    async def frame(self):
        """The next frame that is no greeting; None when the server has closed the connection."""
        while True:
            while self._waiting:
                frame_type, flags, stream_id, payload = self._waiting.pop(0)
                if frame_type == FrameType.SETTINGS or (
                    frame_type == FrameType.WINDOW_UPDATE and not stream_id
                ):
                    continue
                if frame_type == FrameType.HEADERS:
                    payload = dict(self._decoder.decode(payload))
                return FrameType(frame_type), flags, stream_id, payload
            try:
                data = await self._reader.read(65_536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._waiting += self._frames.feed(data)

    async def reply(self, stream_id):
        """Status and message of a call that ends now."""
        message, headers = b"", {}
        while True:
            frame_type, flags, of, payload = await self.frame()
            assert of == stream_id
            if frame_type is FrameType.DATA:
                message += payload
            else:
                headers |= payload
            if flags & END_STREAM:
                return int(headers["grpc-status"]), message[5:]

    async def goaway(self):
        """The error with which the server ends the connection, whatever it sends before."""
        while (frame := await self.frame()) is not None:
            if frame[0] is FrameType.GOAWAY:
                assert await self.frame() is None
                return ErrorCode(int.from_bytes(frame[3][4:8]))
        raise AssertionError("closed without a word")

    async def ping(self):
        """Return once the server has read everything that was sent before."""
        await self.send(build_frame(FrameType.PING, 0, 0, b"12345678"))
        while (await self.frame())[:2] != (FrameType.PING, ACK):
            pass
