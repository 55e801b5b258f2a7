from typing import Final

MEMORY_BYTES_FREE: Final[int]
MEMORY_BYTES_PER_WIRE_BYTE: Final[int]

def count(signal: str, wire: bytes) -> int:
    """The number of spans, data points or log records in an `Export*ServiceRequest`.

    Raises WireError when the framing down to the items is broken; what is in them, or in
    resources and scopes, is not looked at.
    """

def split(signal: str, wire: bytes, items_max: int) -> list[bytes]:
    """The request as several, in order, of at most `items_max` items each.

    Every part repeats the envelopes (resource, scope, schema URLs, unknown fields; of a metric
    with more data points than fit also its header), so each stands alone. Envelopes without
    items are left out, unless the request is small enough to be the only part.

    Raises:
        WireError: as `count` does.
        LimitError: the repeated envelopes would take more than `MEMORY_BYTES_PER_WIRE_BYTE`
            bytes for each byte of `wire`, plus `MEMORY_BYTES_FREE`.
    """
