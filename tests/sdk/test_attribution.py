from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from tollspan import current_unit, unit
from tollspan.sdk.attribution import SLOW_S, Attribution
from tollspan.sdk.events import Events
from tollspan.sdk.spans import SpanPipeline

UNIT, PARENT = "tollspan.unit", "tollspan.parent_unit"

Spans = Callable[..., ReadableSpan]


@pytest.fixture
def attribution() -> Attribution:
    return Attribution(Events())


@pytest.fixture
def ended(attribution: Attribution) -> Iterator[Spans]:
    """Starts and ends a span, and returns it."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(SpanPipeline(attribution, Events()))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("tests")

    def end(attributes: dict[str, str] | None = None) -> ReadableSpan:
        tracer.start_span("work", attributes=attributes).end()
        return memory.get_finished_spans()[-1]

    yield end
    provider.shutdown()


def test_a_span_gets_the_unit_and_keeps_its_own_attributes(ended: Spans) -> None:
    with unit("acme", parent="emea"):
        assert ended({"a.b": "1"}).attributes == {"a.b": "1", UNIT: "acme", PARENT: "emea"}


def test_a_span_of_nobody_gets_nothing(ended: Spans) -> None:
    assert ended({"a.b": "1"}).attributes == {"a.b": "1"}


def test_an_attribute_that_the_caller_sets_wins(ended: Spans) -> None:
    with unit("acme", parent="emea"):
        assert ended({UNIT: "mine"}).attributes == {UNIT: "mine", PARENT: "emea"}


@pytest.mark.parametrize("answer", ["acme", 7, uuid.UUID(int=1)])
def test_a_resolver_says_the_unit_of_each_span(
    ended: Spans, attribution: Attribution, answer: object
) -> None:
    attribution.use(lambda: answer, None)
    assert ended().attributes == {UNIT: str(answer)}


def test_a_resolver_is_asked_once_for_a_span_and_all_that_happens_in_it(attribution: Attribution) -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(SpanPipeline(attribution, Events()))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("tests")
    answers = iter(["first", "second"])
    attribution.use(lambda: next(answers), lambda: "of " + "parents")
    for _ in range(2):
        with tracer.start_as_current_span("request"), tracer.start_as_current_span("query"):
            tracer.start_span("row").end()
            known = attribution.attributes()
        assert known == memory.get_finished_spans()[-1].attributes
    units = [(span.attributes or {})[UNIT] for span in memory.get_finished_spans()]
    assert units == ["first"] * 3 + ["second"] * 3


def test_an_answer_above_does_not_go_before_the_code(attribution: Attribution) -> None:
    provider = TracerProvider(ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(SpanPipeline(attribution, Events()))
    attribution.use(lambda: "asked", lambda: "parent of " + str(current_unit()))
    with provider.get_tracer("tests").start_as_current_span("request"), unit("acme"):
        assert attribution.attributes() == {UNIT: "acme", PARENT: "parent of Unit(id='acme', parent=None)"}


def test_a_parent_resolver_alone_is_honoured(ended: Spans, attribution: Attribution) -> None:
    attribution.use(None, lambda: "emea")
    assert ended().attributes == {PARENT: "emea"}
    with unit("acme"):
        assert ended().attributes == {UNIT: "acme", PARENT: "emea"}
    with unit("acme", parent="apac"):
        assert ended().attributes == {UNIT: "acme", PARENT: "apac"}


def test_what_the_code_says_goes_before_the_settings(ended: Spans, attribution: Attribution) -> None:
    attribution.use("fixed", "parent")
    assert ended().attributes == {UNIT: "fixed", PARENT: "parent"}
    with unit("acme"):
        assert ended().attributes == {UNIT: "acme", PARENT: "parent"}


@pytest.mark.parametrize("answer", [None, "", object(), 1.5, ["acme"]])
def test_an_answer_that_is_no_id_leaves_the_span_without(
    ended: Spans, attribution: Attribution, answer: object
) -> None:
    attribution.use(lambda: answer, None)
    assert ended().attributes == {}


def test_a_resolver_that_raises_costs_its_attribute_and_one_line(
    ended: Spans, attribution: Attribution, caplog: pytest.LogCaptureFixture
) -> None:
    def resolve() -> str:
        raise LookupError("secret of the application")

    attribution.use(resolve, lambda: "emea")
    for _ in range(50):
        assert ended().attributes == {PARENT: "emea"}
    # On a busy machine they may be told to be slow, too.
    assert [record.message for record in caplog.records if " took " not in record.message] == [
        "the unit resolver raised LookupError; the span has no unit"
    ]
    assert attribution._events.counts["resolver_failed_LookupError"] == 50


def test_a_resolver_may_start_spans_itself(ended: Spans, attribution: Attribution) -> None:
    inner: list[ReadableSpan] = []

    def resolve() -> str:
        inner.append(ended())
        return "acme"

    attribution.use(resolve, None)
    assert ended().attributes == {UNIT: "acme"}
    assert [span.attributes for span in inner] == [{}]


def test_a_span_that_is_full_still_gets_its_unit(ended: Spans) -> None:
    with unit("acme"):
        attributes = ended({str(index): "x" for index in range(200)}).attributes
    assert attributes is not None
    assert attributes[UNIT] == "acme"


def test_a_slow_resolver_is_reported_once(
    ended: Spans, attribution: Attribution, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings_s = iter(index * SLOW_S * 2 for index in range(10))
    monkeypatch.setattr("tollspan.sdk.attribution.time.perf_counter", lambda: next(readings_s))
    caplog.set_level(logging.WARNING, "tollspan")
    attribution.use(lambda: "acme", None)
    ended()
    ended()
    assert [record.message for record in caplog.records] == ["the unit resolvers took 20 ms for one span"]


def test_spans_that_are_not_recorded_ask_no_resolver(attribution: Attribution) -> None:
    asked: list[None] = []
    attribution.use(lambda: asked.append(None), None)
    provider = TracerProvider(ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(SpanPipeline(attribution, Events()))
    provider.get_tracer("tests").start_span("work").end()
    assert asked == []
