import pytest

from tollspan.collector.ottl.collection_converters import CONVERTERS
from tollspan.collector.ottl.compilation import compile_condition
from tollspan.collector.ottl.values import EvaluationError
from tollspan.otlp._message import Message

TRUE = [
    'Sort([3, 1.5, 2]) == [1.5, 2, 3] and Sort([1, 2], "desc") == [2, 1]',
    'Sort(["b", 10, "a"]) == [10, "a", "b"] and Sort([]) == []',
    'SliceToMap([{"k": "a", "v": {"x": 1}}], ["k"], ["v", "x"]) == {"a": 1}',
    'SliceToMap([{"k": "a"}], ["k"]) == {"a": {"k": "a"}}',
    'ToKeyValueString({"b": 1, "a": "x y"}) == "b=1 a=\\"x y\\""',
    'ToKeyValueString({"b": 1, "a": 2}, ":", ",", sort_output=true) == "a:2,b:1"',
]


@pytest.mark.parametrize("condition", TRUE)
def test_lists_and_maps_are_converted_as_the_collector_says(condition):
    assert compile_condition(condition, "span")(Message(b""))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Sort", ([1], "up")),
        ("SliceToMap", ([{"k": 1}], ["k"])),
        ("SliceToMap", ([{"k": "a"}], ["x"])),
        ("SliceToMap", (["a"], ["k"])),
        ("ToKeyValueString", ({}, " ")),
        ("ToKeyValueString", ({}, "")),
    ],
)
def test_what_cannot_be_converted_is_an_evaluation_error(name, arguments):
    with pytest.raises(EvaluationError):
        CONVERTERS[name](*arguments)
