"""The shop's customers: who a request is for, and which plan they pay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tollspan

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PLANS = {
    "acme-toys": "enterprise",
    "globex-garden": "enterprise",
    "initech-office": "team",
    "umbrella-books": "team",
    "hooli-hats": "starter",
}

HEADER = "x-customer"


class CustomerUnits:
    """Every span of a request carries the customer as its unit and the plan as parent unit.

    It wraps the instrumented application from outside, so the server span, which starts
    before any handler runs, is stamped too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        customer = ""
        if scope["type"] == "http":
            customer = dict(scope["headers"]).get(HEADER.encode(), b"").decode("latin-1")
        if customer not in PLANS:
            await self._app(scope, receive, send)
            return
        with tollspan.unit(customer, parent=PLANS[customer]):
            await self._app(scope, receive, send)
