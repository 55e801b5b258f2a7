import gc
import io
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tollspan.otlp import _columns, _decode, schema
from tollspan.otlp.signals import Signal

CODES = {"B": "B", "i": "i", "I": "I", "Q": "Q", "d": "d", "s": "B"}


def decoded_spans(spans: int = 3) -> _decode.Decoded:
    request = ExportTraceServiceRequest()
    scope_spans = request.resource_spans.add().scope_spans.add()
    for number in range(spans):
        span = scope_spans.spans.add(trace_id=bytes([1] * 16), span_id=number.to_bytes(8, "big")[:7] + b"\1")
        span.name = f"step {number % 2}"
        span.trace_state = "x" * number
        span.start_time_unix_nano = number
        span.attributes.add(key="number").value.int_value = number
    return _decode.decode("traces", request.SerializeToString())


def column(name: str, spans: int = 3) -> Any:
    return decoded_spans(spans).tables["spans"].columns[name]


def test_a_fixed_column_reads_as_numbers() -> None:
    start = column("start_unix_nano")
    assert isinstance(start, _columns.Fixed)
    assert list(start) == [0, 1, 2]
    assert memoryview(start.data).tolist() == [0, 1, 2]
    assert (start.format, start.width, len(start)) == ("Q", 8, 3)


def test_a_column_of_ids_reads_as_bytes() -> None:
    trace_id = column("trace_id")
    assert isinstance(trace_id, _columns.Fixed)
    assert list(trace_id) == [bytes([1] * 16)] * 3
    assert bytes(memoryview(trace_id.data)) == bytes([1] * 48)
    assert (trace_id.format, trace_id.width) == ("s", 16)


def test_a_text_column_is_cut_by_its_offsets() -> None:
    trace_state = column("trace_state")
    assert isinstance(trace_state, _columns.Text)
    assert list(trace_state) == [b"", b"x", b"xx"]
    assert memoryview(trace_state.offsets).tolist() == [0, 0, 1, 3]
    assert bytes(memoryview(trace_state.data)) == b"xxx"


def test_a_dictionary_column_keeps_each_string_once_in_order_of_appearance() -> None:
    name = column("name", spans=5)
    assert isinstance(name, _columns.Dictionary)
    assert list(name) == [b"step 0", b"step 1", b"step 0", b"step 1", b"step 0"]
    assert list(name.values) == [b"step 0", b"step 1"]
    assert memoryview(name.indices).tolist() == [0, 1, 0, 1, 0]


def test_an_offsets_column_gives_the_rows_of_each_owner() -> None:
    attributes = column("attributes")
    assert isinstance(attributes, _columns.Offsets)
    assert list(attributes) == [range(1), range(1, 2), range(2, 3)]
    assert memoryview(attributes.data).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("signal", Signal)
def test_an_empty_table_has_every_column_and_no_rows(signal: Signal) -> None:
    decoded = _decode.decode(signal.value, b"")
    assert list(decoded.tables) == [table.name for table in schema.TABLES[signal]]
    for table in schema.TABLES[signal]:
        empty = decoded.tables[table.name]
        assert empty.rows == 0
        assert {name: list(cells) for name, cells in empty.columns.items()} == {
            c.name: [] for c in table.columns
        }


def test_the_offsets_of_no_rows_are_a_single_zero() -> None:
    empty = _decode.decode("traces", b"").tables["spans"].columns
    assert memoryview(empty["attributes"].data).tolist() == [0]
    assert memoryview(empty["trace_state"].offsets).tolist() == [0]
    assert memoryview(empty["name"].values.offsets).tolist() == [0]


@pytest.mark.parametrize("row", [-1, 3, 2**40])
@pytest.mark.parametrize("name", ["start_unix_nano", "trace_id", "trace_state", "name", "attributes"])
def test_a_row_outside_the_column_is_an_index_error(name: str, row: int) -> None:
    with pytest.raises(IndexError, match="of 3"):
        column(name)[row]


def test_memory_is_read_only() -> None:
    data = column("start_unix_nano").data
    with pytest.raises(TypeError, match="read-only"):
        memoryview(data)[0] = 1
    with pytest.raises(TypeError, match="read-write"):
        io.BytesIO(b"x").readinto(data)


def test_a_view_outlives_the_table_it_came_from() -> None:
    view = memoryview(column("start_unix_nano", spans=100).data)
    gc.collect()
    assert view.tolist() == list(range(100))


def test_columns_grow_far_beyond_their_first_size() -> None:
    decoded = decoded_spans(spans=5000)
    spans = decoded.tables["spans"]
    assert spans.rows == 5000
    assert memoryview(spans.columns["start_unix_nano"].data).tolist() == list(range(5000))
    assert [len(text) for text in spans.columns["trace_state"]] == list(range(5000))
    assert list(decoded.tables["span_attributes"].columns["number"]) == list(range(5000))


def test_a_dictionary_stays_exact_over_many_distinct_strings() -> None:
    request = ExportTraceServiceRequest()
    attributes = request.resource_spans.add().resource.attributes
    keys = [f"{'k' * (number % 40)}{number}" for number in range(20_000)]
    for key in keys:
        attributes.add(key=key)
    key_column = (
        _decode.decode("traces", request.SerializeToString()).tables["resource_attributes"].columns["key"]
    )
    assert [key.decode() for key in key_column] == keys
    assert len(key_column.values) == len(keys)


@pytest.mark.parametrize("signal", Signal)
def test_formats_and_widths_are_those_of_the_schema(signal: Signal) -> None:
    decoded = _decode.decode(signal.value, b"")
    for table in schema.TABLES[signal]:
        for described in table.columns:
            cells = decoded.tables[table.name].columns[described.name]
            if isinstance(cells, _columns.Fixed):
                assert (cells.format, cells.width) == (described.kind.code, described.kind.width)
                assert memoryview(cells.data).format == CODES[cells.format]
