"""The payment service: usually quick, at times slow, now and then down."""

from __future__ import annotations

import logging
import random
import time

from fastapi import FastAPI, HTTPException
from opentelemetry import trace
from pydantic import BaseModel

from tollspan.demo.service import build_app, parse_arguments, serve

_log = logging.getLogger("payments")


class Charge(BaseModel):
    """One amount to take from one customer."""

    customer: str
    amount: float


class AcquirerError(RuntimeError):
    """The bank did not answer."""


def create_app() -> FastAPI:
    """The payment service's application."""
    app = build_app("payments")
    tracer = trace.get_tracer(__name__)

    @app.post("/charges", status_code=201)
    def charge(order: Charge) -> dict[str, str]:
        with tracer.start_as_current_span("fraud check") as span:
            score = random.random()  # noqa: S311 - a demo's dice
            span.set_attribute("fraud.score", round(score, 3))
            time.sleep(0.002 + score * 0.006)
        if score > 0.97:
            _log.warning("the card was declined", extra={"fraud.score": round(score, 3)})
            raise HTTPException(402, "the card was declined")
        with tracer.start_as_current_span("acquirer", kind=trace.SpanKind.CLIENT) as span:
            span.set_attributes({"server.address": "acquirer.example", "payment.amount": order.amount})
            slow = random.random() < 0.08  # noqa: S311 - a demo's dice
            time.sleep(random.uniform(0.4, 1.2) if slow else random.uniform(0.01, 0.04))  # noqa: S311 - same
            if slow and random.random() < 0.4:  # noqa: S311 - same
                raise AcquirerError("no answer from the acquirer")
        return {"state": "captured"}

    return app


if __name__ == "__main__":
    arguments = parse_arguments()
    serve(create_app(), arguments.fd)
