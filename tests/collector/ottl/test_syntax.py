import pytest

from tollspan.collector.ottl.syntax import (
    Binary,
    Call,
    Enum,
    ListOf,
    Literal,
    MapOf,
    OTTLError,
    Path,
    Unary,
    parse_condition,
    parse_statement,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\"b\\.c\n"', 'a"b\\.c\n'),
        (r'"\x41\u00e9"', "Aé"),
        ("0x0aFF", b"\x0a\xff"),
        ("12", 12),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("false", False),
        ("nil", None),
    ],
)
def test_literals_have_their_value(text, value):
    literal = parse_condition(text)
    assert isinstance(literal, Literal)
    assert (literal.value, type(literal.value)) == (value, type(value))


def test_not_binds_tighter_than_and_and_that_tighter_than_or():
    tree = parse_condition("a == 1 or not b == 2 and c == 3")
    assert isinstance(tree, Binary)
    assert tree.operator == "or"
    assert isinstance(tree.right, Binary)
    assert tree.right.operator == "and"
    assert isinstance(tree.right.left, Unary)
    assert tree.right.left.operator == "not"


def test_multiplication_binds_tighter_than_addition_and_parentheses_tighter_still():
    tree = parse_condition("1 + 2 * 3 == (1 + 2) * 3")
    assert (tree.left.operator, tree.right.operator) == ("+", "*")


def test_names_that_begin_like_keywords_are_names():
    tree = parse_condition("order == nothing")
    assert tree.left == Path(0, ("order",), ())
    assert tree.right.names == ("nothing",)


def test_a_path_has_names_and_keys_of_any_kind():
    path = parse_condition('span.attributes["a"][0][name]')
    assert path.names == ("span", "attributes")
    assert [type(key) for key in path.keys] == [Literal, Literal, Path]


def test_a_statement_has_an_editor_and_a_condition():
    statement = parse_statement('limit(attributes, 100, priority_keys=["a"]) where kind == SPAN_KIND_SERVER')
    assert (statement.editor.name, len(statement.editor.arguments)) == ("limit", 2)
    ((name, value),) = statement.editor.named_arguments
    assert name == "priority_keys"
    assert isinstance(value, ListOf)
    assert isinstance(statement.condition.right, Enum)
    assert parse_statement("f()").condition is None


def test_maps_and_indexed_calls_are_values():
    tree = parse_condition('ParseJSON(body)["a"] == {"k": [1, {}], "l": nil}')
    assert isinstance(tree.left, Call)
    assert len(tree.left.keys) == 1
    assert isinstance(tree.right, MapOf)
    assert [key for key, _ in tree.right.pairs] == ["k", "l"]


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ('attributes["a"] = 1', 17, "unexpected '='"),
        ('name == "a', 9, "unexpected '\"'"),
        ("name ==", 8, "more expected"),
        ("(a == 1", 8, "more expected"),
        (r'a == "\."', 7, r"unknown escape \. in a string"),
        ("a == b c", 8, "unexpected 'c'"),
        ("", 1, "more expected"),
        ("a ~ b", 3, "unexpected '~'"),
    ],
)
def test_what_is_wrong_is_shown_where_it_is(text, column, problem):
    with pytest.raises(OTTLError) as refused:
        parse_condition(text)
    assert problem in str(refused.value)
    assert f"at column {column} of: {text}" in str(refused.value)
