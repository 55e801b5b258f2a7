"""Attribute values as JSON that every reader gets right."""

from __future__ import annotations

import base64
import math
from typing import Any

from tollspan.gateway.query.attributes import Attributes, Value

SAFE_INT_MAX = 1 << 53
"""Beyond this, readers that keep numbers as doubles lose digits."""


def to_json(value: Value) -> Any:
    """A string, number, boolean, list, mapping or None.

    Integers beyond ±2**53 become decimal strings, NaN and the infinities their names, bytes
    `{"bytes": "<base64>"}`.
    """
    match value:
        case int() if not -SAFE_INT_MAX <= value <= SAFE_INT_MAX:
            return str(value)
        case float() if not math.isfinite(value):
            return str(value)
        case bytes():
            return {"bytes": base64.b64encode(value).decode()}
        case list():
            return [to_json(element) for element in value]
        case dict():
            return attributes_to_json(value)
    return value


def attributes_to_json(attributes: Attributes) -> dict[str, Any]:
    """The attributes with each value as `to_json` makes it."""
    return {key: to_json(value) for key, value in attributes.items()}
