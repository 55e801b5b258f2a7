from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.otlp import _buffer
from tollspan.otlp.protobuf import varint

trees = st.recursive(st.binary(max_size=300), lambda inner: st.lists(inner, max_size=4), max_leaves=12)
"""Nested length-prefixed things, with lengths on both sides of every size of a varint."""


def prefixed(tree: bytes | list[bytes]) -> bytes:
    content = tree if isinstance(tree, bytes) else b"".join(map(prefixed, tree))
    return varint(len(content)) + content


def write_prefixed(buffer: _buffer.Buffer, tree: bytes | list[bytes]) -> None:
    start = buffer.open_length()
    if isinstance(tree, bytes):
        buffer.write(tree)
    else:
        for child in tree:
            write_prefixed(buffer, child)
    buffer.close_length(start)


@given(trees)
def test_every_length_stands_before_what_it_measures(tree: bytes | list[bytes]) -> None:
    buffer = _buffer.Buffer()
    write_prefixed(buffer, tree)
    assert bytes(buffer) == prefixed(tree)


@pytest.mark.parametrize("size", [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_a_length_takes_as_many_bytes_as_it_needs(size: int) -> None:
    buffer = _buffer.Buffer()
    buffer.write(b"before")
    write_prefixed(buffer, bytes(size))
    buffer.write(b"after")
    assert bytes(buffer) == b"before" + prefixed(bytes(size)) + b"after"


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_varints_are_those_of_protobuf(numbers: list[int]) -> None:
    buffer = _buffer.Buffer()
    for number in numbers:
        buffer.write_varint(number)
    assert bytes(buffer) == b"".join(map(varint, numbers))


@given(st.binary(), st.binary())
def test_what_was_cut_off_leaves_no_trace(kept: bytes, cut: bytes) -> None:
    buffer = _buffer.Buffer()
    buffer.write(kept)
    buffer.write(cut)
    buffer.truncate(len(kept))
    assert len(buffer) == len(kept)
    assert bytes(buffer) == kept


@pytest.mark.parametrize("size", [-1, 4])
def test_a_buffer_cannot_be_cut_outside_itself(size: int) -> None:
    buffer = _buffer.Buffer()
    buffer.write(b"abc")
    with pytest.raises(ValueError, match="cut back"):
        buffer.truncate(size)
    with pytest.raises(ValueError, match="opened"):
        buffer.close_length(size)
