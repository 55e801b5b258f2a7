"""Content codings undone within a bound (RFC 9110 §8.4.1)."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

from zlib_ng import gzip_ng, zlib_ng

from tollspan.errors import LimitError, WireError


def decompress(body: bytes, compression: str, bytes_max: int) -> bytes:
    """The request as it was before its Content-Encoding.

    Never makes more than `bytes_max` + 1 bytes; raises LimitError beyond. A gzip body may
    have no member, several, and zero padding; whatever else follows, a truncated stream
    and a wrong checksum are WireErrors. `deflate` is the zlib format (RFC 9110 §8.4.1.2), `zstd`
    a single frame (RFC 8878) with a window of at most 8 MiB.
    """
    try:
        data = CODINGS[compression](body, bytes_max + 1)
    except (EOFError, OSError, zlib_ng.error) as error:  # type: ignore[misc]  # the stub says: an instance
        raise WireError(f"the body is not valid {compression}: {error}") from error
    if len(data) > bytes_max:
        raise LimitError("bytes of uncompressed body", bytes_max)
    return data


def _gunzip(body: bytes, bytes_max: int) -> bytes:
    member = zlib_ng.decompressobj(wbits=31)
    data = member.decompress(body, bytes_max)
    if len(data) == bytes_max or (member.eof and not member.unused_data):
        return data
    # Not one whole member, as it is nearly always: the slower reader knows every other case.
    with gzip_ng.GzipNGFile(fileobj=io.BytesIO(body)) as stream:  # type: ignore[no-untyped-call]  # no stub
        return stream.read(bytes_max)


def _inflate(body: bytes, bytes_max: int) -> bytes:
    stream = zlib_ng.decompressobj()
    data = stream.decompress(body, bytes_max)
    if len(data) < bytes_max and not stream.eof:
        raise EOFError("it ends too early")
    if stream.unused_data:
        raise EOFError("something follows its end")
    return data


def _unzstd(body: bytes, bytes_max: int) -> bytes:
    # Servers have it installed; the SDK, which imports this module too, does without.
    import zstandard  # noqa: PLC0415 - see above

    try:
        # A window is memory that the body alone asks for (RFC 9659: at most 8 MiB).
        unpacker = zstandard.ZstdDecompressor(max_window_size=8 << 20)
        data = unpacker.stream_reader(body).read(bytes_max)
        if len(data) == bytes_max:
            return data
        # The reader does not tell a frame that was cut off from one that has ended; this does.
        frame = unpacker.decompressobj()
        data = frame.decompress(body)
    except zstandard.ZstdError as error:
        raise OSError(str(error)) from error
    if not frame.eof:
        raise EOFError("it ends too early")
    if frame.unused_data:
        raise EOFError("something follows its end")
    return data


CODINGS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "identity": lambda body, _: body,
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "zstd": _unzstd,
}
"""Each undoes its coding, and makes at most that many bytes."""
