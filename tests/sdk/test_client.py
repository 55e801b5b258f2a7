from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import SeverityNumber
from opentelemetry.trace import StatusCode

import tollspan
from tollspan.sdk.client import MESSAGE_BYTES_MAX, _cut
from tollspan.sdk.client_guard import events
from tollspan.testing import Captured

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("level", "severity"),
    [("debug", 5), ("info", 9), ("WARN", 13), ("warning", 13), ("error", 17), ("fatal", 21), ("loud", 9)],
)
def test_a_log_record_has_its_level(captel: Captured, level: str, severity: int):
    tollspan.log(level, "hello", {"order": 7})

    record = captel.log("hello")
    assert record.severity_number is SeverityNumber(severity)
    assert record.attributes == {"order": 7}
    assert record.timestamp > 0


def test_a_log_record_belongs_to_the_current_span(captel: Captured):
    with tollspan.span("work") as span:
        tollspan.log("info", "hello")

    assert captel.log("hello").span_id == span.get_span_context().span_id


def test_a_log_record_belongs_to_the_span_that_is_given(captel: Captured):
    tollspan.log("info", "hello", trace_id=TRACE_ID, span_id=SPAN_ID)

    record = captel.log("hello")
    assert (f"{record.trace_id:032x}", f"{record.span_id:016x}") == (TRACE_ID, SPAN_ID)


def test_an_error_is_told_with_its_traceback(captel: Captured):
    try:
        raise KeyError("sku")
    except KeyError as error:
        tollspan.log("error", "no such product", error=error)

    attributes = captel.log("no such product").attributes
    assert (attributes["exception.type"], attributes["exception.message"]) == ("KeyError", "'sku'")
    assert "test_client.py" in attributes["exception.stacktrace"]


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(
        lambda text: text * (40_000 // len(text))
    )
)
def test_a_message_is_cut_to_a_prefix_of_at_most_32_kib(message: str):
    cut = _cut(message)

    assert message.startswith(cut)
    assert len(cut.encode()) <= MESSAGE_BYTES_MAX
    assert cut == message or len(cut.encode()) > MESSAGE_BYTES_MAX - 4


def test_a_message_that_cannot_be_shown_raises_nothing(captel: Captured):
    class Unspeakable:
        def __str__(self) -> str:
            raise RuntimeError

    tollspan.log("info", Unspeakable())

    assert captel.logs == []
    assert events.counts["log_failed"] > 0


def test_a_captured_error_fails_the_current_span_and_is_logged(captel: Captured):
    with tollspan.span("work"):
        tollspan.capture_error(ValueError("broken"), {"order": 7})

    span = captel.span("work")
    assert (span.status.status_code, span.events[0].name) == (StatusCode.ERROR, "exception")
    assert captel.log("ValueError: broken").attributes["order"] == 7


def test_without_a_span_a_captured_error_is_logged_alone(captel: Captured):
    tollspan.capture_error(ValueError("broken"))

    assert captel.spans == []
    assert captel.log("ValueError: broken").severity_number is SeverityNumber.ERROR


def test_what_is_injected_continues_the_trace_where_it_is_extracted(captel: Captured):
    with tollspan.span("here") as here:
        headers = tollspan.inject({"accept": "text/plain"})
    with tollspan.span("there", context=tollspan.extract({"Traceparent": headers["traceparent"]})):
        pass

    there = captel.span("there")
    assert headers["accept"] == "text/plain"
    assert there.parent.span_id == here.get_span_context().span_id
    assert there.parent.is_remote


def test_the_ids_that_are_given_are_injected_without_a_span():
    assert tollspan.inject(trace_id=TRACE_ID, span_id=SPAN_ID) == {
        "traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01"
    }
