"""Customers at the shop: a steady mix of looking, buying, slow reports and mistakes."""

from __future__ import annotations

import random
from dataclasses import dataclass

import httpx

from tollspan.demo.customers import HEADER, PLANS
from tollspan.demo.service import TRACE_ID_HEADER


@dataclass(frozen=True)
class Visit:
    """One request that the shop answered: whose it was, and the trace it says it left."""

    trace_id: str
    customer: str
    method: str
    path: str
    status: int


def visit(http_client: httpx.Client, dice: random.Random) -> Visit:
    """Send one request of the mix as one of the customers."""
    customer = dice.choices(list(PLANS), weights=(8, 5, 4, 2, 1))[0]
    method, path, body = _errand(dice)
    answer = http_client.request(method, path, json=body, headers={HEADER: customer})
    return Visit(answer.headers[TRACE_ID_HEADER], customer, method, path, answer.status_code)


def _errand(dice: random.Random) -> tuple[str, str, dict[str, int] | None]:
    product = dice.randint(1, 10)
    roll = dice.random()
    if roll < 0.35:
        return "GET", "/products", None
    if roll < 0.60:
        return "GET", f"/products/{product}", None
    if roll < 0.90:
        return "POST", "/orders", {"product_id": product, "quantity": dice.randint(1, 5)}
    if roll < 0.95:
        return "GET", "/sales", None
    return "GET", "/products/404", None
