from typing import Final, final

from tollspan.otlp._columns import Table

MEMORY_BYTES_FREE: Final[int]
MEMORY_BYTES_PER_WIRE_BYTE: Final[int]
MEMORY_BYTES_MAX: Final[int]

@final
class Decoded:
    """What a request said: its tables by name (see `schema.TABLES`), and what of it could not be taken."""

    @property
    def tables(self) -> dict[str, Table]: ...
    @property
    def items(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    @property
    def problems(self) -> list[str]: ...

def decode(signal: str, wire: bytes, *, items_max: int = 1_000_000, depth_max: int = 32) -> Decoded:
    """The tables of an `Export*ServiceRequest`, with every unsound item left out.

    `signal` is a Signal's value. `depth_max` bounds the lists and maps nested in one value.
    An item that is broken or breaks OTLP's rules is counted in `rejected`, and the first five
    are explained in `problems`; a metric that is itself broken counts with the data points
    read from it, at least one.

    Raises:
        WireError: the resources, the scopes or the framing around items are broken.
        LimitError: more than `items_max` items; or columns that would take more memory than
            `MEMORY_BYTES_PER_WIRE_BYTE` for each byte of `wire`, plus `MEMORY_BYTES_FREE`, or than
            `MEMORY_BYTES_MAX`.
    """
