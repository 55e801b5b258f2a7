import math

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs

from tollspan.otlp import _decode
from tollspan.otlp.protobuf import field_bytes
from tollspan.otlp.values import read_attributes, to_json, to_text


def decoded(value):
    """The value after the decoder."""
    entry = ResourceLogs()
    entry.resource.attributes.append(KeyValue(key="key", value=value))
    tables = _decode.decode("logs", field_bytes(1, entry.SerializeToString())).tables
    (rows,) = tables["resources"].columns["attributes"]
    return read_attributes(tables["resource_attributes"], rows)["key"]


@pytest.mark.parametrize(
    ("sent", "value", "text"),
    [
        (AnyValue(string_value='"häus"'), '"häus"', '"häus"'),
        (AnyValue(bool_value=True), True, "true"),
        (AnyValue(bool_value=False), False, "false"),
        (AnyValue(int_value=-7), -7, "-7"),
        (AnyValue(double_value=0.5), 0.5, "0.5"),
        (AnyValue(double_value=math.inf), math.inf, "Infinity"),
        (AnyValue(bytes_value=b"\x00\xff"), b"\x00\xff", "AP8="),
        (AnyValue(), None, ""),
    ],
    ids=str,
)
def test_every_value_is_read_and_has_a_text(sent, value, text):
    found = decoded(sent)
    assert (found, type(found)) == (value, type(value))
    assert to_text(found) == text


def test_numbers_that_json_does_not_have_are_texts_at_any_depth():
    assert to_json({"a": [math.nan, 1.5], "b": -math.inf}) == '{"a":["NaN",1.5],"b":"-Infinity"}'


def test_lists_and_maps_are_read_whole_and_written_as_json():
    value = AnyValue()
    entry = value.kvlist_value.values.add(key="list")
    entry.value.array_value.values.add(int_value=1)
    entry.value.array_value.values.add(bytes_value=b"\xff")
    assert decoded(value) == {"list": [1, b"\xff"]}
    assert to_json(decoded(value)) == to_text(decoded(value)) == '{"list":[1,"/w=="]}'
