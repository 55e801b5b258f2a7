"""The storefront: products to look at, orders that are charged by the payment service."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Annotated

import httpx
from fastapi import FastAPI, Header, HTTPException
from opentelemetry import propagate, trace
from pydantic import BaseModel
from sqlalchemy import func, insert, select, update

from tollspan.demo.customers import HEADER
from tollspan.demo.service import build_app, parse_arguments, serve
from tollspan.demo.tables import open_database, orders, products

_log = logging.getLogger("shop")

Customer = Annotated[str, Header(alias=HEADER)]


class Basket(BaseModel):
    """One product, some number of it."""

    product_id: int
    quantity: int = 1


def create_app(database: Path, payments_url: str) -> FastAPI:
    """The storefront's application over a filled database."""
    app = build_app("shop")
    engine = open_database(database)
    payments = httpx.Client(base_url=payments_url, timeout=5)

    @app.get("/products")
    def list_products() -> list[dict[str, object]]:
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(select(products)).mappings()]

    @app.get("/products/{product_id}")
    def show_product(product_id: int) -> dict[str, object]:
        with engine.connect() as connection:
            row = connection.execute(select(products).where(products.c.id == product_id)).mappings().first()
        if row is None:
            raise HTTPException(404, f"no product {product_id}")
        return dict(row)

    @app.post("/orders", status_code=201)
    def place_order(basket: Basket, customer: Customer) -> dict[str, object]:
        product = show_product(basket.product_id)
        total = float(str(product["price"])) * basket.quantity
        answer = payments.post(
            "/charges", json={"customer": customer, "amount": total}, headers={HEADER: customer}
        )
        if answer.status_code == 402:
            raise HTTPException(402, "the card was declined")
        answer.raise_for_status()
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        with engine.begin() as connection:
            connection.execute(
                update(products)
                .where(products.c.id == basket.product_id)
                .values(stock=products.c.stock - basket.quantity)
            )
            order_id = connection.execute(
                insert(orders).values(
                    customer=customer,
                    product_id=basket.product_id,
                    quantity=basket.quantity,
                    total=total,
                    state="paid",
                    traceparent=carrier.get("traceparent", ""),
                )
            ).inserted_primary_key
        trace.get_current_span().set_attribute("shop.order.total", total)
        _log.info("an order was placed", extra={"shop.order.total": total})
        return {"order": order_id[0] if order_id else None, "total": total}

    @app.get("/sales")
    def report_sales(customer: Customer) -> dict[str, float]:
        # One query per product: the slow page that a trace makes obvious.
        sales: dict[str, float] = {}
        with engine.connect() as connection:
            for product_id, name in connection.execute(select(products.c.id, products.c.name)).all():
                bought = (orders.c.product_id == product_id) & (orders.c.customer == customer)
                query = select(func.coalesce(func.sum(orders.c.total), 0.0)).where(bought)
                sales[name] = connection.execute(query).scalar_one()
                time.sleep(0.02)
        return sales

    return app


if __name__ == "__main__":
    arguments = parse_arguments()
    serve(create_app(Path(arguments.database), arguments.payments), arguments.fd)
