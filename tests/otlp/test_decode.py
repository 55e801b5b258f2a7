from random import Random
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from helpers.otlp_strategies import REQUESTS, signal_requests, signal_wires, wires
from helpers.rebuild import canonical, items, last_keys_win, rebuild, remove_unsound
from helpers.scrambled_wire import scramble
from tollspan.errors import LimitError, WireError
from tollspan.otlp import _decode, _reshape, schema
from tollspan.otlp.protobuf import field_bytes, field_varint, varint
from tollspan.otlp.signals import Signal

ID_FIELDS = field_bytes(1, b"t" * 16) + field_bytes(2, b"s" * 8)


def traces(*spans: bytes) -> bytes:
    """A request with one scope and these serialised spans."""
    return field_bytes(1, field_bytes(2, b"".join(field_bytes(2, span) for span in spans)))


def assert_agrees_with_protobuf(signal: Signal, wire: bytes) -> None:
    """What official protobuf reads from `wire`, less what OTLP forbids, is what we read."""
    official = REQUESTS[signal].FromString(wire)
    decoded = _decode.decode(signal.value, wire)
    assert _reshape.count(signal.value, wire) == len(items(signal, official))
    assert decoded.rejected == remove_unsound(signal, official)
    assert decoded.items == len(items(signal, official))
    assert len(decoded.problems) == min(decoded.rejected, 5)
    last_keys_win(official)
    assert canonical(rebuild(signal, decoded)) == canonical(official)


def verdict(signal: Signal, wire: bytes) -> _decode.Decoded | WireError | LimitError:
    try:
        return _decode.decode(signal.value, wire)
    except (WireError, LimitError) as refused:
        return refused


def assert_is_read_or_refused(signal: Signal, wire: bytes) -> None:
    """Broken bytes raise a documented error or cost only what is broken; sound ones are read."""
    try:
        REQUESTS[signal].FromString(wire)
    except DecodeError:
        outcome = verdict(signal, wire)
        assert isinstance(outcome, _decode.Decoded) or 0 <= outcome.offset <= len(wire)
    else:
        assert_agrees_with_protobuf(signal, wire)


@given(signal_requests())
def test_decoding_is_the_inverse_of_official_encoding(case: tuple[Signal, Any]) -> None:
    signal, request = case
    wire = request.SerializeToString()
    assert _decode.decode(signal.value, wire).rejected == 0
    assert_agrees_with_protobuf(signal, wire)


@given(
    signal_requests(),
    st.randoms(use_true_random=False),
)
def test_any_legal_way_to_write_a_message_reads_as_protobuf_reads_it(
    case: tuple[Signal, Any], random: Random
) -> None:
    signal, request = case
    assert_agrees_with_protobuf(signal, scramble(request, random))


@given(signal_wires(), st.data())
def test_a_truncated_message_is_read_or_refused(case: tuple[Signal, bytes], data: st.DataObject) -> None:
    signal, wire = case
    assert_is_read_or_refused(signal, wire[: data.draw(st.integers(0, len(wire)))])


