"""The warehouse: takes paid orders from the database and ships them, continuing the order's trace."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

from opentelemetry import propagate, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from sqlalchemy import Engine, Row, select, update

import tollspan
from tollspan.demo.customers import PLANS
from tollspan.demo.service import parse_arguments, report, start_telemetry
from tollspan.demo.tables import open_database, orders


def ship_orders(engine: Engine, stop: threading.Event) -> None:
    """Ship every paid order until `stop` is set."""
    waiting = select(orders).where(orders.c.state == "paid").order_by(orders.c.id).limit(20)
    while not stop.wait(0.1):
        with suppress_instrumentation(), engine.connect() as connection:  # polling is not worth a trace
            paid = connection.execute(waiting).all()
        for order in paid:
            _ship(engine, order)


def _ship(engine: Engine, order: Row[tuple[object, ...]]) -> None:
    tracer = trace.get_tracer(__name__)
    order_context = propagate.extract({"traceparent": order.traceparent})
    with (
        tollspan.unit(order.customer, parent=PLANS[order.customer]),
        tracer.start_as_current_span(
            "ship order", context=order_context, kind=trace.SpanKind.CONSUMER
        ) as span,
    ):
        span.set_attributes({"shop.order.id": order.id, "shop.order.quantity": order.quantity})
        with tracer.start_as_current_span("print label"):
            time.sleep(0.005)
        with engine.begin() as connection:
            connection.execute(update(orders).where(orders.c.id == order.id).values(state="shipped"))


def main() -> None:
    """Ship until SIGTERM, then account for every span."""
    arguments = parse_arguments()
    telemetry = start_telemetry("warehouse")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    engine = open_database(Path(arguments.database))
    ship_orders(engine, stop)
    report(telemetry)


if __name__ == "__main__":
    main()
