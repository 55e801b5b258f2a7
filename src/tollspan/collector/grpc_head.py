"""The head of a gRPC call: what its HTTP/2 header block says (gRPC over HTTP/2, RFC 9113 §8.2 and §8.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from hpack import Decoder, HPACKError

from tollspan.collector.http2_frames import ErrorCode, FrameError
from tollspan.errors import WireError

HEADS_KEPT_MAX = 64
"""So many heads of a connection are kept as they were read: a client sends the same few again and again."""

_UNITS_S = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


@dataclass(frozen=True, slots=True)
class CallHead:
    """What the headers of a call say; `metadata` has all of them, by lower-case name."""

    path: str
    metadata: Mapping[str, str]
    compression: str
    timeout_s: float | None
    http_status: int = 200
    """What to answer instead, when this is no gRPC call."""


class HeadDecoder:
    """Reads the header blocks of one connection, which must all be given to it, in their order."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._heads: dict[bytes, CallHead] = {}

    def decode(self, block: bytes) -> list[tuple[str, str]]:
        """The fields; FrameError when the block cannot be decompressed, which ends the connection."""
        try:
            return cast("list[tuple[str, str]]", self._decoder.decode(block))
        except (HPACKError, ValueError, OverflowError) as error:
            raise FrameError(ErrorCode.COMPRESSION_ERROR, "a head cannot be decompressed") from error

    def read(self, block: bytes) -> CallHead:
        """The head of a call; WireError when it is malformed, FrameError as `decode`."""
        head = self._heads.get(block)
        if head is not None:
            return head
        # A block in which every field is an index says the same as long as the table stays the same.
        indexed = bool(block) and min(block) >= 0x80
        if not indexed:
            self._heads.clear()
        head = read_call_head(self.decode(block))
        if indexed and len(self._heads) < HEADS_KEPT_MAX:
            self._heads[block] = head
        return head


def read_call_head(fields: Iterable[tuple[str, str]]) -> CallHead:
    """The head of a request; WireError when it is malformed (RFC 9113 §8.2 and §8.3)."""
    headers: dict[str, str] = {}
    for name, value in fields:
        pseudo = name.startswith(":")
        if not _NAME.fullmatch(name) or name in _FORBIDDEN or (name == "te" and value != "trailers"):
            raise WireError("a header that HTTP/2 does not allow")
        if pseudo and (name not in _PSEUDO or name in headers or not headers.keys() <= _PSEUDO):
            raise WireError("pseudo-headers out of place")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if not headers.get(":path") or ":method" not in headers or ":scheme" not in headers:
        raise WireError("a request without method, scheme or path")
    is_grpc = headers[":method"] == "POST" and _CONTENT_TYPE.match(headers.get("content-type", ""))
    return CallHead(
        headers[":path"],
        headers,
        headers.get("grpc-encoding", "identity"),
        _timeout_s(headers.get("grpc-timeout")),
        200 if is_grpc else 415,
    )


_NAME = re.compile(r":?[a-z0-9!#$%&'*+.^_`|~-]+")
_CONTENT_TYPE = re.compile(r"application/grpc(?:$|[+;])")
_PSEUDO = frozenset({":method", ":scheme", ":path", ":authority"})
_FORBIDDEN = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})


def _timeout_s(text: str | None) -> float | None:
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,8}[HMSmun]", text, re.ASCII):
        raise WireError("grpc-timeout is no time")
    return int(text[:-1]) * _UNITS_S[text[-1]]
