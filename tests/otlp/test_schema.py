from collections import Counter

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import Default
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1 import logs_pb2  # noqa: F401  # registers its messages in the pool
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1 import trace_pb2  # noqa: F401  # registers its messages in the pool

from tollspan.otlp.schema import TABLES, Kind, MetricType, Table, ValueType
from tollspan.otlp.signals import Signal

ALL = {table.name: table for tables in TABLES.values() for table in tables}
NUMBERS = [table for table in ALL.values() if len(table.columns) == 1]


def message_of(table: Table) -> Descriptor:
    return Default().FindMessageTypeByName(f"opentelemetry.proto.{table.message}")


@pytest.mark.parametrize("table", [t for t in ALL.values() if t not in NUMBERS], ids=lambda t: t.name)
def test_every_column_names_a_field_of_the_official_message(table: Table) -> None:
    fields = message_of(table).fields_by_number
    for column in table.columns:
        if column.field is not None:
            name = fields[column.field].name
            assert (
                column.name.removeprefix("has_").startswith(name)
                or name.startswith((column.name, column.name.removesuffix("_unix_nano")))
                or name == "filtered_attributes"
                or table.message == "common.v1.KeyValue"
            ), f"{column.name} is not {name}"


@pytest.mark.parametrize("table", NUMBERS, ids=lambda t: t.name)
def test_tables_of_numbers_name_a_repeated_field(table: Table) -> None:
    message, _, field = f"opentelemetry.proto.{table.message}".rpartition(".")
    assert Default().FindMessageTypeByName(message).fields_by_name[field].is_repeated


@pytest.mark.parametrize("signal", Signal)
def test_every_child_table_has_one_owner_and_comes_after_it(signal: Signal) -> None:
    seen: set[str] = set()
    owners: Counter[str] = Counter()
    for table in TABLES[signal]:
        seen.add(table.name)
        children = [column.child for column in table.columns if column.kind is Kind.OFFSETS]
        assert not seen.intersection(children)
        owners.update(children)
    assert set(owners.values()) == {1}
    assert set(owners) < {table.name for table in TABLES[signal]}


@pytest.mark.parametrize("signal", Signal)
def test_only_offsets_have_a_child_and_names_are_unique(signal: Signal) -> None:
    tables = TABLES[signal]
    assert len({table.name for table in tables}) == len(tables)
    for table in tables:
        assert len({column.name for column in table.columns}) == len(table.columns)
        for column in table.columns:
            assert bool(column.child) == (column.kind is Kind.OFFSETS)


def test_every_column_says_what_it_holds() -> None:
    assert [c.name for t in ALL.values() for c in t.columns if not c.doc] == []


def test_value_types_are_the_field_numbers_of_any_value() -> None:
    official = {f.name.removesuffix("_value").upper(): f.number for f in AnyValue.DESCRIPTOR.fields}
    del official["STRING_VALUE_STRINDEX"]
    assert {kind.name: kind.value for kind in ValueType} == {"EMPTY": 0, **official}


def test_metric_types_are_the_field_numbers_of_metric_data() -> None:
    official = {f.name.upper(): f.number for f in Metric.DESCRIPTOR.oneofs_by_name["data"].fields}
    assert {kind.name: kind.value for kind in MetricType} == {"EMPTY": 0, **official}
