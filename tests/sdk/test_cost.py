from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

from tollspan import cost
from tollspan.sdk import client_guard


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    yield memory
    provider.shutdown()


def _spans(memory: InMemorySpanExporter) -> dict[str, dict[str, Any]]:
    return {span.name: dict(span.attributes or {}) for span in memory.get_finished_spans()}


def test_a_cost_is_on_the_span_that_caused_it(memory: InMemorySpanExporter) -> None:
    with trace.get_tracer("tests").start_as_current_span("ask"):
        cost("0.0031", currency="eur", sku="gpt", category="llm", quantity=1200, model="m")
    assert _spans(memory) == {
        "ask": {
            "tollspan.cost.amount": 0.0031,
            "tollspan.cost.amount_nano": 3_100_000,
            "tollspan.cost.currency": "EUR",
            "tollspan.cost.sku": "gpt",
            "tollspan.cost.category": "llm",
            "tollspan.cost.quantity": 1200.0,
            "model": "m",
        }
    }


def test_costs_of_one_kind_add_up_exactly(memory: InMemorySpanExporter) -> None:
    with trace.get_tracer("tests").start_as_current_span("ask"):
        for _ in range(10):
            cost(0.1, quantity=1)
    attributes = _spans(memory)["ask"]
    assert attributes["tollspan.cost.amount_nano"] == 10**9
    assert (attributes["tollspan.cost.amount"], attributes["tollspan.cost.quantity"]) == (1.0, 10.0)


def test_a_cost_of_another_kind_gets_a_span_of_its_own_below(memory: InMemorySpanExporter) -> None:
    with trace.get_tracer("tests").start_as_current_span("ask"):
        cost(1, sku="gpt")
        cost(2, sku="search")
    own, ask = memory.get_finished_spans()
    assert own.parent is not None
    assert own.parent.span_id == ask.context.span_id
    spans = _spans(memory)
    assert (spans["ask"]["tollspan.cost.sku"], spans["cost"]["tollspan.cost.sku"]) == ("gpt", "search")


def test_without_a_span_the_cost_is_not_lost(memory: InMemorySpanExporter) -> None:
    cost(Decimal("1.5"))
    assert _spans(memory)["cost"]["tollspan.cost.amount_nano"] == 1_500_000_000


@pytest.mark.parametrize("amount", ["much", "nan", "inf", None, 10**20])
def test_an_amount_that_is_none_is_said_and_recorded_nowhere(
    memory: InMemorySpanExporter, amount: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client_guard.events._states.clear()
    cost(amount)
    assert memory.get_finished_spans() == ()
    assert "a cost was not recorded: its amount is no number" in caplog.text


@given(st.decimals(-(10**9), 10**9, places=9))
def test_every_billionth_is_kept(amount: Decimal) -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("tests").start_as_current_span("ask"):
        cost(amount)
    assert _spans(memory)["ask"]["tollspan.cost.amount_nano"] == amount * 10**9
