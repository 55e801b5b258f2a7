"""The frames of HTTP/2, as far as a server of unary calls needs them (RFC 9113 §4 and §6)."""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterable, Iterator

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client sends first (RFC 9113 §3.4)."""

FRAME_BYTES_MAX = 16_384
"""The largest payload of a frame that we take and send: what every peer must take."""

WINDOW_MAX = 2**31 - 1
WINDOW_DEFAULT = 65_535

HEAD = struct.Struct(">HBBBI")
"""A frame's first nine bytes: the length's high and low part, type, flags, stream."""


class FrameType(enum.IntEnum):
    """RFC 9113 §6."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


ACK = END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY_FLAG = 0x20


class Setting(enum.IntEnum):
    """RFC 9113 §6.5.2."""

    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


class ErrorCode(enum.IntEnum):
    """RFC 9113 §7."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class FrameError(Exception):
    """The peer broke the protocol: the stream ends with `code`, or without a stream the connection."""

    def __init__(self, code: ErrorCode, problem: str, stream_id: int = 0) -> None:
        super().__init__(problem)
        self.code = code
        self.stream_id = stream_id


class ReceiveWindow:
    """How much data the peer may still send, on a connection or one of its streams (RFC 9113 §5.2)."""

    def __init__(self, stream_id: int, size: int, bytes_max: int) -> None:
        """`size` is what the peer knows already; it will be told of up to `bytes_max`."""
        self._stream_id = stream_id
        self._size = size
        self._bytes_max = bytes_max
        self._credit = 0

    def take(self, size: int) -> None:
        """So much has come; FrameError when that is more than the peer may send."""
        self._size -= size
        if self._size < 0:
            raise FrameError(ErrorCode.FLOW_CONTROL_ERROR, "more data than the window", self._stream_id)

    def give(self, size: int) -> bytes:
        """There is room for so much again: the frame that tells the peer, none while it is not worth one."""
        self._credit += size
        if self._credit < self._bytes_max // 2:
            return b""
        credit, self._credit = self._credit, 0
        self._size += credit
        return build_frame(FrameType.WINDOW_UPDATE, 0, self._stream_id, credit.to_bytes(4))


class FrameReader:
    """Takes the frames of a client out of the bytes that come."""

    def __init__(self) -> None:
        self._begun = False
        self._partial = bytearray()
        self._wanted = len(PREFACE)

    def feed(self, data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        """Type, flags, stream and payload of each frame that is whole now.

        FrameError when the bytes do not begin as HTTP/2 does, or a frame is too large.
        """
        if self._partial:
            self._partial += data
            if len(self._partial) < self._wanted:
                return
            data = bytes(self._partial)
            self._partial.clear()
        position, end = self._skip_preface(data), len(data)
        while self._begun and end - position >= HEAD.size:
            high, low, frame_type, flags, stream_id = HEAD.unpack_from(data, position)
            length = high << 8 | low
            if length > FRAME_BYTES_MAX:
                raise FrameError(ErrorCode.FRAME_SIZE_ERROR, "a frame is too large")
            self._wanted = HEAD.size + length
            if end - position < self._wanted:
                break
            yield (
                frame_type,
                flags,
                stream_id & WINDOW_MAX,
                data[position + HEAD.size : position + self._wanted],
            )
            position += self._wanted
            self._wanted = HEAD.size
        self._partial += data[position:]

    def _skip_preface(self, data: bytes) -> int:
        """Where the frames begin."""
        if self._begun:
            return 0
        if not (data.startswith(PREFACE) or PREFACE.startswith(data)):
            raise FrameError(ErrorCode.PROTOCOL_ERROR, "this is not HTTP/2")
        if len(data) < len(PREFACE):
            return 0
        self._begun, self._wanted = True, HEAD.size
        return len(PREFACE)


def build_frame(frame_type: FrameType, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """One frame; the payload is at most FRAME_BYTES_MAX long."""
    return HEAD.pack(len(payload) >> 8, len(payload) & 0xFF, frame_type, flags, stream_id) + payload


def build_settings(settings: Iterable[tuple[Setting, int]]) -> bytes:
    """The frame that tells the peer our settings."""
    payload = b"".join(struct.pack(">HI", *setting) for setting in settings)
    return build_frame(FrameType.SETTINGS, 0, 0, payload)


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """The peer's settings, in their order; FrameError when one is not allowed."""
    if len(payload) % 6:
        raise FrameError(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS of a broken size")
    settings = list(struct.iter_unpack(">HI", payload))
    for setting, value in settings:
        if setting == Setting.INITIAL_WINDOW_SIZE and value > WINDOW_MAX:
            raise FrameError(ErrorCode.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is too large")
        if (setting == Setting.ENABLE_PUSH and value > 1) or (
            setting == Setting.MAX_FRAME_SIZE and not FRAME_BYTES_MAX <= value < 2**24
        ):
            raise FrameError(ErrorCode.PROTOCOL_ERROR, "a setting is out of its range")
    return settings


def read_number(payload: bytes, stream_id: int = 0) -> int:
    """The 31 or 32 bits that are the whole payload of WINDOW_UPDATE and RST_STREAM; FrameError otherwise."""
    if len(payload) != 4:
        raise FrameError(ErrorCode.FRAME_SIZE_ERROR, f"a frame of a broken size on stream {stream_id}")
    return int.from_bytes(payload)


def strip_padding(flags: int, payload: bytes) -> bytes:
    """The payload without its padding (RFC 9113 §6.1); FrameError when there is more padding than payload."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise FrameError(ErrorCode.PROTOCOL_ERROR, "more padding than payload")
    return payload[1 : len(payload) - payload[0]]


def strip_priority(flags: int, payload: bytes, stream_id: int) -> bytes:
    """The header block of a HEADERS frame without the deprecated priority (RFC 9113 §5.3.2)."""
    if not flags & PRIORITY_FLAG:
        return payload
    if len(payload) < 5:
        raise FrameError(ErrorCode.FRAME_SIZE_ERROR, "HEADERS too short for their priority")
    check_priority(payload[:5], stream_id)
    return payload[5:]


def check_priority(payload: bytes, stream_id: int) -> None:
    """Return when the five bytes are a priority, which means nothing any more; else FrameError."""
    if len(payload) != 5:
        raise FrameError(ErrorCode.FRAME_SIZE_ERROR, "PRIORITY of a broken size", stream_id)
    if int.from_bytes(payload[:4]) & WINDOW_MAX == stream_id:
        raise FrameError(ErrorCode.PROTOCOL_ERROR, "a stream depends on itself", stream_id)


def encode_fields(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A header block of literals that change no table: any connection can send it (RFC 7541 §6.2.2)."""
    return b"".join(b"\0" + _encode_text(name) + _encode_text(value) for name, value in fields)


def _encode_text(text: bytes) -> bytes:
    """RFC 7541 §5.2, without Huffman code; its length is an integer with a prefix of seven bits (§5.1)."""
    length = len(text)
    if length < 127:
        return bytes((length,)) + text
    length -= 127
    digits = bytearray(b"\x7f")
    while length >= 128:
        digits.append(length & 0x7F | 0x80)
        length >>= 7
    digits.append(length)
    return bytes(digits) + text
