import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.config.yaml_text import find_line, parse
from tollspan.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("on", "on"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("2026-01-02", "2026-01-02"),
        ("012", "012"),
        ("0o17", 15),
        ("0x1f", 31),
        ("-5", -5),
        ("1e3", 1000.0),
        (".5", 0.5),
        (".inf", math.inf),
        ("~", None),
        ("null", None),
        ("", None),
        ("'1'", "1"),
        ("64MiB", "64MiB"),
        ("{a: &x {b: 1}, c: {<<: *x, d: 2}}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
    ],
)
def test_scalars_follow_the_yaml_1_2_core_schema(text, value):
    assert parse(text, "file") == value


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: 2\na: 3", 3, "'a' is written twice"),
        ("a:\n  1: x", 2, "must be text"),
        ("? [a]\n: b", 1, "must be text"),
        ("a: [", 1, "expected the node content"),
        ("a: &x [*x]", 1, "recursive"),
        ("- a\n---\n- b", 2, "another document"),
        ("a: !!python/object:os.system x", 1, "constructor"),
    ],
)
def test_a_broken_document_is_an_error_at_its_line(text, line, problem):
    with pytest.raises(ConfigError, match=problem) as caught:
        parse(text, "collector.yaml")
    assert caught.value.path == f"collector.yaml:{line}"


@pytest.mark.parametrize("text", ["a: \x00", "[" * 1200, "a: 1" + "0" * 5000, "a: !!int x"])
def test_an_unreadable_document_is_an_error_in_its_file(text):
    with pytest.raises(ConfigError) as caught:
        parse(text, "collector.yaml")
    assert caught.value.path == "collector.yaml"


@given(st.text())
def test_any_text_is_a_value_or_a_configuration_error(text):
    with contextlib.suppress(ConfigError):
        parse(text, "file")


TEXT = """\
receivers:
  otlp:
    protocols:
      http:
        endpoint: x
service:
  extensions: [a,
    b]
"""


@pytest.mark.parametrize(
    ("keys", "depth", "line"),
    [
        (["receivers", "otlp", "protocols", "http", "endpoint"], 5, 5),
        (["receivers", "otlp", "protocols", "grpc"], 3, 3),
        (["service", "extensions", "1"], 3, 8),
        (["exporters"], 0, 1),
    ],
)
def test_a_path_leads_to_the_line_of_its_nearest_section(keys, depth, line):
    assert find_line(TEXT, keys) == (depth, line)
