"""Requests → decoded chunks, ready to become one block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tollspan.collector.component import Receipt
from tollspan.errors import LimitError, WireError
from tollspan.gateway.storage import _native
from tollspan.otlp import _decode
from tollspan.otlp._columns import Table
from tollspan.otlp.batch import Batch, merge
from tollspan.otlp.signals import Signal

FUTURE_MAX_NANO = 24 * 3600 * 10**9
ITEMS_MAX = 250_000
"""Items in one request. What an insert needs of memory grows with them."""

POINT_TABLES = ("number_points", "histogram_points", "exponential_histogram_points", "summary_points")

TIME_COLUMNS: Mapping[Signal, Mapping[str, str]] = {
    Signal.TRACES: {"spans": "start_unix_nano"},
    Signal.METRICS: dict.fromkeys(POINT_TABLES, "time_unix_nano"),
    Signal.LOGS: {"log_records": "time_unix_nano"},
}
"""The decoded tables that hold a signal's items, and the column that says when an item was."""

Answer = Receipt | WireError | LimitError


@dataclass(frozen=True, slots=True)
class Chunk:
    """Decoded requests of one tenant and dataset. `rows` are the items to store, by their table.

    `digests` are those of the requests that have items to store, so there are never more of
    them than rows.
    """

    tenant: bytes
    dataset: bytes
    digests: list[bytes]
    tables: Mapping[str, Table]
    rows: Mapping[str, _native.Rows]

    @property
    def count(self) -> int:
        """How many items are to be stored."""
        return sum(rows.count for rows in self.rows.values())


def read(requests: Mapping[bytes, Batch], received_unix_nano: int) -> tuple[list[Chunk], dict[bytes, Answer]]:
    """The chunks of the sound requests, and the answer to each; requests are named by their digests.

    All are of one signal.

    The requests of a dataset are decoded in one go. When something is wrong with one of
    them, they are decoded again one by one to find out which.
    """
    chunks: list[Chunk] = []
    answers: dict[bytes, Answer] = {}
    for group in _by_dataset(requests):
        together = _read_together(group, received_unix_nano)
        if together:
            chunks.append(together)
            answers.update(dict.fromkeys(group, Receipt()))
            continue
        for request_digest, batch in group.items():
            answer, alone = _read_alone(request_digest, batch, received_unix_nano)
            answers[request_digest] = answer
            chunks += alone
    return [chunk for chunk in chunks if chunk.count], answers


def _by_dataset(requests: Mapping[bytes, Batch]) -> list[dict[bytes, Batch]]:
    groups: dict[tuple[str, str], dict[bytes, Batch]] = {}
    for request_digest, batch in requests.items():
        groups.setdefault((batch.tenant, batch.dataset), {})[request_digest] = batch
    return list(groups.values())


def _read_together(group: Mapping[bytes, Batch], received_unix_nano: int) -> Chunk | None:
    """One chunk of all requests, or None when it would not hold every item that was counted in them."""
    merged = merge(list(group.values()))
    try:
        decoded = _decode.decode(merged.signal.value, merged.wire, items_max=ITEMS_MAX)
    except (WireError, LimitError):
        return None
    digests = [request_digest for request_digest, batch in group.items() if batch.items]
    chunk = _chunk(merged, digests, decoded.tables, received_unix_nano)
    return chunk if chunk.count == merged.items else None


def _read_alone(request_digest: bytes, batch: Batch, received_unix_nano: int) -> tuple[Answer, list[Chunk]]:
    try:
        decoded = _decode.decode(batch.signal.value, batch.wire, items_max=ITEMS_MAX)
    except (WireError, LimitError) as error:
        return error, []
    chunk = _chunk(batch, [request_digest], decoded.tables, received_unix_nano)
    problems = list(decoded.problems)
    early = sum(decoded.tables[name].rows for name in chunk.rows) - chunk.count
    if early:
        problems.append(f"{early} {batch.signal.item} are dated more than a day in the future")
    return Receipt(decoded.rejected + early, "; ".join(problems)), [chunk]


def _chunk(batch: Batch, digests: list[bytes], tables: Mapping[str, Table], received_unix_nano: int) -> Chunk:
    latest = received_unix_nano + FUTURE_MAX_NANO
    rows = {
        name: _native.Rows.up_to(tables[name].columns[time], latest)
        for name, time in TIME_COLUMNS[batch.signal].items()
    }
    return Chunk(batch.tenant.encode(), batch.dataset.encode(), digests, tables, rows)
