import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import jaeger
from tollspan.collector.receivers.jaeger.model import Span
from tollspan.collector.receivers.jaeger.thrift import read_batch
from tollspan.errors import WireError


def test_a_batch_without_spans_has_none():
    assert read_batch(jaeger.thrift_batch()) == []


@given(st.binary(max_size=200))
def test_garbage_is_a_wire_error_or_spans(body):
    with contextlib.suppress(WireError):
        assert all(isinstance(span, Span) for span in read_batch(body))


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
def test_a_damaged_batch_is_a_wire_error_or_spans(place, byte):
    body = bytearray(jaeger.thrift_batch(jaeger.thrift_span(tags={"a": "b"}, logs=[(1, {"c": 2})]), x="y"))
    body[place % len(body)] = byte
    with contextlib.suppress(WireError):
        read_batch(bytes(body))


def test_lengths_are_bounded_by_the_body():
    with pytest.raises(WireError, match="a length is longer than the batch"):
        read_batch(struct.pack(">bhbi", 15, 2, 12, 0x7FFFFFFF))


def test_nesting_is_bounded():
    with pytest.raises(WireError, match="nested too deep"):
        read_batch(b"\x0c\x00\x01" * 100_000)
