"""A script: what it does is a trace, what it says are log records, what it counts are metrics."""

import logging

import tollspan

tollspan.init("nightly-report", service_version="1.0.0", environment="example", log_level="INFO")
log = logging.getLogger("report")


@tollspan.span("count orders")
def count_orders(customer: str) -> int:
    orders = len(customer) * 10
    tollspan.metric("report.orders", orders, "{order}", {"customer": customer}, kind="counter")
    log.info("counted %d orders of %s", orders, customer)
    return orders


with tollspan.span("report"):
    for customer in ("acme-toys", "globex-garden"):
        with tollspan.unit(customer, parent="enterprise"):
            print(customer, count_orders(customer))
