from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from tollspan.collector.ottl.compilation import compile_condition
from tollspan.collector.ottl.converters import CONVERTERS
from tollspan.collector.ottl.editors import EDITORS, Target
from tollspan.collector.ottl.functions import OF_CONTEXT, REQUIRED, Parameter, call, converters, function
from tollspan.collector.ottl.values import EvaluationError
from tollspan.otlp._message import Message


def sample(text: str, number: int | None = None, items: list[Any] | None = None, other: Any = 0) -> list[Any]:
    return [text, number, items, other]


def test_annotations_say_what_a_function_takes():
    assert function(sample).parameters == (
        Parameter("text", str, REQUIRED),
        Parameter("number", int, None),
        Parameter("items", list, None),
        Parameter("other", None, 0),
    )


def test_arguments_are_checked_and_left_out_ones_have_their_default():
    made = call(function(sample), {"text": lambda message: "a", "number": lambda message: 3})
    assert made(Message(b"")) == ["a", 3, None, 0]
    with pytest.raises(EvaluationError, match="expected a string, got an int"):
        call(function(sample), {"text": lambda message: 3})(Message(b""))


def test_every_function_can_be_called_from_ottl():
    every = [*CONVERTERS.values(), *EDITORS.values(), *(f for of in OF_CONTEXT.values() for f in of.values())]
    kinds = {parameter.kind for f in every for parameter in function(f).parameters}
    assert {str, int, list, dict, Target} <= kinds
    assert all(
        function(edit).bound and function(edit).parameters[0].kind is Target for edit in EDITORS.values()
    )


def test_converters_of_a_context_are_only_for_it():
    assert "IsRootSpan" in converters("span")
    assert "IsRootSpan" not in converters("log")


@pytest.mark.parametrize(
    ("parent", "root"), [(b"", True), (b"\x22\x08" + bytes(8), True), (b"\x22\x01p", False)]
)
def test_a_span_without_a_parent_is_a_root(parent, root):
    assert compile_condition("IsRootSpan()", "span")(Message(parent)) is root


@pytest.mark.parametrize("data", ["gauge", "histogram", "exponential_histogram"])
def test_a_metric_is_known_by_the_attributes_of_its_points(data):
    metric = Metric(
        **{data: {"data_points": [{}, {"attributes": [{"key": "k", "value": {"string_value": "v"}}]}]}}
    )
    message = Message(metric.SerializeToString())
    assert compile_condition('HasAttrKeyOnDatapoint("k") and HasAttrOnDatapoint("k", "v")', "metric")(message)
    assert not compile_condition('HasAttrKeyOnDatapoint("l") or HasAttrOnDatapoint("k", "w")', "metric")(
        message
    )


def test_a_metric_without_data_has_no_attributes():
    assert not compile_condition('HasAttrKeyOnDatapoint("k")', "metric")(Message(b""))
