"""The server's side of one HTTP/2 connection that carries unary gRPC calls (RFC 9113).

A library does the header compression, the rest is here: measured, it is what makes a small
export cost no more than over HTTP/1.1. A peer is bounded in all that it can make us hold or
do: frames, header blocks, open calls, bytes that nobody has asked for, and frames that lead
to no answer (resets, pings, settings and their like).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from tollspan.collector import grpc_call
from tollspan.collector.call_tasks import CallTasks
from tollspan.collector.grpc_call import Call, Limits, Method, Reply
from tollspan.collector.grpc_head import HeadDecoder
from tollspan.collector.http2_frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    FRAME_BYTES_MAX,
    WINDOW_DEFAULT,
    WINDOW_MAX,
    ErrorCode,
    FrameError,
    FrameReader,
    FrameType,
    ReceiveWindow,
    Setting,
    build_frame,
    build_settings,
    check_priority,
    read_number,
    read_settings,
    strip_padding,
    strip_priority,
)
from tollspan.errors import WireError

CONNECTIONS_MAX = 4096
"""Further connections to a listener are cut at once."""

CALLS_MAX = 256
"""Calls that one connection may have open at a time."""

LISTENER_CALLS_MAX = 8192
"""Calls that all connections of a listener may have open at a time."""

HEAD_BYTES_MAX = 16_384
"""A call's header block as it comes; it may be four times as large when decompressed."""

WINDOW_BYTES = 1 << 20
"""What a connection, and each of its calls, may send of messages that no method has begun to read."""

IDLE_PREFACE_S = 10.0
"""A connection must have begun HTTP/2 by then."""

IDLE_S = 300.0
"""A connection without calls is closed after this."""

FRUITLESS_MAX = 1000
"""So many frames may lead to no answer; each answer makes up for FRUITLESS_PER_ANSWER of them."""

FRUITLESS_PER_ANSWER = 20

_log = structlog.get_logger()


@dataclass(slots=True)
class Listener:
    """What the connections of one listener share."""

    methods: dict[str, Method] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    connections: set[HTTP2Connection] = field(default_factory=set)
    calls: int = 0


@dataclass(slots=True)
class _Stream:
    """A call with what the connection must know of it."""

    id: int
    call: Call
    send_window: int
    receive_window: ReceiveWindow
    task: asyncio.Task[None] | None = None
    unsent: bytes = b""


