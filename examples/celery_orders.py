"""Orders that a Celery worker ships: one trace from who orders to who ships, also into forked workers."""

import os
from pathlib import Path

from celery import Celery

import tollspan

tollspan.init("orders", service_version="1.0.0", environment="example")

folder = Path(os.environ.get("ORDERS_FOLDER", "orders"))
folder.mkdir(exist_ok=True)

app = Celery("celery_orders", broker="filesystem://")
app.conf.broker_transport_options = {"data_folder_in": str(folder), "data_folder_out": str(folder)}


@app.task
def ship(order: int, customer: str) -> None:
    with tollspan.unit(customer), tollspan.span("print label", {"order": order}):
        print(f"order {order} of {customer} is on its way")


if __name__ == "__main__":
    with tollspan.unit("acme-toys"), tollspan.span("place order"):
        ship.delay(7, "acme-toys")
