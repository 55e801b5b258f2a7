from typing import Annotated, Any, Literal

import msgspec
import pytest

from tollspan.collector.component import Authenticator, Reference
from tollspan.collector.config.decode import Decoding, FieldReference
from tollspan.collector.config.expand import Expanded
from tollspan.collector.config.values import Duration, Size
from tollspan.errors import ConfigError


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    enabled: bool = True
    wait_s: Duration = msgspec.field(default=5.0, name="initial_interval")


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    target: str
    level: Literal["low", "high"] = "low"
    workers: Annotated[int, msgspec.Meta(ge=1)] = 2
    limit: Size = 0
    retry: Retry = Retry()
    optional: Retry | None = None
    headers: dict[str, str] = {}
    names: list[str] = []
    waits: list[Duration] = []
    by_name: dict[str, Retry] = {}
    anything: Any = None
    auth: Annotated[str, Reference(Authenticator)] | None = None

    def problems(self):
        if self.workers > self.retry.wait_s:
            yield ConfigError("workers", "more than seconds", "take fewer")


def decode(value):
    decoding = Decoding()
    return decoding.struct(Everything, value, "x"), decoding


def problems(value):
    return [(error.path, error.problem, error.hint) for error in decode(value)[1].problems]


def test_every_kind_of_field_is_read():
    built, decoding = decode(
        {
            "target": "t",
            "level": "high",
            "workers": 3,
            "limit": "1KiB",
            "retry": {"enabled": False, "initial_interval": "1m"},
            "headers": {"a": "b"},
            "names": ["a", "b"],
            "waits": ["1s", "2s"],
            "by_name": {"one": None, "two": {"initial_interval": "2s"}},
            "anything": {"a": [1]},
            "auth": " oidc / a ",
        }
    )
    assert decoding.problems == []
    assert built == Everything(
        target="t",
        level="high",
        workers=3,
        limit=1024,
        retry=Retry(enabled=False, wait_s=60.0),
        headers={"a": "b"},
        names=["a", "b"],
        waits=[1.0, 2.0],
        by_name={"one": Retry(), "two": Retry(wait_s=2.0)},
        anything={"a": [1]},
        auth="oidc/a",
    )
    assert decoding.references == [FieldReference("x::auth", "oidc/a", Authenticator)]


def test_null_means_the_default_and_switches_an_optional_section_on():
    assert decode({"target": "t", "workers": None, "optional": None, "retry": None})[0] == Everything(
        target="t", optional=Retry()
    )
    assert decode({"target": "t"})[0].optional is None


def test_a_list_of_texts_may_be_one_text_with_commas():
    assert decode({"target": "t", "names": "a, b"})[0].names == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "value", "field", "expected"),
    [
        ("012", 12, "target", "012"),
        ("{a", "{a", "target", "{a"),
        ("", None, "target", ""),
        ("4", 4, "workers", 4),
        ("2s", "2s", "waits", None),
        ("1MiB", "1MiB", "limit", 1 << 20),
        ("a, b", "a, b", "names", ["a", "b"]),
        ("[a]", ["a"], "names", ["a"]),
        ("{enabled: false}", {"enabled": False}, "retry", Retry(enabled=False)),
        ("7", 7, "anything", 7),
    ],
)
def test_expanded_text_is_taken_as_the_field_wants_it(text, value, field, expected):
    built, decoding = decode({"target": "t", field: Expanded(text, value)})
    if expected is None:
        assert [problem.path for problem in decoding.problems] == [f"x::{field}"]
    else:
        assert getattr(built, field) == expected


def test_references_inside_a_free_value_become_plain_values():
    built, _ = decode({"target": "t", "anything": {"a": [Expanded("7", 7)]}})
    assert built.anything == {"a": [7]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, [("x::target", "is required", "")]),
        ({"target": None}, [("x::target", "is required", "")]),
        ({"target": 5}, [("x::target", "expected str, got int", "")]),
        ([], [("x", "must be a mapping of settings, not a list", "")]),
        ({"target": "t", "level": "mid"}, [("x::level", "invalid enum value 'mid'", "")]),
        ({"target": "t", "workers": 0}, [("x::workers", "expected int >= 1", "")]),
        ({"target": "t", "workers": "4"}, [("x::workers", "expected int, got str", "")]),
        ({"target": "t", "workers": True}, [("x::workers", "expected int, got bool", "")]),
        ({"target": "t", "retry": "yes"}, [("x::retry", "must be a mapping of settings, not text", "")]),
        ({"target": "t", "headers": []}, [("x::headers", "must be a mapping, not a list", "")]),
        ({"target": "t", "names": {}}, [("x::names", "must be a list, not a mapping", "")]),
        ({"target": "t", "headers": {"a": 1}}, [("x::headers::a", "expected str, got int", "")]),
        ({"target": "t", "tarjet": 1}, [("x::tarjet", "unknown key", "did you mean target?")]),
        (
            {"target": "t", "retry": {"zzz": 1}},
            [("x::retry::zzz", "unknown key", "known: enabled, initial_interval")],
        ),
        ({"target": "t", "auth": 5}, [("x::auth", "must be the id of an extension, not a number", "")]),
        ({"target": "t", "workers": 9}, [("x::workers", "more than seconds", "take fewer")]),
    ],
)
def test_a_wrong_value_is_a_problem_at_its_path(value, expected):
    assert problems(value) == expected


def test_all_problems_are_found_in_one_pass():
    found = problems(
        {
            "retry": {"enabled": "no", "initial_interval": 5},
            "waits": ["1s", "soon"],
            "by_name": {"a": {"x": 1}},
            "workers": 0,
        }
    )
    assert {path for path, _, _ in found} == {
        "x::target",
        "x::retry::enabled",
        "x::retry::initial_interval",
        "x::waits::1",
        "x::by_name::a::x",
        "x::workers",
    }
