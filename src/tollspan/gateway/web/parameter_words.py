"""What each parameter of the API means: the same wherever it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WORDS: Mapping[str, tuple[str, Any]] = {
    "aggregation": ("What becomes of the points of a group within a step.", "p95"),
    "attribute": (
        "An attribute that the item has, as key=value; repeated: all of them.",
        "http.route=/orders",
    ),
    "by": (
        "Attribute keys, or service, unit, parent_unit: one series for each of their values.",
        "http.route",
    ),
    "credential_id": ("The credential's id; of an OAuth2 client it is the client id.", "k3v9q2m7x1c8b5n4"),
    "cursor": ("The next_cursor of the page before.", "1790000000000000000.3"),
    "end": (
        "Up to and without this moment: Unix seconds, or RFC 3339 with an offset.",
        "2026-01-31T13:00:00Z",
    ),
    "end_time": ("Up to and without this moment, as `end`.", "2026-01-31T13:00:00Z"),
    "errors": ("Only those with a span that failed.", True),
    "key": ("The key of an attribute.", "http.route"),
    "limit": ("So many at most.", 50),
    "min_duration_ms": ("Only those with a span that took at least so long.", 250),
    "name": ("The name of a span or metric, in full.", "http.server.request.duration"),
    "page": ("Which page, counted from 1.", 1),
    "q": ("Text that is looked for: in the bodies of log records, in the names of metrics.", "declined"),
    "resource_attribute": ("As `attribute`, of the resource that sent the item.", "host.name=web-1"),
    "search_child_spans": ("Whether the filter is about any span of a trace, or its root alone.", False),
    "service": ("The service.name of what sent the item; empty means any.", "orders"),
    "severity": ("This severity and everything above it; empty means any.", "error"),
    "span_id": ("Sixteen hexadecimal digits.", "b7ad6b7169203331"),
    "start": ("From this moment on: Unix seconds, or RFC 3339 with an offset.", "2026-01-31T12:00:00Z"),
    "start_time": ("From this moment on, as `start`.", "2026-01-31T12:00:00Z"),
    "state": ("Only credentials that are in this state; without it all of them.", "live"),
    "step_s": ("How many seconds a step lasts.", 60),
    "trace_id": ("Thirty-two hexadecimal digits.", "0af7651916cd43dd8448eb211c80319c"),
    "unused_for_s": ("Only those that were neither made nor used within so many seconds.", 2592000),
    "unit": ("Whom the item was for (tollspan.unit); empty means anyone.", "acme"),
}
"""By name: a sentence, and an example."""


def describe_parameters(openapi: Mapping[str, Any]) -> None:
    """Every parameter of every operation has its words, if there are any."""
    for operations in openapi["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if words := WORDS.get(parameter["name"]):
                    parameter["description"], parameter["example"] = words
