import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.ottl.compilation import compile_condition
from tollspan.collector.ottl.text_converters import CONVERTERS, parse_csv, to_snake_case
from tollspan.collector.ottl.values import EvaluationError
from tollspan.otlp._message import Message

TRUE = [
    'ToSnakeCase("HTTPStatus.code") == "http_status_code" and ToSnakeCase("someId2") == "some_id_2"',
    'ToCamelCase("http_status.code") == "HttpStatusCode" and ToCamelCase("") == ""',
    'ConvertCase("aB", "upper") == "AB" and ConvertCase("aB", "snake") == "a_b"',
    'ConvertCase("a_b", "camel") == "AB" and ConvertCase("Ä", "lower") == "ä"',
    'Decode("YQ==", "base64") == "a" and Decode("YQ", "base64-raw") == "a"',
    'Decode("_w", "base64-raw-url") != "/" and Decode(0xe4, "iso-8859-1") == "ä"',
    'IsValidLuhn("4539 1488 0343 6467") and IsValidLuhn(79927398713) and not IsValidLuhn("79927398710")',
    'not IsValidLuhn("card") and not IsValidLuhn("")',
    'ParseCSV("1,\\"a,b\\"", "n,text") == {"n": "1", "text": "a,b"}',
    'ParseCSV("1|\\"a", "n text", "|", " ", "ignoreQuotes") == {"n": "1", "text": "\\"a"}',
    'ParseCSV("1;2", "a;b", delimiter=";")["b"] == "2"',
]


@pytest.mark.parametrize("condition", TRUE)
def test_texts_are_converted_as_the_collector_says(condition):
    assert compile_condition(condition, "span")(Message(b""))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ConvertCase", ("a", "title")),
        ("Decode", ("!", "base64")),
        ("Decode", ("a", "no-such")),
        ("Decode", ("a", "zlib")),
        ("Decode", (1, "base64")),
        ("ParseCSV", ("1,2", "a")),
        ("ParseCSV", ('"1', "a")),
        ("ParseCSV", ("1", "a", "||")),
        ("ParseCSV", ("1", "a", ",", "", "loose")),
    ],
)
def test_what_cannot_be_converted_is_an_evaluation_error(name, arguments):
    with pytest.raises(EvaluationError):
        CONVERTERS[name](*arguments)


@given(st.text())
def test_a_snake_stays_one(text):
    assert to_snake_case(to_snake_case(text)) == to_snake_case(text)


@given(st.text(max_size=30), st.sampled_from(["strict", "lazyQuotes", "ignoreQuotes"]))
def test_a_line_of_anything_is_read_or_refused(line, mode):
    with contextlib.suppress(EvaluationError):
        assert list(parse_csv(line, "a", mode=mode)) == ["a"]
