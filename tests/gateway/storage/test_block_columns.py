import pytest

from helpers.spans import request, span
from helpers.stores import open_engine
from tollspan.gateway.storage._native import Attributes, Block, Rows
from tollspan.gateway.storage.block_columns import (
    ATTRIBUTE_MAPS,
    NESTED_ATTRIBUTE_MAPS,
    put_attributes,
    put_constant,
    put_labels,
    put_numbers,
    put_texts,
)
from tollspan.otlp import _decode
from tollspan.otlp.schema import ValueType

pytestmark = pytest.mark.xdist_group("telemetry")


def tables_of(*spans):
    return _decode.decode("traces", request(*spans).SerializeToString()).tables


def owners_of(*parts):
    return [(tables["spans"].columns, Rows.every(tables["spans"].rows)) for tables in parts]


def test_columns_keep_their_names_and_the_order_of_their_requests(tmp_path):
    owners = owners_of(tables_of(span("a", kind=1)), tables_of(span("b", kind=2, trace_state="s"), span("c")))
    block = Block(3)
    put_labels(block, owners, "spans.name")
    put_numbers(block, owners, "kind", "Int32")
    put_numbers(block, owners, "also_kind", "Int32", source="kind")
    put_texts(block, owners, "trace_state")
    put_constant(block, "place", "FixedString(2)", b"at")
    with open_engine(tmp_path) as engine:
        engine.execute(
            "CREATE TABLE t (`spans.name` String, kind Int32, also_kind Int32, trace_state String, "
            "place String) ENGINE = Memory"
        )
        engine.insert("t", bytes(block))
        rows = engine.rows("SELECT * FROM t", {})
    assert [tuple(row.values()) for row in rows] == [
        ("a", 1, 1, "", "at"),
        ("b", 2, 2, "s", "at"),
        ("c", 0, 0, "", "at"),
    ]


def test_attributes_go_to_the_map_of_their_type(tmp_path):
    made = span(attributes={"string": "x", "int": 7})
    made.attributes.add(key="double").value.double_value = 0.5
    made.attributes.add(key="bool").value.bool_value = True
    made.attributes.add(key="empty")
    tables = tables_of(made)
    attributes = Attributes(tables["span_attributes"], tables["spans"].columns["attributes"], Rows.every(1))
    block = Block(1)
    put_attributes(block, [attributes], ATTRIBUTE_MAPS)
    put_attributes(block, [attributes], NESTED_ATTRIBUTE_MAPS, "nested.")
    columns = [*ATTRIBUTE_MAPS, *(f"nested.{name}" for name in NESTED_ATTRIBUTE_MAPS)]
    types = dict.fromkeys(columns, "String") | {
        "attributes_int": "Int64",
        "attributes_double": "Float64",
        "attributes_bool": "Bool",
    }
    with open_engine(tmp_path) as engine:
        definitions = ", ".join(f"`{name}` Map(String, {own})" for name, own in types.items())
        engine.execute(f"CREATE TABLE t ({definitions}) ENGINE = Memory")
        engine.insert("t", bytes(block))
        kept = ", ".join(f"`{name}`" for name in columns if name != "nested.attributes_other")
        [row] = engine.rows(f"SELECT {kept}, mapKeys(nested.attributes_other) AS others FROM t", {})
    assert [row[name] for name in ATTRIBUTE_MAPS] == [
        {"string": "x"},
        {"int": 7},
        {"double": 0.5},
        {"bool": True},
        {"empty": ""},
    ]
    assert row["nested.attributes_string"] == {"string": "x"}
    assert row["others"] == ["int", "double", "bool", "empty"]


@pytest.mark.parametrize("maps", [ATTRIBUTE_MAPS, NESTED_ATTRIBUTE_MAPS])
def test_every_type_of_value_has_one_map(maps):
    assert sum(maps.values()) == sum(1 << kind for kind in ValueType)
