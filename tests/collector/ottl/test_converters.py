import hashlib
import re

import pytest

from tollspan.collector.ottl.compilation import compile_condition
from tollspan.collector.ottl.converters import CONVERTERS
from tollspan.collector.ottl.values import EvaluationError
from tollspan.otlp._message import Message

TRUE = [
    'IsMatch("abc", "b+") and not IsMatch(nil, ".*") and IsMatch(123, "^12")',
    'HasPrefix("abc", "ab") and HasSuffix("abc", "bc")',
    'IsString("a") and IsInt(1) and IsDouble(1.5) and IsBool(true) and IsMap({}) and IsList([])',
    "not IsString(nil) and not IsInt(true) and not IsInt(1.5)",
    'Int("12") == 12 and Int("x") == nil and Int(1.9) == 1 and Int(true) == 1 and Int("1_0") == nil',
    'Int("99999999999999999999") == nil',
    'Double("1.5") == 1.5 and Double(2) == 2.0 and Double("x") == nil',
    'Bool("true") == true and Bool("F") == false and Bool(0) == false and Bool("maybe") == nil',
    'String(1.5) == "1.5" and String(nil) == nil and String(true) == "true"',
    'ParseInt("ff", 16) == 255',
    'Len("aé") == 3 and Len([1, 2]) == 2 and Len({"a": 1}) == 1',
    'Concat(["a", 1, nil], "-") == "a-1-<nil>"',
    'Substring("hello", 1, 3) == "ell"',
    'Split("a,b", ",") == ["a", "b"]',
    'ToLowerCase("ÀB") == "àb" and ToUpperCase("a") == "A"',
    'Trim("  a ") == "a" and Trim("xax", "x") == "a"',
    'TrimPrefix("abc", "a") == "bc" and TrimSuffix("abc", "c") == "ab"',
    'Format("%s has %d", ["a", 3]) == "a has 3"',
    "Coalesce([nil, 2, 3]) == 2 and Coalesce([]) == nil",
    'ContainsValue([1, "a"], "a") and not ContainsValue([1], true)',
    'Index("hello", "l") == 2 and Index([1, 2], 2) == 1 and Index([1], 3) == -1',
    'Keys({"a": 1}) == ["a"] and Values({"a": 1}) == [1]',
    'IsInCIDR("10.1.2.3", ["192.168.0.0/16", "10.0.0.0/8"]) and not IsInCIDR("::1", ["10.0.0.0/8"])',
    'ParseJSON("{\\"a\\": [1, {\\"b\\": null}]}")["a"][0] == 1.0',
    'ParseKeyValue("a=1 b=\\"2\\"") == {"a": "1", "b": "2"}',
    'ParseKeyValue("a:1|b:2", ":", "|")["b"] == "2"',
    'ExtractPatterns("GET /x", "^(?P<method>\\\\w+)") == {"method": "GET"}',
    'ExtractPatterns("none", "(?P<digits>\\\\d+)") == {}',
    'URL("http://me@h.org:81/p?q=1#f")["url.port"] == 81',
    'URL("http://h.org/p")["url.domain"] == "h.org" and URL("/p")["url.port"] == nil',
    'Hex("a") == "61" and Hex(0x0aff) == "0aff"',
    'Base64Encode("a") == "YQ==" and Base64Decode("YQ==") == "a"',
    'TraceID(0x00000000000000000000000000000001) == TraceID("00000000000000000000000000000001")',
    'SpanID("0000000000000001") == 0x0000000000000001',
    "Log(1) == 0.0",
    'FNV("foobar") == -8821353812377114648',
]  # fmt: skip


@pytest.mark.parametrize("condition", TRUE)
def test_converters_do_what_the_collector_says(condition):
    assert compile_condition(condition, "log")(Message(b""))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ParseInt", ("x", 10)),
        ("Len", (1,)),
        ("Substring", ("abc", 2, 2)),
        ("Substring", ("abc", -1, 1)),
        ("Format", ("%d", ["x"])),
        ("Index", (1, 2)),
        ("IsInCIDR", ("nowhere", ["10.0.0.0/8"])),
        ("ParseJSON", ("{",)),
        ("ParseJSON", ("[" * 100_000,)),
        ("ParseKeyValue", ("a",)),
        ("URL", ("http://h:port/",)),
        ("Hex", (1,)),
        ("Base64Decode", ("?",)),
        ("TraceID", ("00",)),
        ("SpanID", (None,)),
        ("Log", (0,)),
    ],
)
def test_what_cannot_be_converted_is_an_evaluation_error(name, arguments):
    with pytest.raises(EvaluationError):
        CONVERTERS[name](*arguments)


@pytest.mark.parametrize("name", ["MD5", "SHA1", "SHA256", "SHA512"])
def test_hashes_are_in_lower_case_hexadecimal(name):
    assert CONVERTERS[name]("text") == hashlib.new(name.lower(), b"text").hexdigest()


def test_every_uuid_is_new():
    first, second = CONVERTERS["UUID"](), CONVERTERS["UUID"]()
    assert first != second
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)
