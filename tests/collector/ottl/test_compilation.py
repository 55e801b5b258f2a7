import pytest

from helpers.processors import trace_request
from tollspan.collector.ottl.compilation import ENUMS, compile_condition, compile_statement
from tollspan.collector.ottl.syntax import OTTLError
from tollspan.collector.ottl.values import EvaluationError
from tollspan.otlp._message import Message
from tollspan.otlp.request_walk import Visitors, rewrite
from tollspan.otlp.signals import Signal

SPAN = {
    "name": "GET /orders",
    "kind": 2,
    "trace_id": b"t" * 16,
    "span_id": b"s" * 8,
    "start_time_unix_nano": 1_000_000_000,
    "end_time_unix_nano": 3_000_000_000,
    "status": 2,
    "trace_state": "a=1,b=2",
    "attributes": {"http__route": "/orders", "rows": 3, "ratio": 0.5, "hit": True},
}


def on_span(condition, context="span"):
    """What a condition says of the span above."""
    holds = compile_condition(condition, context)
    found = []

    def visit(span: Message) -> bool:
        found.append(holds(span))
        return True

    rewrite(Signal.TRACES, trace_request(SPAN).SerializeToString(), 1, Visitors(record=visit))
    return found[0]


@pytest.mark.parametrize(
    "condition",
    [
        'attributes["http.route"] == "/orders"',
        '"/orders" == attributes["http.route"]',
        'span.attributes["rows"] >= 3 and attributes["ratio"] < 1',
        'attributes["none"] == nil and attributes["hit"] != nil',
        'attributes["hit"] == true',
        'attributes["rows"] != "3"',
        'attributes["rows"] == 3.0',
        'kind == SPAN_KIND_SERVER and kind.string == "Server"',
        "status.code == STATUS_CODE_ERROR",
        'resource.attributes["service.name"] == "orders"',
        'instrumentation_scope.name == "shop" and scope.name == "shop"',
        'end_time - start_time > Duration("1s")',
        "(end_time_unix_nano - start_time_unix_nano) / 1000000 == 2000",
        'IsMatch(name, "^GET /") and not IsMatch(attributes["none"], ".*")',
        "IsRootSpan()",
        'trace_id == TraceID(0x74747474747474747474747474747474) and span_id.string == "7373737373737373"',
        'trace_state["b"] == "2" and trace_state["c"] == nil',
        'Concat([name, attributes["rows"]], "-") == "GET /orders-3"',
        'ContainsValue(["a", name], "GET /orders")',
        'attributes[Concat(["ro", "ws"], "")] == 3',
        'attributes["none"]["deeper"] == nil',
        "-1 == 0 - 1 and +1 == 1",
        "true",
        "not false",
        'name == "x" or (kind == 2 and true)',
    ],
)
def test_conditions_that_hold(condition):
    assert on_span(condition) is True
    assert on_span(f"not ({condition})") is False


@pytest.mark.parametrize(
    "condition",
    [
        'attributes["rows"]["a"] == 1',
        'attributes["rows"] + 0.5 == 3.5',
        'HasPrefix(attributes["rows"], "3")',
        "Int(name)",
    ],
)
def test_what_has_no_result_is_an_evaluation_error(condition):
    with pytest.raises(EvaluationError):
        on_span(condition)


def test_operands_that_decide_keep_the_others_from_being_asked():
    assert on_span('name == "GET /orders" or attributes["rows"]["a"] == 1')
    assert not on_span('name == "x" and attributes["rows"]["a"] == 1')


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ('nmae == "x"', "span has no path 'nmae': did you mean name?, at column 1"),
        ('span_event.name == "x"', "did you mean spanevent.name?"),
        ('log.body == "x"', "span does not reach the context log"),
        ('IsMach(name, "x")', "no converter is called IsMach: did you mean IsMatch?"),
        ('IsMatch(name, "(")', "not an RE2 pattern: missing ): (, at column 15"),
        ("IsMatch(name)", "wrong arguments: IsMatch(target, pattern)"),
        ("Trim(name, chars=\"x\") == name", "wrong arguments: Trim(target, [characters])"),
        ('Duration("x") == nil', "not a duration"),
        ("name", "not a condition: compare it with something"),
        ("(name == name) == true", "a condition is not a value"),
        ('HasAttrKeyOnDatapoint("x")', "only for the context metric"),
        ("kind == SPAN_KIND_SERVR", "did you mean SPAN_KIND_SERVER?"),
        ("set(name, \"x\") == 1", "set is an editor"),
    ],
)  # fmt: skip
def test_names_that_mean_nothing_are_refused_with_a_hint(condition, problem):
    with pytest.raises(OTTLError) as refused:
        compile_condition(condition, "span")
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ('set(kind.string, "x")', "kind.string can only be read"),
        ('set("name", "x")', "must be a path"),
        ('Concat([], "")', "a statement begins with an editor"),
        ('keep_key(attributes, "a")', "did you mean keep_keys?"),
        ("set(name)", "wrong arguments: set(target, value)"),
    ],
)
def test_statements_that_cannot_be_are_refused(statement, problem):
    with pytest.raises(OTTLError) as refused:
        compile_statement(statement, "span")
    assert problem in str(refused.value)


def test_without_bare_paths_each_path_names_its_context():
    compile_condition('span.name == "x"', "span", bare_paths=False)
    with pytest.raises(OTTLError, match="needs the name of its context"):
        compile_condition('name == "x"', "span", bare_paths=False)


def test_a_statement_runs_where_its_condition_holds():
    span = Message(b"")
    compile_statement('set(name, "a") where name != ""', "span")(span)
    assert not span.edited
    compile_statement('set(name, "a") where name == ""', "span")(span)
    assert span.text(5 << 3 | 2) == "a"


def test_the_cache_lasts_as_long_as_the_message():
    span = Message(b"")
    compile_statement('set(cache["x"], "kept")', "span")(span)
    compile_statement('set(name, cache["x"])', "span")(span)
    assert span.text(5 << 3 | 2) == "kept"
    assert compile_condition('cache["x"] == nil', "span")(Message(b""))


def test_severities_are_numbered_as_in_otlp():
    assert [ENUMS[f"SEVERITY_NUMBER_{name}"] for name in ("TRACE", "INFO", "INFO4", "FATAL4")] == [
        1,
        9,
        12,
        24,
    ]
