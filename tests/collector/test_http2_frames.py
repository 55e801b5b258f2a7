import contextlib
import itertools

import pytest
from hpack import Decoder
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.http2_frames import (
    FRAME_BYTES_MAX,
    PADDED,
    PREFACE,
    ErrorCode,
    FrameError,
    FrameReader,
    FrameType,
    ReceiveWindow,
    Setting,
    build_frame,
    build_settings,
    encode_fields,
    read_number,
    read_settings,
    strip_padding,
    strip_priority,
)

FRAMES = st.lists(
    st.tuples(
        st.sampled_from(FrameType), st.integers(0, 255), st.integers(0, 2**31 - 1), st.binary(max_size=60)
    ),
    max_size=6,
)


def cut(data, places):
    """The data in pieces."""
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(bounds)]


@given(FRAMES, st.lists(st.integers(0, 10_000), max_size=8))
def test_frames_are_read_as_they_were_built_however_they_come(frames, places):
    reader, data = FrameReader(), PREFACE + b"".join(build_frame(*frame) for frame in frames)
    assert [frame for piece in cut(data, places) for frame in reader.feed(piece)] == frames


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_are_frames_or_a_frame_error(pieces):
    reader = FrameReader()
    with contextlib.suppress(FrameError):
        for piece in [PREFACE, *pieces]:
            for *_, payload in reader.feed(piece):
                assert len(payload) <= FRAME_BYTES_MAX


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"PRI * HTTP/2.0\r\n\r\nXX"])
def test_what_does_not_begin_as_http2_is_refused_at_once(data):
    with pytest.raises(FrameError, match="not HTTP/2"):
        list(FrameReader().feed(data))


def test_a_frame_that_announces_too_much_is_refused_before_it_comes():
    with pytest.raises(FrameError, match="too large"):
        list(FrameReader().feed(PREFACE + b"\x00\x40\x01\x00\x00\x00\x00\x00\x01"))


@given(st.binary(max_size=300), st.integers(0, 255))
def test_padding_is_taken_off(content, padding):
    assert strip_padding(PADDED, bytes((padding,)) + content + bytes(padding)) == content
    assert strip_padding(0, content) == content


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x05abcd"])
def test_more_padding_than_payload_is_an_error(payload):
    with pytest.raises(FrameError, match="padding"):
        strip_padding(PADDED, payload)


def test_a_priority_is_skipped_unless_the_stream_depends_on_itself():
    assert strip_priority(0x20, b"\x80\x00\x00\x03\x10block", 1) == b"block"
    with pytest.raises(FrameError, match="itself"):
        strip_priority(0x20, b"\x80\x00\x00\x01\x10block", 1)
    with pytest.raises(FrameError, match="too short"):
        strip_priority(0x20, b"\x80", 1)


def test_settings_are_read_as_they_were_built():
    settings = [(Setting.MAX_CONCURRENT_STREAMS, 7), (Setting.INITIAL_WINDOW_SIZE, 2**31 - 1)]
    ((_, _, _, payload),) = FrameReader().feed(PREFACE + build_settings(settings))
    assert read_settings(payload) == settings


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x00", ErrorCode.FRAME_SIZE_ERROR),
        (b"\x00\x04\x80\x00\x00\x00", ErrorCode.FLOW_CONTROL_ERROR),
        (b"\x00\x02\x00\x00\x00\x02", ErrorCode.PROTOCOL_ERROR),
        (b"\x00\x05\x00\x00\x00\x01", ErrorCode.PROTOCOL_ERROR),
    ],
)
def test_settings_out_of_their_range_are_errors(payload, code):
    with pytest.raises(FrameError) as caught:
        read_settings(payload)
    assert caught.value.code is code


def test_a_number_has_four_bytes():
    assert read_number(b"\x00\x00\x01\x00") == 256
    with pytest.raises(FrameError, match="broken size"):
        read_number(b"\x00")


@given(st.lists(st.integers(0, 1000), max_size=30))
def test_a_peer_that_sends_what_it_was_told_never_runs_out(sizes):
    window, told = ReceiveWindow(3, 1000, 1000), 1000
    for wanted in sizes:
        size = min(wanted, told)
        window.take(size)
        told -= size
        update = window.give(size)
        told += int.from_bytes(update[9:])
        assert told >= 500
    with pytest.raises(FrameError, match="more data than the window"):
        window.take(told + 1)


@given(
    st.lists(
        st.tuples(st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=200), st.text(max_size=300))
    )
)
def test_an_hpack_decoder_reads_the_fields_and_keeps_its_table(fields):
    decoder = Decoder()
    block = encode_fields((name.encode(), value.encode()) for name, value in fields)
    assert [tuple(field) for field in decoder.decode(block)] == fields
    assert len(decoder.header_table.dynamic_entries) == 0
