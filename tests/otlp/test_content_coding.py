from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tollspan import errors
from tollspan.otlp.content_coding import decompress

PACK: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}


@given(members=st.lists(st.binary(max_size=200), min_size=1, max_size=4), padding=st.integers(0, 20))
def test_gzip_is_undone_over_all_members_and_zero_padding(members: list[bytes], padding: int) -> None:
    body = b"".join(map(gzip.compress, members)) + bytes(padding)
    assert decompress(body, "gzip", 1000) == b"".join(members)
    assert decompress(body, "x-gzip", 1000) == b"".join(members)


@given(st.binary(max_size=200))
def test_deflate_is_the_zlib_format_and_identity_is_untouched(data: bytes) -> None:
    assert decompress(zlib.compress(data), "deflate", 200) == data
    assert decompress(data, "identity", 200) == data


@given(st.binary(max_size=200))
def test_zstd_is_a_single_frame_with_or_without_its_size(data: bytes) -> None:
    for with_size in (True, False):
        packer = zstandard.ZstdCompressor(write_content_size=with_size)
        assert decompress(packer.compress(data), "zstd", 200) == data


def test_a_zstd_frame_that_asks_for_a_huge_window_is_refused() -> None:
    long = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    packer = zstandard.ZstdCompressor(compression_params=long).compressobj()
    body = packer.compress(b"x" * 100) + packer.flush()
    with pytest.raises(errors.WireError, match="zstd"):
        decompress(body, "zstd", 1000)


@pytest.mark.parametrize("compression", ["gzip", "deflate", "zstd"])
@given(data=st.data())
def test_any_cut_flip_or_garbage_is_a_wire_error_or_the_same_bytes(
    compression: str, data: st.DataObject
) -> None:
    original = b"a span, a span, another span" * 3
    body = bytearray(PACK[compression](original))
    damage = data.draw(st.sampled_from(["cut", "flip", "append"]))
    if damage == "cut":
        del body[data.draw(st.integers(1, len(body) - 1)) :]
    elif damage == "flip":
        body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    else:
        body += b"garbage"
    try:
        unpacked = decompress(bytes(body), compression, 1000)
    except errors.WireError:
        return
    assert damage == "flip"  # gzip's header has bits that mean nothing
    assert unpacked == original


@pytest.mark.parametrize("compression", PACK)
def test_more_than_the_allowed_bytes_is_a_limit_error_and_exactly_as_many_are_not(compression: str) -> None:
    pack = PACK[compression]
    assert decompress(pack(bytes(1000)), compression, 1000) == bytes(1000)
    with pytest.raises(errors.LimitError):
        decompress(pack(bytes(1001)), compression, 1000)


def test_a_gzip_bomb_is_never_unpacked_beyond_the_limit() -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    bomb = gzip.compress(bytes(32 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(errors.LimitError):
            decompress(bomb, "gzip", 1 << 20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def test_thousands_of_empty_gzip_members_are_just_nothing() -> None:
    assert decompress(gzip.compress(b"") * 50_000, "gzip", 1000) == b""
