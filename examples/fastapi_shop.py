"""A shop with FastAPI: the spans of a request, its SQL included, are for the customer who asks."""

import os
import sqlite3
from contextvars import ContextVar

import uvicorn
from fastapi import FastAPI, HTTPException

import tollspan

customer: ContextVar[str | None] = ContextVar("customer", default=None)

tollspan.init("shop", service_version="1.0.0", environment="example", unit=customer.get)
app = FastAPI()


class Customers:
    """Around the application, so that the request's own span has the unit too."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        headers = dict(scope.get("headers", []))
        customer.set(headers.get(b"x-customer", b"").decode() or None)
        await self.app(scope, receive, send)


@app.get("/items/{number}")
def show_item(number: int) -> dict[str, int]:
    with sqlite3.connect(":memory:") as database:
        cursor = database.cursor()
        cursor.execute("select ? * 3", (number,))
        price = cursor.fetchone()[0]
    if number > 99:
        tollspan.log("warn", "no such item", {"item": number})
        raise HTTPException(404)
    tollspan.metric("shop.items.shown", 1, "{item}", kind="counter")
    return {"item": number, "price": price}


if __name__ == "__main__":
    uvicorn.run(Customers(app), port=int(os.environ.get("PORT", "8080")))
