import hashlib
import struct

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from helpers.processors import attributes_of, with_attributes
from tollspan.collector.attribute_actions import Action, action_problems, attribute_visitors, compile_actions
from tollspan.collector.ottl.accessors import attributes
from tollspan.otlp._message import Message
from tollspan.otlp.signals import Signal

ATTRIBUTES = 9 << 3 | 2
START = {"user": "ada", "rows": 3, "ratio": 0.5, "hit": True, "empty": ""}


def edited(*actions, **start):
    span = Message(with_attributes(Span(), **(start or START)).SerializeToString())
    assert list(action_problems("actions", [Action(**action) for action in actions])) == []
    compile_actions(Action(**action) for action in actions)(span, ATTRIBUTES)
    return attributes_of(Span.FromString(span.wire))


@pytest.mark.parametrize(
    ("action", "difference"),
    [
        ({"action": "insert", "key": "new", "value": 1}, {"new": 1}),
        ({"action": "insert", "key": "user", "value": "x"}, {}),
        ({"action": "INSERT", "key": "new", "from_attribute": "rows"}, {"new": 3}),
        ({"action": "insert", "key": "new", "from_attribute": "none"}, {}),
        ({"action": "insert", "key": "new", "from_attribute": "none", "default_value": "d"}, {"new": "d"}),
        ({"action": "update", "key": "user", "value": True}, {"user": True}),
        ({"action": "update", "key": "new", "value": 1}, {}),
        ({"action": "upsert", "key": "new", "value": 0.5}, {"new": 0.5}),
        ({"action": "upsert", "key": "user", "from_attribute": "hit"}, {"user": True}),
        ({"action": "delete", "key": "user"}, {"user": None}),
        ({"action": "delete", "pattern": "^r"}, {"rows": None, "ratio": None}),
        ({"action": "delete", "key": "user", "pattern": "^h"}, {"user": None, "hit": None}),
        ({"action": "hash", "key": "user"}, {"user": hashlib.sha256(b"ada").hexdigest()}),
        ({"action": "hash", "key": "rows"}, {"rows": hashlib.sha256(struct.pack("<q", 3)).hexdigest()}),
        ({"action": "hash", "key": "ratio"}, {"ratio": hashlib.sha256(struct.pack("<d", 0.5)).hexdigest()}),
        ({"action": "hash", "key": "hit"}, {"hit": hashlib.sha256(b"\1").hexdigest()}),
        ({"action": "hash", "key": "empty"}, {}),
        ({"action": "hash", "pattern": "^u"}, {"user": hashlib.sha256(b"ada").hexdigest()}),
        ({"action": "hash", "key": "none"}, {}),
        (
            {"action": "extract", "key": "user", "pattern": "^(?P<first>.)(?P<rest>.*)"},
            {"first": "a", "rest": "da"},
        ),
        ({"action": "extract", "key": "rows", "pattern": "(?P<x>.)"}, {}),
        ({"action": "extract", "key": "user", "pattern": "(?P<x>z)"}, {}),
        ({"action": "convert", "key": "rows", "converted_type": "string"}, {"rows": "3"}),
        ({"action": "convert", "key": "hit", "converted_type": "int"}, {"hit": 1}),
        ({"action": "convert", "key": "rows", "converted_type": "double"}, {"rows": 3.0}),
        ({"action": "convert", "key": "user", "converted_type": "int"}, {}),
        ({"action": "convert", "key": "none", "converted_type": "int"}, {}),
    ],
)
def test_an_action_changes_only_what_it_says(action, difference):
    expected = {key: value for key, value in (START | difference).items() if value is not None}
    found = edited(action)
    assert found == expected
    assert {key: type(value) for key, value in found.items()} == {k: type(v) for k, v in expected.items()}


def test_actions_follow_each_other():
    found = edited(
        {"action": "insert", "key": "a", "value": "1"},
        {"action": "insert", "key": "b", "from_attribute": "a"},
    )
    assert (found["a"], found["b"]) == ("1", "1")


def test_values_keep_their_yaml_type_lists_and_maps_included():
    span = Message(b"")
    compile_actions([Action(action="upsert", key="k", value={"a": [1, "b", None]})])(span, ATTRIBUTES)
    assert attributes(9).get(span) == {"k": {"a": [1, "b", None]}}


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        ({"action": "frob", "key": "a"}, "unsupported action 'frob'"),
        ({"action": "insert", "value": 1}, 'missing required field "key"'),
        ({"action": "insert", "key": "a"}, 'exactly one of "value" and "from_attribute"'),
        ({"action": "insert", "key": "a", "value": 1, "from_attribute": "b"}, "exactly one of"),
        ({"action": "delete", "key": "a", "value": 1}, "takes neither"),
        ({"action": "delete"}, 'missing required field "key"'),
        ({"action": "delete", "pattern": "("}, "not an RE2 pattern"),
        ({"action": "upsert", "key": "a", "value": 1, "pattern": "b"}, 'takes no "pattern"'),
        ({"action": "extract", "key": "a"}, 'missing required field "pattern"'),
        ({"action": "extract", "key": "a", "pattern": "a"}, "must have a name"),
        ({"action": "extract", "key": "a", "pattern": "(?P<b>c)(d)"}, "must have a name"),
        ({"action": "convert", "key": "a"}, 'missing required field "converted_type"'),
        ({"action": "insert", "key": "a", "value": 1 << 63}, "cannot be an attribute's value"),
    ],
)
def test_actions_that_cannot_be_done_are_refused_with_their_number(action, problem):
    (found, *_) = action_problems("actions", [Action(action="delete", key="x"), Action(**action)])
    assert found.path == "actions::1"
    assert found.problem.startswith("error creating AttrProc")
    assert problem in found.problem
    assert found.problem.endswith("at the 1-th actions")


def test_points_are_edited_at_the_level_below_their_metric():
    edit = compile_actions([Action(action="delete", key="x")])
    assert attribute_visitors(Signal.METRICS, edit).detail is not None
    assert attribute_visitors(Signal.LOGS, edit).record is not None
