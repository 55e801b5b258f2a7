"""Compression of what is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

import cramjam
from isal import isal_zlib

INLINE_BYTES_MAX = 65_536
"""A larger body is compressed in a thread, so that it does not hold up other work."""

Compression = Literal["", "none", "gzip", "zlib", "deflate", "zstd", "snappy"]
"""As the YAML names it; `zlib` and `deflate` are the same."""


def content_encoding(compression: Compression) -> str:
    """The Content-Encoding that stands for it (RFC 9110 §8.4.1)."""
    return {"": "identity", "none": "identity", "zlib": "deflate"}.get(compression, compression)


async def compress(body: bytes, compression: str) -> bytes:
    """`body` in that Content-Encoding; large ones are made in a thread, which frees the GIL meanwhile."""
    encode = _ENCODERS[compression]
    if len(body) <= INLINE_BYTES_MAX:
        return encode(body)
    return await asyncio.to_thread(encode, body)


# Level 1 is what a destination can undo fastest per byte saved; more buys next to nothing for OTLP.
_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": lambda body: body,
    "gzip": lambda body: isal_zlib.compress(body, 1, 31),
    "deflate": lambda body: isal_zlib.compress(body, 1, 15),
    "zstd": lambda body: bytes(cramjam.zstd.compress(body, 1)),
    "snappy": lambda body: bytes(cramjam.snappy.compress_raw(body)),
}
