from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace
from opentelemetry.trace import Link, SpanKind, StatusCode

import tollspan
from tollspan.testing import Captured

TRACE_ID, SPAN_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"


def ids(span) -> tuple[str, str, str | None]:
    parent = None if span.parent is None else f"{span.parent.span_id:016x}"
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}", parent


def test_a_block_is_a_span_and_blocks_in_it_are_its_children(captel: Captured):
    with tollspan.span("outer", {"order": 7}, kind="server"), tollspan.span("inner"):
        pass

    outer, inner = captel.span("outer"), captel.span("inner")
    assert inner.parent.span_id == outer.context.span_id
    assert (outer.attributes["order"], outer.kind, inner.kind) == (7, SpanKind.SERVER, SpanKind.INTERNAL)


def test_an_exception_is_recorded_once_and_goes_on(captel: Captured):
    with pytest.raises(ValueError, match="broken"), tollspan.span("work"):
        raise ValueError("broken")

    span = captel.span("work")
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]


@pytest.mark.parametrize("status", ["error", 2, StatusCode.ERROR])
def test_a_status_is_set(captel: Captured, status: object):
    with tollspan.span("work", status=status, status_message="declined"):
        pass

    assert captel.span("work").status.status_code is StatusCode.ERROR
    assert captel.span("work").status.description == "declined"


def test_ids_that_are_given_are_the_spans(captel: Captured):
    with tollspan.span("work", trace_id=TRACE_ID, span_id=SPAN_ID), tollspan.span("inner"):
        pass

    assert ids(captel.span("work")) == (TRACE_ID, SPAN_ID, None)
    trace_id, span_id, parent = ids(captel.span("inner"))
    assert (trace_id, parent) == (TRACE_ID, SPAN_ID)
    assert span_id != SPAN_ID


def test_a_parent_that_is_given_is_the_spans(captel: Captured):
    with tollspan.span("work", trace_id=int(TRACE_ID, 16), parent_span_id=PARENT_ID):
        pass

    trace_id, _, parent = ids(captel.span("work"))
    assert (trace_id, parent) == (TRACE_ID, PARENT_ID)


def test_in_the_trace_that_is_given_the_current_span_of_another_is_no_parent(captel: Captured):
    with tollspan.span("other"), tollspan.span("work", trace_id=TRACE_ID):
        pass

    assert captel.span("work").parent is None


def test_in_the_current_trace_the_current_span_is_the_parent(captel: Captured):
    with tollspan.span("outer", trace_id=TRACE_ID), tollspan.span("inner", trace_id=TRACE_ID):
        pass

    assert captel.span("inner").parent.span_id == captel.span("outer").context.span_id


@pytest.mark.parametrize("wrong", ["", "xyz", "0" * 32, "f" * 33, -1])
def test_an_id_that_is_none_is_ignored_and_said(captel: Captured, caplog: pytest.LogCaptureFixture, wrong):
    with tollspan.span("work", trace_id=wrong):
        pass

    assert captel.span("work").context.trace_id > 0
    assert "the trace_id that was given is no number of 128 bits above 0" in caplog.text


def test_times_that_are_given_are_the_spans(captel: Captured):
    with tollspan.span("work", start_unix_nano=1_000, end_unix_nano=3_000):
        pass

    assert (captel.span("work").start_time, captel.span("work").end_time) == (1_000, 3_000)


def test_a_link_leads_into_another_trace(captel: Captured):
    with tollspan.span("first") as first:
        pass
    with tollspan.span("second", links=[Link(first.get_span_context())]):
        pass

    second = captel.span("second")
    assert second.links[0].context.trace_id == captel.span("first").context.trace_id
    assert second.context.trace_id != second.links[0].context.trace_id


def test_each_call_of_a_function_is_a_span(captel: Captured):
    @tollspan.span("price", {"kind": "net"})
    def price(amount: int) -> int:
        """The price."""
        return amount * 2

    assert (price(2), price(amount=3)) == (4, 6)
    assert [span.name for span in captel.spans] == ["price", "price"]
    assert (price.__name__, price.__doc__) == ("price", "The price.")


async def test_a_coroutine_function_is_a_span_while_it_is_awaited(captel: Captured):
    @tollspan.span("work")
    async def work(number: int) -> int:
        await asyncio.sleep(0)
        with tollspan.span("inner", {"number": number}):
            return number

    assert await asyncio.gather(work(1), work(2)) == [1, 2]
    parents = {
        span.attributes["number"]: span.parent.span_id for span in captel.spans if span.name == "inner"
    }
    assert len(set(parents.values())) == 2


def test_a_generator_is_one_span_which_its_consumer_does_not_see(captel: Captured):
    @tollspan.span("rows")
    def rows():
        yield 1
        yield 2
        return 3

    for _ in rows():
        assert trace.get_current_span() is trace.INVALID_SPAN

    assert captel.span("rows").status.status_code is StatusCode.UNSET


async def test_an_async_generator_is_one_span_and_its_error_is_recorded(captel: Captured):
    @tollspan.span("rows")
    async def rows():
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        async for _ in rows():
            pass

    assert [event.name for event in captel.span("rows").events] == ["exception"]


def test_threads_share_a_block(captel: Captured):
    @tollspan.span("work")
    def work(number: int) -> int:
        return number

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(50))) == list(range(50))

    assert len(captel.spans) == 50
