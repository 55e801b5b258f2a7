"""Filter expressions as clients of the engine write them.

    {"field": "unit", "op": "eq", "value": "acme"}
    {"and": [condition, condition, …]}

Taken today: `eq` on the fields below, alone or joined by `and`.
"""

from __future__ import annotations

from typing import Any

from tollspan.errors import QueryError

FIELDS = ("parent_unit", "service_name", "span_name", "unit")


def read_filter(expression: Any) -> dict[str, str]:
    """The value that each named field must have; QueryError for an expression that says more than that."""
    wanted: dict[str, str] = {}
    pending = [] if expression is None else [("filter", expression)]
    while pending:
        path, part = pending.pop()
        match part:
            case {"and": [*parts]} if len(part) == 1:
                pending += [(f"{path}.and.{index}", inner) for index, inner in enumerate(parts)]
            case {"field": str(field), "op": "eq", "value": str(value)} if (
                value and field in FIELDS and len(part) == 3
            ):
                if wanted.setdefault(field, value) != value:
                    raise QueryError(path, f"no span has two values of {field}")
            case _:
                names = ", ".join(FIELDS)
                raise QueryError(path, f"can be an `eq` condition on one of {names}, or an `and` of such")
    return wanted
