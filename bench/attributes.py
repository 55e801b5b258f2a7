"""The attributes of a span in every scenario; nothing is imported, so that every peer can use them."""

from __future__ import annotations


def attributes(number: int) -> dict[str, str | int | float | bool]:
    """Eight attributes of the kinds a web service sets; a few repeat, a few are unique."""
    return {
        "http.request.method": "GET",
        "http.route": f"/api/orders/{{id}}/items/{number % 7}",
        "http.response.status_code": 200 if number % 50 else 500,
        "url.path": f"/api/orders/{number}/items/{number % 7}",
        "server.address": "orders.internal",
        "db.rows": number % 100,
        "cache.ratio": (number % 10) / 10,
        "cache.hit": number % 3 == 0,
    }
