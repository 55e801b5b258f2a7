import pytest

from tollspan.collector.ottl.inference import infer_context
from tollspan.collector.ottl.syntax import parse_condition, parse_statement
from tollspan.otlp.signals import Signal


@pytest.mark.parametrize(
    ("signal", "condition", "context"),
    [
        (Signal.TRACES, 'span.name == "x"', "span"),
        (Signal.TRACES, 'resource.attributes["a"] == nil', "resource"),
        (Signal.TRACES, 'instrumentation_scope.name == "x"', "scope"),
        (Signal.TRACES, 'span.name == "x" and spanevent.name == resource.attributes["a"]', "spanevent"),
        (Signal.TRACES, "IsRootSpan()", "span"),
        (Signal.TRACES, "true", "span"),
        (Signal.METRICS, 'Concat([metric.name, datapoint.attributes[scope.name]], "") == "x"', "datapoint"),
        (Signal.METRICS, 'HasAttrKeyOnDatapoint("a")', "metric"),
        (Signal.LOGS, 'not IsMatch(log.body, "x")', "log"),
        (Signal.LOGS, 'span.name == "x"', "log"),
    ],
)
def test_the_context_is_the_lowest_that_is_named(signal, condition, context):
    assert infer_context(signal, [parse_condition(condition)]) == context


def test_statements_are_searched_with_their_conditions():
    tree = parse_statement('set(resource.attributes["a"], 1) where span.name == "x"')
    assert infer_context(Signal.TRACES, [tree]) == "span"
