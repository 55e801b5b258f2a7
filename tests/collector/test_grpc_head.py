import contextlib

import pytest
from hpack import Encoder
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.grpc_head import HEADS_KEPT_MAX, HeadDecoder, read_call_head
from tollspan.collector.http2_frames import FrameError
from tollspan.errors import WireError

FIELDS = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/test.Echo/Say"),
    (":authority", "localhost"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
]


def with_field(name, value):
    return [*FIELDS, (name, value)]


def test_a_head_has_its_metadata_path_compression_and_time():
    head = read_call_head(
        [*FIELDS, ("grpc-encoding", "gzip"), ("grpc-timeout", "1500m"), ("a", "b"), ("a", "c")]
    )
    assert (head.path, head.compression, head.timeout_s) == ("/test.Echo/Say", "gzip", 1.5)
    assert head.metadata["a"] == "b, c"


@pytest.mark.parametrize(
    ("timeout", "seconds"), [("2H", 7200), ("2M", 120), ("2S", 2), ("2m", 0.002), ("2u", 2e-6), ("2n", 2e-9)]
)
def test_every_unit_of_time_is_known(timeout, seconds):
    assert read_call_head(with_field("grpc-timeout", timeout)).timeout_s == seconds


@pytest.mark.parametrize(
    "fields",
    [
        with_field("Upper", "x"),
        with_field("connection", "close"),
        with_field("te", "gzip"),
        with_field(":path", "/again"),
        with_field(":status", "200"),
        with_field("grpc-timeout", "1"),
        with_field("grpc-timeout", "123456789S"),
        with_field("", "x"),
        [("a", "b"), *FIELDS],
        FIELDS[1:],
        [field for field in FIELDS if field[0] != ":path"],
        [],
    ],
)
def test_a_malformed_head_is_refused(fields):
    with pytest.raises(WireError):
        read_call_head(fields)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/grpc", 200),
        ("application/grpc+proto", 200),
        ("application/grpc;x=y", 200),
        ("application/grpc-web", 415),
        ("application/json", 415),
    ],
)
def test_what_is_no_grpc_is_told_by_its_content_type(content_type, status):
    fields = [*FIELDS[:-1], ("content-type", content_type)]
    assert read_call_head(fields).http_status == status


@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=3), max_size=30))
def test_heads_that_are_kept_are_those_that_would_be_read_again(heads):
    encoder, decoder = Encoder(), HeadDecoder()
    for extra in heads:
        fields = FIELDS + extra
        head = decoder.read(encoder.encode(fields))
        assert head == read_call_head(fields)


def test_so_many_heads_are_kept_and_no_more():
    encoder, decoder = Encoder(), HeadDecoder()
    decoder.read(encoder.encode([*FIELDS, ("a", "b")]))
    for repeats in range(HEADS_KEPT_MAX + 10):
        fields = FIELDS + [("a", "b")] * repeats
        assert decoder.read(encoder.encode(fields)) == read_call_head(fields)
    assert len(decoder._heads) == HEADS_KEPT_MAX


@given(st.binary(max_size=60))
def test_any_block_is_a_head_or_refused(block):
    with contextlib.suppress(FrameError, WireError):
        HeadDecoder().read(block)
