import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tollspan.collector.ottl.accessors import attributes
from tollspan.collector.ottl.compilation import compile_statement
from tollspan.collector.ottl.values import EvaluationError
from tollspan.otlp._message import Message

START = {"user.id": "17", "user.mail": "a@b.c", "path": "/user/17/list/3", "rows": 3}


def edited(*statements, start=None):
    record = Message(b"")
    attributes(6).set(record, START if start is None else start)
    for statement in statements:
        compile_statement(statement, "log")(record)
    LogRecord.FromString(record.wire)
    return attributes(6).get(record)


@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        ('set(attributes["new"], Concat(["a", attributes["rows"]], ""))', {"new": "a3"}),
        ('set(attributes["rows"], 4)', {"rows": 4}),
        ('set(attributes["rows"], attributes["none"])', {}),
        ('delete_key(attributes, "rows")', {"rows": None}),
        ('delete_key(attributes, "none")', {}),
        ('delete_matching_keys(attributes, "^user[.]")', {"user.id": None, "user.mail": None}),
        ('keep_matching_keys(attributes, "^user")', {"path": None, "rows": None}),
        ('keep_keys(attributes, ["path"])', {"user.id": None, "user.mail": None, "rows": None}),
        ('limit(attributes, 2, ["rows"])', {"user.mail": None, "path": None}),
        ("limit(attributes, 9, [])", {}),
        ("truncate_all(attributes, 2)", {"user.mail": "a@", "path": "/u"}),
        ('replace_match(attributes["path"], "/user/*/list/*", "/user/{id}")', {"path": "/user/{id}"}),
        ('replace_match(attributes["path"], "/other/*", "x")', {}),
        ('replace_all_matches(attributes, "*@*", "***")', {"user.mail": "***"}),
        ('replace_pattern(attributes["path"], "/user/(\\\\d+)", "/u/<$1>")', {"path": "/u/<17>/list/3"}),
        ('replace_all_patterns(attributes, "value", "\\\\d+", "#")',
         {"user.id": "#", "path": "/user/#/list/#"}),
        ('replace_all_patterns(attributes, "key", "^user[.]", "u_")',
         {"user.id": None, "user.mail": None, "u_id": "17", "u_mail": "a@b.c"}),
        ('merge_maps(attributes, {"rows": 9, "new": 1}, "insert")', {"new": 1}),
        ('merge_maps(attributes, {"rows": 9, "new": 1}, "update")', {"rows": 9}),
        ('merge_maps(attributes, {"rows": 9, "new": 1}, "upsert")', {"rows": 9, "new": 1}),
        ('append(attributes["rows"], 4)', {"rows": [3, 4]}),
        ('append(attributes["new"], values=["a", "b"])', {"new": ["a", "b"]}),
        ("stringify_all(attributes)", {"rows": "3"}),
    ],
)  # fmt: skip
def test_an_editor_changes_only_what_it_says(statement, difference):
    expected = {key: value for key, value in (START | difference).items() if value is not None}
    assert edited(statement) == expected


def test_flattening_joins_the_keys():
    start = {"a": {"b": {"c": 1}, "d": [2, {"e": 3}]}}
    assert edited("flatten(attributes)", start=start) == {"a.b.c": 1, "a.d.0": 2, "a.d.1.e": 3}
    assert edited('flatten(attributes, "p", depth=1)', start=start) == {
        "p.a.b": {"c": 1},
        "p.a.d": [2, {"e": 3}],
    }


def test_editors_work_on_maps_in_bodies_too():
    record = Message(b"")
    for statement in ('set(body, {"a": 1, "b": 2})', 'delete_key(body, "a")', 'set(body["c"], 3)'):
        compile_statement(statement, "log")(record)
    (b, c) = LogRecord.FromString(record.wire).body.kvlist_value.values
    assert (b.key, c.key, c.value.int_value) == ("b", "c", 3)


@pytest.mark.parametrize(
    "statement",
    [
        'delete_key(body, "a")',
        "set(severity_text, 3)",
        'merge_maps(attributes, {}, "somehow")',
        'replace_all_patterns(attributes, "both", "a", "b")',
        'replace_pattern(attributes["path"], "(a)|/", "$2")',
        'set(attributes["t"], Now())',
    ],
)
def test_what_cannot_be_edited_is_an_evaluation_error(statement):
    with pytest.raises(EvaluationError):
        edit_text_body(statement)


def edit_text_body(statement):
    record = Message(LogRecord(body={"string_value": "text"}).SerializeToString())
    attributes(6).set(record, START)
    compile_statement(statement, "log")(record)
