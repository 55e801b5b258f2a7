"""Attribute values survive the way through JSON."""

import base64
import json
import math

from hypothesis import given
from hypothesis import strategies as st

from tollspan.gateway.web.json_value import SAFE_INT_MAX, attributes_to_json, to_json

int64 = st.integers(-(2**63), 2**63 - 1)
leaves = st.none() | st.booleans() | int64 | st.floats() | st.text() | st.binary()
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.dictionaries(st.text(), values))
def test_every_value_is_json_that_keeps_its_digits(attributes):
    def refuse(text):
        raise AssertionError(text)

    written = json.dumps(attributes_to_json(attributes))
    read = json.loads(written, parse_constant=refuse)

    assert read.keys() == attributes.keys()
    for number in numbers(read):
        assert abs(number) <= SAFE_INT_MAX


def numbers(value):
    """Every whole number in a JSON value."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [number for part in inner for number in numbers(part)]
    return [value] if type(value) is int else []


@given(int64)
def test_an_integer_is_a_number_as_long_as_a_double_can_hold_it(number):
    assert int(to_json(number)) == number
    assert isinstance(to_json(number), int) == (abs(number) <= SAFE_INT_MAX)


@given(st.floats())
def test_a_double_is_a_number_unless_json_has_none_for_it(number):
    assert isinstance(to_json(number), float) == math.isfinite(number)
    assert float(to_json(number)) == number or math.isnan(number)


@given(st.binary())
def test_bytes_are_marked_as_such(raw):
    assert base64.b64decode(to_json(raw)["bytes"]) == raw


def test_a_boolean_is_no_number():
    assert to_json(True) is True
