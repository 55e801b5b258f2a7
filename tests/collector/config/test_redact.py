from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.builtins import FACTORIES
from tollspan.collector.config.expand import Expansion
from tollspan.collector.config.redact import redact
from tollspan.collector.registry import build_registry

REGISTRY = build_registry(FACTORIES)


def test_what_is_no_secret_is_shown_as_it_is():
    document = {
        "receivers": {"otlp": {"protocols": {"http": None}}},
        "processors": {"batch/two": {"timeout": "1s"}},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"]}}},
    }
    assert redact(document, REGISTRY) == document


def test_a_secret_that_came_from_a_reference_is_hidden(monkeypatch):
    monkeypatch.setenv("TEST_SECRET", "{a: s3cret}")
    document = {"exporters": {"otlp_http": {"endpoint": "http://x", "headers": {"k": "${env:TEST_SECRET}"}}}}
    shown = redact(Expansion().expand(document), REGISTRY)
    assert shown["exporters"]["otlp_http"]["headers"] == {"k": "[REDACTED]"}


@given(
    st.recursive(
        st.just("s3cret"),
        lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.just("key"), inner, min_size=1),
        max_leaves=5,
    )
)
def test_nothing_is_shown_of_what_no_field_describes(body):
    for document in (
        {"exporters": {"unknown/1": body}},
        {"exporters": {"debug": {"pasword": body}}},
        {"exporters": {"otlp_http": {"headers": body}}},
        {"unknown": body},
    ):
        assert "s3cret" not in str(redact(document, REGISTRY))
