from array import array

import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValueList

from helpers.spans import NOW, request, span
from tollspan.gateway.storage._native import STRINGS, Attributes, Block, Rows
from tollspan.gateway.storage.engine import Engine
from tollspan.otlp import _decode

pytestmark = pytest.mark.xdist_group("telemetry")


@pytest.fixture
def engine(tmp_path):
    made = Engine(tmp_path)
    yield made
    made.close()


def stored(engine, columns, block):
    """The rows of `block` after they went through a table of these columns."""
    engine.execute(f"CREATE TABLE t ({columns}) ENGINE = Memory")
    engine.insert("t", bytes(block))
    return engine.rows("SELECT * FROM t", {})


def tables_of(*spans, service="orders"):
    return _decode.decode("traces", request(*spans, service=service).SerializeToString()).tables


@pytest.mark.parametrize("distinct", [1, 255, 256, 257, 65_535, 65_536, 65_537])
def test_labels_are_found_again_however_many_there_are(engine, distinct):
    labels = [str(number).encode() for number in range(distinct)]
    block = Block(2 * distinct)
    index = tables_of(span()).get("spans").columns["resource"].data
    block.labels(
        "s",
        [([label], None, Rows.every(1)) for label in labels]
        + [(labels[:1], index, Rows.every(1))] * distinct,
    )
    rows = stored(engine, "s LowCardinality(String)", block)
    assert [row["s"] for row in rows] == [str(number) for number in range(distinct)] + ["0"] * distinct


def test_numbers_are_gathered_by_an_index(engine):
    tables = tables_of(*(span(kind=kind) for kind in (3, 1, 2)))
    kinds = tables["spans"].columns["kind"].data
    scopes = tables["spans"].columns["scope"].data
    rows = Rows.chosen([2, 0])
    block = Block(2)
    block.numbers("kind", "Int32", 4, [(kinds, None, rows)])
    block.numbers("id", "UInt64", 8, [(array("Q", [77]), scopes, rows)])
    assert stored(engine, "kind Int32, id UInt64", block) == [{"kind": 2, "id": 77}, {"kind": 3, "id": 77}]


def test_parts_of_several_requests_follow_each_other(engine):
    parts = [
        tables_of(span("a", trace_state="x=1")),
        tables_of(),
        tables_of(span("b"), span("c", trace_state="é" * 99)),
    ]
    columns = [(tables["spans"].columns, Rows.every(tables["spans"].rows)) for tables in parts]
    block = Block(3)
    block.texts("state", [(own["trace_state"], rows) for own, rows in columns])
    block.labels("name", [(own["name"].values, own["name"].indices, rows) for own, rows in columns])
    block.differences(
        "took", "Int64", [(own["end_unix_nano"], own["start_unix_nano"], rows) for own, rows in columns]
    )
    assert stored(engine, "state String, name LowCardinality(String), took Int64", block) == [
        {"state": "x=1", "name": "a", "took": 1000},
        {"state": "", "name": "b", "took": 1000},
        {"state": "é" * 99, "name": "c", "took": 1000},
    ]


def test_children_of_chosen_rows_become_arrays(engine):
    sent = [span(), span(), span()]
    for owner, names in zip(sent, ("ab", "c", "de"), strict=True):
        for name in names:
            owner.events.add(name=name).attributes.add(key="k").value.string_value = f"value of {name}"
    tables = tables_of(*sent)
    rows = Rows.chosen([2, 0]).children(tables["spans"].columns["events"])
    events = tables["span_events"].columns
    block = Block(2)
    block.labels("names", [(events["name"].values, events["name"].indices, rows)])
    attributes = Attributes(tables["event_attributes"], events["attributes"], rows)
    block.attributes("attributes", STRINGS, [attributes])
    types = "names Array(LowCardinality(String)), attributes Array(Map(LowCardinality(String), String))"
    assert stored(engine, types, block) == [
        {"names": ["d", "e"], "attributes": [{"k": "value of d"}, {"k": "value of e"}]},
        {"names": ["a", "b"], "attributes": [{"k": "value of a"}, {"k": "value of b"}]},
    ]


