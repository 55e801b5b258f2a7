import pytest

from tollspan.collector.config.load import load, locating, parse_setting
from tollspan.errors import ConfigError


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_later_sources_are_merged_over_earlier_ones(write):
    base = write("base.yaml", "receivers: {otlp: {a: 1, list: [1, 2]}}\nexporters: {x: 1}\n")
    over = write("over.yaml", "receivers: {otlp: {b: 2, list: [3]}}\nexporters:\n")
    assert load([base, f"file:{over}", {"receivers": {"otlp": {"a": 5}}}]) == {
        "receivers": {"otlp": {"a": 5, "b": 2, "list": [3]}},
        "exporters": None,
    }


def test_references_are_resolved_after_the_merge(write, monkeypatch):
    monkeypatch.setenv("PORT", "1")
    base = write("base.yaml", "a: ${file:/does/not/exist}\nb: ${PORT}\n")
    assert load([base, {"a": "ok"}]) == {"a": "ok", "b": "1"}


def test_an_empty_file_adds_nothing(write):
    assert load([write("empty.yaml", ""), {"a": 1}]) == {"a": 1}


def test_sources_are_not_changed(write):
    mapping = {"a": {"b": 1}}
    load([mapping, {"a": {"c": 2}}])
    assert mapping == {"a": {"b": 1}}


def test_everything_that_is_wrong_is_reported_at_once(write):
    broken = write("broken.yaml", "a: [")
    listed = write("list.yaml", "- a")
    good = write("good.yaml", "a: ${vault:x}\n")
    with pytest.raises(ExceptionGroup) as caught:
        load([broken, listed, "missing.yaml", good])
    problems = {error.path: error.problem for error in caught.value.exceptions}
    assert problems.keys() == {f"{broken}:1", listed, "missing.yaml", "a"}
    assert "No such file" in problems["missing.yaml"]


def test_problems_name_the_line_of_the_file_that_has_the_setting(write):
    base = write("base.yaml", "receivers:\n  otlp:\n    bad: 1\n")
    over = write("over.yaml", "receivers:\n  otlp: {}\n")
    problems = [
        ConfigError("receivers::otlp::bad", "p", "h"),
        ConfigError("receivers::x", "q"),
        ConfigError("s", "r"),
    ]
    with pytest.raises(ExceptionGroup) as caught, locating([base, {"x": 1}, over]):
        raise ExceptionGroup("invalid", problems)
    assert [str(error) for error in caught.value.exceptions] == [
        f"{base}:3: receivers::otlp::bad: p (h)",
        f"{over}:1: receivers::x: q",
        "s: r",
    ]


def test_a_source_may_be_a_variable_or_text(monkeypatch):
    monkeypatch.setenv("TEST_CONFIG", "a: {b: 1, c: 1}")
    assert load(["env:TEST_CONFIG", "yaml:a: {b: 2}"]) == {"a": {"b": 2, "c": 1}}


def test_a_variable_that_is_not_set_is_a_problem():
    with pytest.raises(ExceptionGroup) as caught:
        load(["env:TEST_NO_SUCH"])
    assert str(caught.value.exceptions[0]) == (
        "env:TEST_NO_SUCH: the environment variable TEST_NO_SUCH is not set"
    )


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("a.b=1", {"a": {"b": 1}}),
        ("a::b.c=[x, y]", {"a": {"b": {"c": ["x", "y"]}}}),
        (
            "exporters.otlp/two.endpoint=http://h:1/p?q=1",
            {"exporters": {"otlp/two": {"endpoint": "http://h:1/p?q=1"}}},
        ),
        ("a=", {"a": None}),
    ],
)
def test_a_setting_is_a_mapping(text, setting):
    assert parse_setting(text) == setting
