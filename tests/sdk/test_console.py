from __future__ import annotations

import io

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

import tollspan
from tollspan.sdk.console import SPANS_MAX, Console


@pytest.fixture
def shown(fresh_process) -> io.StringIO:
    stream = io.StringIO()
    trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
    Console(stream).show(True)
    return stream


def lines(shown: io.StringIO) -> list[str]:
    """Without the durations."""
    return [
        "  ".join(part for part in line.split("  ") if " ms" not in part)
        for line in shown.getvalue().splitlines()
    ]


def test_a_trace_is_a_tree_once_it_is_complete(shown: io.StringIO):
    with tollspan.span("GET /items", {"http.response.status_code": 200}):
        with tollspan.span("look up", {"db.statement": "select " + "x" * 99}), tollspan.span("connect"):
            pass
        with tollspan.span("render"):
            assert shown.getvalue() == ""

    assert lines(shown) == [
        "GET /items  200",
        "├─ look up  select " + "x" * 53,
        "│  └─ connect",
        "└─ render",
    ]


def test_an_error_is_shown(shown: io.StringIO):
    with pytest.raises(ValueError), tollspan.span("charge"):  # noqa: PT011 - any will do
        raise ValueError("declined")

    assert lines(shown) == ["charge  ERROR ValueError: declined"]


def test_a_span_that_outlives_its_parent_is_in_the_tree(shown: io.StringIO):
    with tollspan.span("request"):
        late = trace.get_tracer("app").start_span("late")
    assert shown.getvalue() == ""
    late.end()

    assert lines(shown) == ["request", "└─ late"]


def test_a_remote_parent_does_not_hide_the_trace(shown: io.StringIO):
    with tollspan.span("request", trace_id="1" * 32, parent_span_id="2" * 16):
        pass

    assert lines(shown) == ["request"]


def test_a_deep_and_long_trace_is_shown_in_parts(shown: io.StringIO):
    depth = SPANS_MAX + 500
    spans = [trace.get_tracer("app").start_span("0")]
    for number in range(1, depth):
        spans.append(trace.get_tracer("app").start_span(str(number), trace.set_span_in_context(spans[-1])))
    for span in reversed(spans):
        span.end()

    assert len(lines(shown)) == depth


def test_it_is_switched_off_again(shown: io.StringIO):
    console = Console(shown)
    console.show(True)
    console.show(False)
    with tollspan.span("work"):
        pass

    assert lines(shown) == ["work"]


def test_init_switches_it_on(fresh_process, capsys):
    tollspan.init(console=True)
    with tollspan.span("work"):
        pass

    assert capsys.readouterr().err.startswith("work  ")
