from tollspan.collector.ottl.compilation import compile_condition
from tollspan.collector.ottl.groups import (
    MIXED,
    ConditionGroup,
    compile_texts,
    context_problems,
    of_context,
    of_group,
    of_list,
    style_problems,
)
from tollspan.otlp.signals import Signal


def test_each_text_of_a_list_has_its_own_context_and_neighbours_stay_together():
    texts = ['span.name == "a"', 'span.name == "b"', 'resource.attributes["c"] == 1', 'span.name == "d"']
    found = of_list(Signal.TRACES, "trace_conditions", texts)
    assert [(group.context, group.paths) for group in found] == [
        ("span", ("trace_conditions::0", "trace_conditions::1")),
        ("resource", ("trace_conditions::2",)),
        ("span", ("trace_conditions::3",)),
    ]
    assert not any(group.bare_paths for group in found)


def test_a_group_that_names_its_context_may_leave_it_out_in_paths():
    named = of_group(Signal.LOGS, "x", ['body == "a"'], "log")
    inferred = of_group(Signal.LOGS, "x", ['log.body == "a"', 'resource.attributes["a"] == 1'], "")
    assert (named.context, named.bare_paths) == ("log", True)
    assert (inferred.context, inferred.bare_paths) == ("log", False)


def test_every_mistake_is_reported_where_it_stands():
    listed = of_context("span", "traces::span", ['name == "a"', "nmae == 1", "name =="])
    compiled = compile_texts(listed, compile_condition)
    assert [text for text, _ in compiled.pairs] == ['name == "a"']
    assert [problem.path for problem in compiled.problems] == ["traces::span::1", "traces::span::2"]


def test_styles_do_not_mix_and_texts_are_not_empty():
    listed = ["a == 1", ConditionGroup(conditions=["b == 1"]), " "]
    assert [(p.path, p.problem) for p in style_problems("x", listed)] == [
        ("x", MIXED),
        ("x::2", "condition cannot be empty"),
    ]


def test_a_context_of_another_signal_is_refused():
    (problem,) = context_problems(Signal.LOGS, "x", "span")
    assert "no context of logs is called 'span'" in str(problem)
    assert list(context_problems(Signal.LOGS, "x", "")) == []
