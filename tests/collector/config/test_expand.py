import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tollspan.collector.config.expand import Expanded, Expansion


def expand(value):
    expansion = Expansion()
    expanded = expansion.expand(value)
    assert expansion.problems == []
    return expanded


def fail(value):
    expansion = Expansion()
    assert expansion.expand({"key": value}) == {"key": None}
    (problem,) = expansion.problems
    assert problem.path == "key"
    return problem.problem


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("HOST", "example.com")
    monkeypatch.setenv("PORT", "4318")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("WHICH", "HOST")
    monkeypatch.setenv("PASSWORD", "pa$$w${HOST}: {x")
    monkeypatch.delenv("UNSET", raising=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${env:HOST}", "example.com"),
        ("${HOST}:${PORT}", "example.com:4318"),
        ("${env:UNSET:-fallback}", "fallback"),
        ("${env:HOST:-fallback}", "example.com"),
        ("${env:EMPTY:-fallback}", ""),
        ("${env:UNSET:-}", ""),
        ("${env:${env:WHICH}}", "example.com"),
        ("${env:UNSET:-${HOST}}", "example.com"),
        ("${env:UNSET:-http://x:1/}", "http://x:1/"),
        ("$${HOST}", "${HOST}"),
        ("$$${HOST}", "$example.com"),
        ("$$$${HOST}", "$${HOST}"),
        ("$HOST costs 5$", "$HOST costs 5$"),
        ("{x} } {", "{x} } {"),
        ("${env:PASSWORD}", "pa$$w${HOST}: {x"),
        ("p=${env:PASSWORD}", "p=pa$$w${HOST}: {x"),
        ("${yaml:a b}", "a b"),
    ],
)
def test_references_become_text(text, expected):
    assert expand(text) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${PORT}", 4318),
        ("${yaml:[a, 1]}", ["a", 1]),
        ("${yaml:true}", True),
        ("${EMPTY}", None),
        ("${PASSWORD}", "pa$$w${HOST}: {x"),
    ],
)
def test_a_whole_reference_also_knows_its_yaml_value(text, value):
    expanded = expand(text)
    assert isinstance(expanded, Expanded)
    assert expanded.value == value


def test_an_unset_variable_gives_nothing_and_a_warning():
    with capture_logs() as logs:
        assert expand({"a": "${UNSET}", "b": "<${UNSET}>"}) == {"a": None, "b": "<>"}
    assert [(log["log_level"], log["name"]) for log in logs] == [("warning", "UNSET")] * 2


def test_a_file_gives_its_text_without_the_last_line_end(tmp_path):
    (tmp_path / "secret").write_text("s3c$$ret\n")
    assert expand(f"${{file:{tmp_path}/secret}}") == "s3c$$ret"


def test_a_mapping_from_a_file_is_expanded_in_turn(tmp_path):
    (tmp_path / "part.yaml").write_text("endpoint: ${HOST}:${PORT}\nlist: ['$$', '${PORT}']\n")
    expanded = expand({"http": f"${{file:{tmp_path}/part.yaml}}"})
    assert expanded["http"].value == {"endpoint": "example.com:4318", "list": ["$", "4318"]}


def test_files_that_include_each_other_are_an_error(tmp_path):
    path = tmp_path / "loop.yaml"
    path.write_text(f"again: ${{file:{path}}}")
    expansion = Expansion()
    expansion.expand(f"${{file:{path}}}")
    assert "levels deep" in expansion.problems[0].problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("${env:HOST", "no closing brace"),
        ("${${HOST}", "no closing brace"),
        ("${env:1X}", "is not the name of an environment variable"),
        ("${}", "is not the name of an environment variable"),
        ("${vault:x}", "unknown scheme 'vault'"),
        ("${file:/does/not/exist}", "cannot read the file '/does/not/exist': No such file"),
    ],
)
def test_a_bad_reference_is_a_problem_at_its_path(text, problem):
    assert problem in fail(text)


def test_every_bad_reference_is_reported():
    expansion = Expansion()
    expansion.expand({"a": ["${vault:x}", {"b": "${"}]})
    assert [problem.path for problem in expansion.problems] == ["a::0", "a::1::b"]


@given(st.text(alphabet="${}a:-", max_size=40))
def test_any_text_expands_or_is_one_problem(text):
    expansion = Expansion()
    expansion.expand(text)
    assert len(expansion.problems) <= 1


@given(st.text())
def test_doubled_dollar_signs_keep_any_text(text):
    assert expand(text.replace("$", "$$")) == text
