import math

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tollspan.gateway.query.attributes import merge, merge_item, merge_nested, read_any_value
from tollspan.gateway.storage.span_block import PROMOTED

MAPS = ("string", "int", "double", "bool", "other")


def row(**maps):
    return {f"attributes_{name}": maps.get(name, {}) for name in MAPS}


def span_row(columns, **maps):
    return row(**maps) | dict.fromkeys(PROMOTED, "") | columns


def test_attributes_of_all_types_come_together():
    doubles = {"d": 1, "n": "nan", "i": "-inf"}
    other = AnyValue(bytes_value=b"\x00\xff").SerializeToString().hex()
    merged = merge(
        row(string={"s": "x"}, int={"i64": 7}, double=doubles, bool={"b": True}, other={"o": other})
    )
    assert math.isnan(merged.pop("n"))
    assert merged == {"s": "x", "i64": 7, "d": 1.0, "i": -math.inf, "b": True, "o": b"\x00\xff"}
    assert isinstance(merged["d"], float)


def test_a_span_event_has_two_kinds_of_attributes():
    other = AnyValue(int_value=-3).SerializeToString().hex()
    assert merge_nested({"s": "x"}, {"n": other, "e": ""}) == {"s": "x", "n": -3, "e": None}


def test_a_column_stands_for_the_first_of_its_keys():
    attributes = merge_item(span_row({"unit": "acme", "http_response_status_code": 200}), PROMOTED)
    assert attributes == {"tollspan.unit": "acme", "http.response.status_code": 200}


def test_a_column_that_repeats_an_attribute_adds_nothing():
    attributes = merge_item(span_row({"unit": "acme"}, string={"unomiq.unit": "acme"}), PROMOTED)
    assert attributes == {"unomiq.unit": "acme"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (AnyValue(), None),
        (AnyValue(string_value=""), ""),
        (AnyValue(bool_value=False), False),
        (AnyValue(int_value=-(2**63)), -(2**63)),
        (AnyValue(double_value=0.5), 0.5),
        (AnyValue(array_value={"values": [{"int_value": 1}, {}]}), [1, None]),
        (
            AnyValue(kvlist_value={"values": [{"key": "k", "value": {"string_value": "v"}}, {}]}),
            {"k": "v", "": None},
        ),
        (AnyValue(bytes_value=b""), b""),
    ],
)
def test_any_value_is_read_as_what_it_holds(value, expected):
    read = read_any_value(value.SerializeToString())
    assert (type(read), read) == (type(expected), expected)


def test_fields_of_a_later_version_are_passed_over():
    later = b"\x98\x06\x01"  # field 99
    assert read_any_value(later + AnyValue(int_value=5).SerializeToString() + later) == 5


def test_a_value_that_only_the_decoder_can_read_is_given_as_bytes():
    group = b"\x9b\x06\x9c\x06"
    assert read_any_value(group) == group