def test_rows_up_to_a_limit_keep_their_order():
    starts = [NOW + 5, NOW, NOW + 1, NOW + 9]
    tables = tables_of(*(span(start=start) for start in starts))
    assert Rows.up_to(tables["spans"].columns["start_unix_nano"], NOW + 5).count == 3
    assert Rows.up_to(tables["spans"].columns["start_unix_nano"], NOW - 1).count == 0


def test_equal_attributes_have_equal_contents():
    tables = tables_of(*(span(attributes={"a": value, "b": 1}) for value in ("x", "x", "y", 1)))
    attributes = Attributes(tables["span_attributes"], tables["spans"].columns["attributes"], Rows.every(4))
    contents = attributes.contents()
    assert contents[0] == contents[1]
    assert len(set(contents)) == 3


def test_the_text_under_a_key_is_found_where_it_is_text():
    tables = tables_of(
        *(span(attributes=own) for own in ({"k": "x"}, {}, {"kk": "y"}, {"k": 7}, {"j": "z", "k": "w"}))
    )
    attributes = Attributes(tables["span_attributes"], tables["spans"].columns["attributes"], Rows.every(5))
    assert attributes.texts(b"k") == [b"x", b"", b"", b"", b"w"]


def test_owners_without_children_stand_beside_those_with_some(engine):
    parent = span()
    parent.events.add(name="a", time_unix_nano=7)
    tables = tables_of(parent)
    times = tables["span_events"].columns["time_unix_nano"].data
    some = Rows.every(1).children(tables["spans"].columns["events"])
    block = Block(3)
    block.numbers("times", "UInt64", 8, [(times, None, Rows.none(2)), (times, None, some)])
    assert stored(engine, "times Array(UInt64)", block) == [{"times": []}, {"times": []}, {"times": [7]}]


def test_rows_are_followed_to_those_they_name(engine):
    tables = tables_of(span(), span(), span())
    rows = Rows.chosen([2, 0]).named_in(tables["spans"].columns["resource"])
    block = Block(2)
    block.numbers("id", "UInt64", 8, [(array("Q", [77]), None, rows)])
    assert stored(engine, "id UInt64", block) == [{"id": 77}, {"id": 77}]


def test_rows_that_repeat_have_their_attributes_each_time(engine):
    """Far more entries and text than the table of attributes itself has."""
    texts = {f"key {number}": f"{number}" * 300 for number in range(9)}
    tables = tables_of(span(attributes=texts))
    rows = Rows.chosen([0] * 5000)
    columns = tables["spans"].columns
    block = Block(rows.count)
    block.attributes(
        "attributes", STRINGS, [Attributes(tables["span_attributes"], columns["attributes"], rows)]
    )
    found = stored(engine, "attributes Map(LowCardinality(String), String)", block)
    assert found == [{"attributes": texts}] * rows.count


def test_attributes_are_listed_as_key_values():
    tables = tables_of(span(attributes={"a": "x", "b": -1}), span())
    attributes = Attributes(tables["span_attributes"], tables["spans"].columns["attributes"], Rows.every(2))
    first, second = (KeyValueList.FromString(own) for own in attributes.key_value_lists())
    assert [(own.key, own.value.string_value, own.value.int_value) for own in first.values] == [
        ("a", "x", 0),
        ("b", "", -1),
    ]
    assert not second.values


def test_a_block_cannot_grow_while_someone_reads_it():
    block = Block(1)
    rows = Rows.every(1)
    with memoryview(block) as view:
        with pytest.raises(BufferError):
            block.numbers("n", "UInt8", 1, [(b"x", None, rows)])
        assert bytes(view) == b"\0\1"
    block.numbers("n", "UInt8", 1, [(b"x", None, rows)])
    assert bytes(block) == b"\1\1\1n\5UInt8x"
