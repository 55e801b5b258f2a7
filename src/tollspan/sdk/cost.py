"""A cost that the application knows, on the span that caused it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import Span

from tollspan.sdk.client_guard import events, guarded

PREFIX = "tollspan.cost."
AMOUNT, AMOUNT_NANO = PREFIX + "amount", PREFIX + "amount_nano"

NANO = 10**9
NANO_MAX = 2**63 - 1


@guarded
def cost(
    amount: Decimal | float | str,
    *,
    currency: str = "USD",
    sku: str | None = None,
    category: str | None = None,
    quantity: Decimal | float | None = None,
    **attributes: Any,
) -> None:
    """The current span has cost `amount` more, as `tollspan.cost.*` attributes.

    `amount_nano` is the sum in billionths of the currency (ISO 4217), exactly; `amount` is the
    same as a number to look at. `category` and `sku` say what was paid for, `quantity` how much
    of it; other keywords become attributes of that name. Where there is no span, or it has a cost
    of another kind, a span `cost` is made to carry this one. Never raises; what is no finite
    amount is reported in the log `tollspan` and recorded nowhere.
    """
    nano = _nano(amount)
    if nano is None:
        events.bad_cost("its amount is no number of the currency below 9 billion")
        return
    given = {"currency": currency.upper(), "sku": sku, "category": category}
    kind = {PREFIX + name: value for name, value in given.items() if value is not None}
    span = trace.get_current_span()
    if _takes(span, kind):
        _add(span, nano, quantity, kind, attributes)
        return
    with trace.get_tracer("tollspan").start_as_current_span("cost") as own:
        _add(own, nano, quantity, kind, attributes)


def _nano(amount: Decimal | float | str) -> int | None:
    try:
        nano = int((Decimal(str(amount)) * NANO).to_integral_value())
    except (ArithmeticError, ValueError):
        return None
    return nano if abs(nano) <= NANO_MAX else None


def _takes(span: trace.Span, kind: dict[str, str]) -> bool:
    """Whether `span` is recorded, and has no cost yet or one of the same kind."""
    if not isinstance(span, Span) or not span.is_recording():
        return False
    held = span.attributes or {}
    if AMOUNT not in held:
        return True
    return all(held.get(PREFIX + name) == kind.get(PREFIX + name) for name in ("currency", "sku", "category"))


def _add(
    span: trace.Span,
    nano: int,
    quantity: Decimal | float | None,
    kind: dict[str, str],
    attributes: dict[str, Any],
) -> None:
    held = getattr(span, "attributes", None) or {}
    total = held.get(AMOUNT_NANO, 0) + nano
    span.set_attributes({**attributes, **kind, AMOUNT_NANO: total, AMOUNT: total / NANO})
    if quantity is not None:
        span.set_attribute(PREFIX + "quantity", held.get(PREFIX + "quantity", 0.0) + float(quantity))
