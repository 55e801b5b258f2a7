from array import array

import pytest

from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.native_blocks import Labels

pytestmark = pytest.mark.xdist_group("telemetry")


@pytest.fixture
def engine(tmp_path):
    made = Engine(tmp_path)
    yield made
    made.close()


def read(engine, sql):
    return engine.columns(sql, {})


@pytest.mark.parametrize(
    ("type_name", "code", "numbers"),
    [
        ("UInt8", "B", [0, 255]),
        ("Int32", "i", [-(2**31), 2**31 - 1]),
        ("UInt32", "I", [0, 2**32 - 1]),
        ("Int64", "q", [-(2**63), 2**63 - 1]),
        ("UInt64", "Q", [0, 2**64 - 1]),
    ],
)
def test_numbers_are_arrays(engine, type_name, code, numbers):
    columns = read(engine, f"SELECT arrayJoin([{numbers[0]}, {numbers[1]}])::{type_name} AS n")
    assert columns == {"n": array(code, numbers)}


def test_fixed_strings_lie_end_to_end(engine):
    assert read(engine, "SELECT toFixedString(arrayJoin(['ab', 'c']), 3) AS s") == {"s": b"ab\0c\0\0"}


@pytest.mark.parametrize("distinct", [1, 200, 60_000, 70_000])
def test_labels_of_many_blocks_share_one_list(engine, distinct):
    rows = 150_000
    sql = f"SELECT toLowCardinality(toString(number % {distinct})) AS s FROM numbers({rows})"
    labels = read(engine, sql)["s"]
    assert [labels.values[place] for place in labels.indices] == [
        str(number % distinct) for number in range(rows)
    ]
    assert len(labels.values) == len(set(labels.values)) == distinct


def test_an_answer_without_rows_has_no_rows(engine):
    columns = read(engine, "SELECT toLowCardinality('a') AS s, 1::UInt8 AS n WHERE 0")
    assert columns in ({}, {"s": Labels(), "n": array("B")})