@given(signal_wires(), st.data())
def test_a_message_with_a_flipped_bit_is_read_or_refused(
    case: tuple[Signal, bytes], data: st.DataObject
) -> None:
    signal, wire = case
    assume(wire)
    bit = data.draw(st.integers(0, 8 * len(wire) - 1))
    flipped = bytearray(wire)
    flipped[bit // 8] ^= 1 << bit % 8
    assert_is_read_or_refused(signal, bytes(flipped))


@pytest.mark.parametrize("signal", Signal)
@settings(max_examples=2, deadline=None)
@given(data=st.data())
def test_every_truncation_and_every_bit_flip_is_read_or_refused(signal: Signal, data: st.DataObject) -> None:
    wire = data.draw(wires(signal).filter(lambda wire: 60 < len(wire) < 200))
    for byte in range(len(wire)):
        assert_is_read_or_refused(signal, wire[:byte])
        for bit in range(8):
            assert_is_read_or_refused(signal, wire[:byte] + bytes([wire[byte] ^ 1 << bit]) + wire[byte + 1 :])


@given(st.sampled_from(Signal), st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(signal: Signal, wire: bytes) -> None:
    assert_is_read_or_refused(signal, wire)


@pytest.mark.parametrize("signal", Signal)
def test_no_telemetry_is_a_success(signal: Signal) -> None:
    for wire in (b"", field_bytes(1, b""), field_bytes(1, field_bytes(2, b""))):
        decoded = _decode.decode(signal.value, wire)
        assert (decoded.items, decoded.rejected, decoded.problems) == (0, 0, [])


@pytest.mark.parametrize(
    ("wire", "offset"),
    [
        (b"\x0a\x05\x12", 2),  # a resource entry longer than the message
        (field_bytes(1, b"\x12\x7f"), 4),  # a scope entry longer than its resource entry
        (field_bytes(1, field_bytes(2, b"\x12\x7f")), 6),  # a span longer than its scope entry
        (field_bytes(1, field_bytes(1, b"\x0a\x7f")), 6),  # a broken resource
        (field_bytes(1, field_bytes(2, field_bytes(1, b"\x0a\x7f"))), 8),  # a broken scope
        (b"\x0f", 1),  # wire type 7
        (b"\x00", 1),  # field 0
        (b"\xff" * 11, 10),  # a tag of eleven bytes
    ],
)
def test_a_broken_envelope_refuses_the_message_and_says_where(wire: bytes, offset: int) -> None:
    with pytest.raises(WireError) as refused:
        _decode.decode("traces", wire)
    assert refused.value.offset == offset


@pytest.mark.parametrize("field", [1, 2])
def test_a_scope_name_or_version_that_is_not_utf8_refuses_the_message(field: int) -> None:
    scope = field_bytes(1, field_bytes(field, b"\xff"))
    with pytest.raises(WireError, match="UTF-8"):
        _decode.decode("logs", field_bytes(1, field_bytes(2, scope)))


def test_a_bad_span_costs_that_span_alone() -> None:
    good = ID_FIELDS + field_bytes(9, field_bytes(1, b"kept"))
    bad = (
        field_bytes(9, field_bytes(1, b"lost"))
        + field_bytes(11, field_bytes(2, b"lost"))
        + field_bytes(13, b"")
    )
    decoded = _decode.decode("traces", traces(good, bad, good))
    assert (decoded.items, decoded.rejected) == (2, 1)
    assert list(decoded.tables["span_attributes"].columns["key"]) == [b"kept", b"kept"]
    assert [decoded.tables[name].rows for name in ("spans", "span_events", "span_links")] == [2, 0, 0]


def test_the_first_five_problems_are_explained_and_all_are_counted() -> None:
    decoded = _decode.decode("traces", traces(ID_FIELDS, *[b""] * 7))
    assert (decoded.items, decoded.rejected) == (1, 7)
    assert [problem.split(":")[:2] for problem in decoded.problems] == [
        [f"span {number}", " trace_id"] for number in range(1, 6)
    ]


@pytest.mark.parametrize(
    ("span", "problem"),
    [
        (ID_FIELDS + b"\x2a\x7f", "span 0: name: a value runs past the end of its message (byte 36)"),
        (ID_FIELDS + field_bytes(5, b"\xff"), "span 0: name: text is not UTF-8 (byte 37)"),
        (b"\x07", "span 0: this is not a field tag (byte 7)"),
        (
            ID_FIELDS + field_varint(6, 1)[:1] + b"\xff" * 10,
            "span 0: kind: a varint is longer than ten bytes (byte 45)",
        ),
        (
            ID_FIELDS + field_bytes(9, b"\x0a\x7f"),
            "span 0: attributes: a value runs past the end of its message (byte 38)",
        ),
        (ID_FIELDS + b"\xfb\x3e", "span 0: field 1007: a group is not closed as it was opened (byte 36)"),
    ],
)
def test_a_problem_names_the_item_the_field_and_the_byte(span: bytes, problem: str) -> None:
    assert _decode.decode("traces", traces(span)).problems == [problem]


def test_items_over_the_limit_refuse_the_message() -> None:
    wire = traces(ID_FIELDS, b"", ID_FIELDS)
    assert _decode.decode("traces", wire, items_max=3).items == 2
    with pytest.raises(LimitError) as refused:
        _decode.decode("traces", wire, items_max=2)
    assert (refused.value.what, refused.value.limit) == ("spans", 2)


def many(field: int, body: bytes = b"", times: int = 1_000_000) -> bytes:
    return field_bytes(field, body) * times


@pytest.mark.parametrize(
    ("signal", "wire"),
    [
        pytest.param(Signal.TRACES, many(1), id="resource entries"),
        pytest.param(Signal.TRACES, field_bytes(1, many(2)), id="scope entries"),
        pytest.param(Signal.TRACES, field_bytes(1, field_bytes(2, many(2))), id="spans"),
        pytest.param(Signal.TRACES, traces(ID_FIELDS + many(9)), id="attributes"),
        pytest.param(Signal.TRACES, traces(ID_FIELDS + many(11)), id="events"),
        pytest.param(Signal.TRACES, traces(ID_FIELDS + many(13)), id="links"),
        pytest.param(Signal.METRICS, field_bytes(1, field_bytes(2, many(2))), id="metrics"),
        pytest.param(Signal.LOGS, field_bytes(1, field_bytes(2, many(2))), id="log records"),
    ],
)
def test_a_bomb_of_empty_messages_takes_no_more_memory_than_its_size_allows(
    signal: Signal, wire: bytes
) -> None:
    outcome = verdict(signal, wire)
    if isinstance(outcome, _decode.Decoded):
        bytes_max = _decode.MEMORY_BYTES_FREE + _decode.MEMORY_BYTES_PER_WIRE_BYTE * len(wire)
        assert bytes_of(signal, outcome) <= bytes_max
    else:
        assert outcome.limit == _decode.MEMORY_BYTES_PER_WIRE_BYTE


def test_a_bomb_of_empty_links_is_refused() -> None:
    with pytest.raises(LimitError, match="at most 16 bytes of columns for each byte"):
        _decode.decode("traces", traces(ID_FIELDS + many(13)))


def bytes_of(signal: Signal, decoded: _decode.Decoded) -> int:
    return sum(
        decoded.tables[table.name].rows * column.kind.width
        for table in schema.TABLES[signal]
        for column in table.columns
    )


def test_groups_are_skipped_to_the_depth_that_protobuf_allows() -> None:
    open_group, close_group = varint(7 << 3 | 3), varint(7 << 3 | 4)
    _decode.decode("traces", open_group * 100 + close_group * 100)
    with pytest.raises(WireError, match="group"):
        _decode.decode("traces", open_group * 101 + close_group * 101)


@pytest.mark.parametrize("wire", [b"\x3b\x44", b"\x3b", b"\x3c", b"\x3b\x43\x3c\x44"])
def test_a_group_that_is_not_closed_as_it_was_opened_refuses_the_message(wire: bytes) -> None:
    with pytest.raises(WireError):
        _decode.decode("traces", wire)


def test_an_unknown_signal_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        _decode.decode("profiles", b"")
    with pytest.raises(TypeError):
        _decode.decode("traces", bytearray())  # type: ignore[arg-type]  # the point of the test
