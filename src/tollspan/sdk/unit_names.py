"""What a destination calls the unit of a span, where that is not what we call it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from tollspan.otlp.encoding import Encoded
from tollspan.otlp.signals import Signal
from tollspan.sdk.delivery import ItemType
from tollspan.sdk.destinations import Destination
from tollspan.sdk.unit import PARENT_UNIT, UNIT
from tollspan.sdk.unit_propagation import plain_dict


def naming_units(item_type: ItemType[Any], destination: Destination) -> ItemType[Any]:
    """`item_type`, whose spans have their unit by the destination's names too when they are encoded."""
    theirs = destination.unit_attributes
    if theirs is None or item_type.signal is not Signal.TRACES:
        return item_type
    names = tuple(zip((UNIT, PARENT_UNIT), theirs, strict=True))

    def encode(spans: Sequence[ReadableSpan]) -> Encoded:
        for span in spans:
            held = plain_dict(span._attributes)  # noqa: SLF001 - a property would make a copy
            for ours, name in names:
                if ours in held:
                    held.setdefault(name, held[ours])
        return item_type.encode(spans)

    return replace(item_type, encode=encode)
