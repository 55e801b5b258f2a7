"""Which service called which, found while spans are written.

The caller's span is a CLIENT or PRODUCER, the callee's is its child and a SERVER or CONSUMER (as in
OpenTelemetry's "Span Kind"). They come from two processes, in any order, so each waits for the other.
The row of the span that completes a pair gets the call: it is stored exactly as often as that row, and
is erased with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tollspan.gateway.storage._native import Block
from tollspan.gateway.storage.engine import Engine, Row
from tollspan.gateway.storage.envelopes import EnvelopedChunk, service_names
from tollspan.gateway.storage.statements import statement

HALVES_MAX = 200_000
"""About so many callers and callees are remembered; when there are more, the older half is given up."""

WAIT_S = 300
"""What was received longer ago is not waited for after a start."""


class OpenCalls:
    """Halves of calls by the caller's span: whose it is, trace id and span id, end to end.

    They are kept in two generations, so that to forget the oldest costs nothing.
    """

    def __init__(self, size_max: int = HALVES_MAX) -> None:
        self._young_max = size_max // 2
        self._young = 0
        self._callers: dict[bytes, bytes] = {}
        self._callees: dict[bytes, list[bytes]] = {}
        self._older_callers: dict[bytes, bytes] = {}
        self._older_callees: dict[bytes, list[bytes]] = {}

    def make_room(self, halves: int) -> None:
        """So many may be added."""
        self._young += halves
        if self._young > self._young_max:
            self._older_callers, self._callers = self._callers, {}
            self._older_callees, self._callees = self._callees, {}
            self._young = halves

    def add_caller(self, span: bytes, service: bytes) -> list[bytes]:
        """The services that the span called so far; those to come will find it."""
        self._callers[span] = service
        return self._older_callees.pop(span, []) + self._callees.pop(span, [])

    def add_callee(self, caller: bytes, service: bytes) -> bytes | None:
        """The service that made the call; when it is not known yet, this one waits."""
        found = self._callers.get(caller) or self._older_callers.get(caller)
        if found is None:
            self._callees.setdefault(caller, []).append(service)
        return found

    def put(self, block: Block, parts: Sequence[EnvelopedChunk]) -> None:
        """The calls that the spans of the chunks complete are in `block`, and the other halves wait."""
        callers: list[list[bytes] | None] = [None] * block.rows
        callees: list[list[bytes] | None] = [None] * block.rows
        first_row = 0
        for part in parts:
            for number, caller, callee in self._complete(part):
                callers[first_row + number] = [caller] * len(callee)
                callees[first_row + number] = callee
            first_row += part.chunk.count
        block.label_lists("calls.caller", callers)
        block.label_lists("calls.callee", callees)

    def _complete(self, part: EnvelopedChunk) -> Iterator[tuple[int, bytes, list[bytes]]]:
        """The calls that the chunk completes: the place of the span among its rows, caller, callees."""
        chunk, services = part.chunk, service_names(part.chunk.tables)
        halves = chunk.rows["spans"].halves_of_calls(
            chunk.tables["spans"], _place(chunk.tenant, chunk.dataset)
        )
        self.make_room(len(halves))
        for number, calls, span, resource in halves:
            service = services[resource]
            if calls:
                callees = self.add_caller(span, service)
                if callees:
                    yield number, service, callees
            else:
                caller = self.add_callee(span, service)
                if caller is not None:
                    yield number, caller, [service]


def load_open_calls(engine: Engine, now_s: int) -> OpenCalls:
    """What waits according to the table: as it was before the process ended."""
    open_calls = OpenCalls()
    asked = {"since": now_s - WAIT_S, "limit": HALVES_MAX // 4}
    callers = engine.rows(statement("load_callers"), asked)
    callees = engine.rows(statement("load_callees"), asked)
    open_calls.make_room(len(callers) + len(callees))
    for row in callers:
        open_calls.add_caller(_read_key(row), row["service"].encode())
    for row in callees:
        open_calls.add_callee(_read_key(row), row["service"].encode())
    return open_calls


def _read_key(row: Row) -> bytes:
    return _place(row["tenant"].encode(), row["dataset"].encode()) + bytes.fromhex(row["caller"])


def _place(tenant: bytes, dataset: bytes) -> bytes:
    return b"%d %b %b" % (len(tenant), tenant, dataset)