class HTTP2Connection(asyncio.Protocol):
    """Reads frames, runs the methods, writes their replies; `closed` is set when the peer has gone."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self.closed = asyncio.Event()
        self._transport: asyncio.Transport
        self._frames = FrameReader()
        self._settled = False
        self._draining = False
        self._heads = HeadDecoder()
        self._block: tuple[int, int, bytes] | None = None  # stream, flags and bytes of an unfinished head
        self._streams: dict[int, _Stream] = {}
        self._tasks = CallTasks(self._reply)
        self._cut: deque[int] = deque(maxlen=CALLS_MAX)  # answered before the client had sent everything
        self._last_id = 0
        self._receive_window = ReceiveWindow(0, WINDOW_DEFAULT, WINDOW_BYTES)
        self._send_window = WINDOW_DEFAULT
        self._send_window_initial = WINDOW_DEFAULT
        self._fruitless = 0
        self._output: list[bytes] = []
        self._active_s = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        self._transport = transport
        self._listener.connections.add(self)
        tls = transport.get_extra_info("ssl_object")
        if len(self._listener.connections) > CONNECTIONS_MAX or (
            tls is not None and tls.selected_alpn_protocol() != "h2"
        ):
            transport.abort()
            return
        self._timer = self._loop.call_later(IDLE_PREFACE_S, self._on_idle)
        settings = (
            (Setting.MAX_CONCURRENT_STREAMS, CALLS_MAX),
            (Setting.INITIAL_WINDOW_SIZE, WINDOW_BYTES),
            (Setting.MAX_HEADER_LIST_SIZE, HEAD_BYTES_MAX),
        )
        self._send(build_settings(settings))
        self._give_credit(WINDOW_BYTES - WINDOW_DEFAULT)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.cancel()
        self._tasks.close()
        self._listener.calls -= len(self._streams)
        self._streams.clear()
        self._listener.connections.discard(self)
        self.closed.set()

    def pause_writing(self) -> None:
        # A peer that does not read gets nothing more to answer.
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._frames.feed(data):
                self._read_frame(*frame)
        except FrameError as error:
            self._fail(error)

    def _read_frame(self, frame_type: int, flags: int, stream_id: int, payload: bytes) -> None:
        if self._block is not None and (frame_type != FrameType.CONTINUATION or stream_id != self._block[0]):
            raise FrameError(ErrorCode.PROTOCOL_ERROR, "something else where a head goes on")
        if not self._settled and frame_type != FrameType.SETTINGS:
            raise FrameError(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS")
        if frame_type != FrameType.DATA or not payload:
            self._count_fruitless()
        read = self._READERS.get(frame_type)
        if read is None:
            return
        if frame_type not in _ANYWHERE and (stream_id == 0) != (frame_type in _OF_CONNECTION):
            raise FrameError(ErrorCode.PROTOCOL_ERROR, "a frame where it does not belong")
        try:
            read(self, flags, stream_id, payload)
        except FrameError as error:
            if not error.stream_id:
                raise
            self._reset(error.stream_id, error.code)

    def _count_fruitless(self) -> None:
        self._fruitless += 1
        if self._fruitless > FRUITLESS_MAX:
            raise FrameError(ErrorCode.ENHANCE_YOUR_CALM, "too many frames for nothing")

    def _read_headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        payload = strip_priority(flags, strip_padding(flags, payload), stream_id)
        self._read_block(flags, stream_id, payload)

    def _read_continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        if self._block is None:
            raise FrameError(ErrorCode.PROTOCOL_ERROR, "no head goes on here")
        _, first_flags, begun = self._block
        self._read_block(first_flags & END_STREAM | flags & END_HEADERS, stream_id, begun + payload)

    def _read_block(self, flags: int, stream_id: int, block: bytes) -> None:
        if len(block) > HEAD_BYTES_MAX:
            raise FrameError(ErrorCode.ENHANCE_YOUR_CALM, "a head is too large")
        self._block = None if flags & END_HEADERS else (stream_id, flags, block)
        if self._block is not None:
            return
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._end_by_trailers(stream, flags, block)
        elif stream_id <= self._last_id or stream_id % 2 == 0:
            self._heads.decode(block)
            self._require_cut(stream_id)
        else:
            self._last_id = stream_id
            self._open(stream_id, block, ended=bool(flags & END_STREAM))

    def _end_by_trailers(self, stream: _Stream, flags: int, block: bytes) -> None:
        self._heads.decode(block)
        if stream.call.ended:
            raise FrameError(ErrorCode.STREAM_CLOSED, "a head after the end", stream.id)
        if not flags & END_STREAM:
            raise FrameError(ErrorCode.PROTOCOL_ERROR, "a second head", stream.id)
        stream.call.receive(b"", last=True)

    def _require_cut(self, stream_id: int) -> None:
        """Return when we ended the stream, so that the client may not know yet."""
        if stream_id not in self._cut and not self._draining:
            code = ErrorCode.STREAM_CLOSED if stream_id <= self._last_id else ErrorCode.PROTOCOL_ERROR
            raise FrameError(code, "a frame on a stream that is not open")

    def _open(self, stream_id: int, block: bytes, *, ended: bool) -> None:
        try:
            head = self._heads.read(block)
        except WireError as error:
            raise FrameError(ErrorCode.PROTOCOL_ERROR, str(error), stream_id) from error
        listener = self._listener
        if self._draining or len(self._streams) >= CALLS_MAX or listener.calls >= LISTENER_CALLS_MAX:
            raise FrameError(ErrorCode.REFUSED_STREAM, "too many calls", stream_id)
        listener.calls += 1
        call = Call(head, listener.limits, lambda size: self._give_credit(size, stream))
        call.ended = ended
        stream = self._streams[stream_id] = _Stream(
            stream_id, call, self._send_window_initial, ReceiveWindow(stream_id, WINDOW_BYTES, WINDOW_BYTES)
        )
        self._active_s = self._loop.time()
        refusal = grpc_call.refuse_head(head, listener.methods)
        if head.http_status != 200:
            self._finish(stream, grpc_call.NOT_GRPC_BLOCK)
        elif refusal is not None:
            self._finish(stream, grpc_call.build_failure_block(refusal))
        else:
            stream.task = self._tasks.start(stream_id, call, listener.methods[head.path])

    def _reply(self, stream_id: int, reply: Reply) -> None:
        """The reply is written, unless the client does not want it any more."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        stream.task = None
        if reply.code:
            self._finish(stream, grpc_call.build_failure_block(reply))
            return
        self._send(build_frame(FrameType.HEADERS, END_HEADERS, stream_id, grpc_call.HEAD_BLOCK))
        stream.unsent = grpc_call.frame_message(reply.body)
        self._send_message(stream)

    def _send_message(self, stream: _Stream) -> None:
        """As much of the reply as the client has room for, and its end once all of it is sent."""
        while stream.unsent:
            size = min(len(stream.unsent), stream.send_window, self._send_window, FRAME_BYTES_MAX)
            if size <= 0:
                return
            self._send(build_frame(FrameType.DATA, 0, stream.id, stream.unsent[:size]))
            stream.unsent = stream.unsent[size:]
            stream.send_window -= size
            self._send_window -= size
        self._finish(stream, grpc_call.TRAILERS_BLOCK)

    def _finish(self, stream: _Stream, block: bytes) -> None:
        """The stream ends with the block; what the client may still send on it is thrown away."""
        self._send(build_frame(FrameType.HEADERS, END_HEADERS | END_STREAM, stream.id, block))
        self._fruitless = max(0, self._fruitless - FRUITLESS_PER_ANSWER)
        if stream.call.ended:
            self._forget(stream)
        else:
            self._reset(stream.id, ErrorCode.NO_ERROR)

    def _reset(self, stream_id: int, code: ErrorCode) -> None:
        self._send(build_frame(FrameType.RST_STREAM, 0, stream_id, code.to_bytes(4)))
        self._cut.append(stream_id)
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._forget(stream)

    def _forget(self, stream: _Stream) -> None:
        del self._streams[stream.id]
        self._listener.calls -= 1
        if not stream.call.reading:
            self._give_credit(stream.call.size)
        if stream.task is not None:
            stream.task.cancel()
        self._active_s = self._loop.time()
        self._close_when_drained()

    def _read_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        size = len(payload)
        self._receive_window.take(size)
        stream = self._streams.get(stream_id)
        data = strip_padding(flags, payload)
        if stream is None:
            self._require_cut(stream_id)
            self._give_credit(size)
            return
        if stream.call.ended:
            raise FrameError(ErrorCode.STREAM_CLOSED, "data after the end", stream_id)
        stream.receive_window.take(size)
        self._give_credit(size - len(data), stream)
        stream.call.receive(data, last=bool(flags & END_STREAM))
        if stream.call.reading:
            self._give_credit(len(data), stream)

    def _give_credit(self, size: int, stream: _Stream | None = None) -> None:
        """The client may send so much more, as soon as that is worth telling."""
        updates = self._receive_window.give(size)
        if stream is not None and not stream.call.ended:
            updates += stream.receive_window.give(size)
        if updates:
            self._send(updates)

    def _read_window_update(self, flags: int, stream_id: int, payload: bytes) -> None:
        more = read_number(payload) & WINDOW_MAX
        stream = self._streams.get(stream_id)
        if stream_id > self._last_id:
            raise FrameError(ErrorCode.PROTOCOL_ERROR, "a window of a stream that was never open")
        if more == 0:
            raise FrameError(ErrorCode.PROTOCOL_ERROR, "a window of nothing", stream_id)
        if stream_id == 0:
            self._send_window += more
        elif stream is not None:
            stream.send_window += more
        if self._send_window > WINDOW_MAX or (stream is not None and stream.send_window > WINDOW_MAX):
            raise FrameError(ErrorCode.FLOW_CONTROL_ERROR, "a window that is too large", stream_id)
        self._send_unsent()

    def _send_unsent(self) -> None:
        for stream in [stream for stream in self._streams.values() if stream.unsent]:
            self._send_message(stream)

    def _read_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        self._settled = True
        if flags & ACK:
            if payload:
                raise FrameError(ErrorCode.FRAME_SIZE_ERROR, "an acknowledgement with content")
            return
        for setting, value in read_settings(payload):
            if setting == Setting.INITIAL_WINDOW_SIZE:
                for stream in self._streams.values():
                    stream.send_window += value - self._send_window_initial
                    if stream.send_window > WINDOW_MAX:
                        raise FrameError(ErrorCode.FLOW_CONTROL_ERROR, "a window that is too large")
                self._send_window_initial = value
        self._send(build_frame(FrameType.SETTINGS, ACK, 0))
        self._send_unsent()

    def _read_ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if len(payload) != 8:
            raise FrameError(ErrorCode.FRAME_SIZE_ERROR, "PING of a broken size")
        if not flags & ACK:
            self._send(build_frame(FrameType.PING, ACK, 0, payload))

    def _read_reset(self, flags: int, stream_id: int, payload: bytes) -> None:
        read_number(payload)
        if stream_id > self._last_id:
            raise FrameError(ErrorCode.PROTOCOL_ERROR, "the reset of a stream that was never open")
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._forget(stream)

    def _read_priority(self, flags: int, stream_id: int, payload: bytes) -> None:
        check_priority(payload, stream_id)

    def _read_push_promise(self, flags: int, stream_id: int, payload: bytes) -> None:
        raise FrameError(ErrorCode.PROTOCOL_ERROR, "a client does not push")

    def _read_goaway(self, flags: int, stream_id: int, payload: bytes) -> None:
        """The client opens no further calls, and closes the connection itself."""

    _READERS: Mapping[int, Callable[[HTTP2Connection, int, int, bytes], None]] = {
        FrameType.DATA: _read_data,
        FrameType.HEADERS: _read_headers,
        FrameType.PRIORITY: _read_priority,
        FrameType.RST_STREAM: _read_reset,
        FrameType.SETTINGS: _read_settings,
        FrameType.PUSH_PROMISE: _read_push_promise,
        FrameType.PING: _read_ping,
        FrameType.GOAWAY: _read_goaway,
        FrameType.WINDOW_UPDATE: _read_window_update,
        FrameType.CONTINUATION: _read_continuation,
    }

    def _send(self, frame: bytes) -> None:
        """The frame goes out with others, once everything that is due now has been done."""
        if not self._output:
            self._loop.call_soon(self._flush)
        self._output.append(frame)

    def _flush(self) -> None:
        if self._output and not self._transport.is_closing():
            self._transport.write(b"".join(self._output))
        self._output.clear()

    def drain(self) -> None:
        """No further call is taken; the connection is closed when those that are open have ended."""
        if not self._draining:
            self._draining = True
            self._send_goaway(ErrorCode.NO_ERROR)
            self._close_when_drained()

    def cancel(self) -> None:
        """The calls that are open are cancelled, and say so."""
        for stream in self._streams.values():
            if stream.task is not None:
                stream.task.cancel()

    def abort(self) -> None:
        """The connection is cut."""
        self._transport.abort()

    def _close_when_drained(self) -> None:
        if self._draining and not self._streams:
            self._flush()
            self._transport.close()

    def _fail(self, error: FrameError) -> None:
        _log.debug("http2_connection_failed", code=error.code.name, reason=str(error))
        self._draining = True
        self._send_goaway(error.code)
        for stream in list(self._streams.values()):
            self._forget(stream)
        self._close_when_drained()

    def _send_goaway(self, code: ErrorCode) -> None:
        payload = self._last_id.to_bytes(4) + code.to_bytes(4)
        self._send(build_frame(FrameType.GOAWAY, 0, 0, payload))

    def _on_idle(self) -> None:
        """Close a connection that never began, or that has had nothing to do for a while."""
        busy = any(stream.task is not None for stream in self._streams.values())
        left_s = self._active_s + IDLE_S - self._loop.time()
        if not self._settled or (left_s <= 0 and not busy):
            self._fail(FrameError(ErrorCode.NO_ERROR, "idle"))
        else:
            self._timer = self._loop.call_later(max(left_s, 1.0), self._on_idle)


_ANYWHERE = frozenset({FrameType.WINDOW_UPDATE})
_OF_CONNECTION = frozenset({FrameType.SETTINGS, FrameType.PING, FrameType.GOAWAY})
