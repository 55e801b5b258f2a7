import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.compression import INLINE_BYTES_MAX, compress, content_encoding
from tollspan.otlp.content_coding import decompress

UNDO = {
    "identity": bytes,
    "gzip": lambda body: decompress(body, "gzip", 1 << 24),
    "deflate": lambda body: decompress(body, "deflate", 1 << 24),
    "zstd": lambda body: bytes(cramjam.zstd.decompress(body)),
    "snappy": lambda body: bytes(cramjam.snappy.decompress_raw(body)),
}


@pytest.mark.parametrize("name", UNDO)
@given(st.binary(max_size=200))
async def test_what_was_compressed_is_what_a_receiver_gets(name, body):
    assert UNDO[name](await compress(body, name)) == body


@pytest.mark.parametrize("name", UNDO)
async def test_large_bodies_too(name):
    body = b"abc" * INLINE_BYTES_MAX
    assert UNDO[name](await compress(body, name)) == body


def test_the_words_of_the_yaml_stand_for_content_encodings():
    words = {"": "identity", "none": "identity", "zlib": "deflate", "gzip": "gzip", "zstd": "zstd"}
    assert {word: content_encoding(word) for word in words} == words
