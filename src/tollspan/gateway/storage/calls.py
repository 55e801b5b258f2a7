"""Which service called which, found while spans are written.

The caller's span is a CLIENT or PRODUCER, the callee's is its child and a SERVER or CONSUMER (as in
OpenTelemetry's "Span Kind"). They come from two processes, in any order, so each waits for the other.
The row of the span that completes a pair gets the call: it is stored exactly as often as that row, and
is erased with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tollspan.gateway.storage._native import Block
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.envelopes import EnvelopedChunk, service_names
from tollspan.gateway.storage.statements import statement

HALVES_MAX = 100_000
"""Callers, and as many callees, that wait for their other half; the oldest are given up for newer ones."""

WAIT_S = 300
"""What was received longer ago is not waited for after a start."""


class OpenCalls:
    """Halves of calls by the caller's span: whose it is, trace id and span id, end to end."""

    def __init__(self, size_max: int = HALVES_MAX) -> None:
        self._size_max = size_max
        self._callers: dict[bytes, bytes] = {}
        self._callees: dict[bytes, list[bytes]] = {}
        self._waiting = 0

    def add_caller(self, span: bytes, service: bytes) -> list[bytes]:
        """The services that were called by the span so far; those to come will find it."""
        self._callers[span] = service
        if len(self._callers) > self._size_max:
            del self._callers[next(iter(self._callers))]
        found = self._callees.pop(span, [])
        self._waiting -= len(found)
        return found

    def add_callee(self, caller: bytes, service: bytes) -> bytes | None:
        """The service that made the call; when it is not known yet, this one waits."""
        found = self._callers.get(caller)
        if found is None:
            self._callees.setdefault(caller, []).append(service)
            self._waiting += 1
            while self._waiting > self._size_max:
                self._waiting -= len(self._callees.pop(next(iter(self._callees))))
        return found

    def put(self, block: Block, parts: Sequence[EnvelopedChunk]) -> None:
        """The calls that the spans of the chunks complete are in `block`, and the other halves wait."""
        callers: list[list[bytes] | None] = [None] * block.rows
        callees: list[list[bytes] | None] = [None] * block.rows
        first_row = 0
        for part in parts:
            rows = part.chunk.rows["spans"]
            services = service_names(part.chunk.tables)
            place = _place(part.chunk.tenant, part.chunk.dataset)
            for number, calls, span, resource in rows.halves_of_calls(part.chunk.tables["spans"]):
                service, row = services[resource], first_row + number
                if calls:
                    found = self.add_caller(place + span, service)
                    if found:
                        callers[row], callees[row] = [service] * len(found), found
                else:
                    caller = self.add_callee(place + span, service)
                    if caller is not None:
                        callers[row], callees[row] = [caller], [service]
            first_row += rows.count
        block.label_lists("calls.caller", callers)
        block.label_lists("calls.callee", callees)


def load_open_calls(engine: Engine, now_s: int) -> OpenCalls:
    """What waits according to the table: as it was before the process ended."""
    halves = OpenCalls()
    asked = {"since": now_s - WAIT_S, "limit": HALVES_MAX}
    for row in reversed(engine.rows(statement("load_callers"), asked)):
        halves.add_caller(_read_key(row), row["service"].encode())
    for row in reversed(engine.rows(statement("load_callees"), asked)):
        halves.add_callee(_read_key(row), row["service"].encode())
    return halves


def _read_key(row: dict[str, Any]) -> bytes:
    return _place(row["tenant"].encode(), row["dataset"].encode()) + bytes.fromhex(row["caller"])


def _place(tenant: bytes, dataset: bytes) -> bytes:
    return b"%d %b %b" % (len(tenant), tenant, dataset)
