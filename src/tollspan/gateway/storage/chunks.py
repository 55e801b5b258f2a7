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

FUTURE_MAX_NANO = 24 * 3600 * 10**9

Answer = Receipt | WireError | LimitError


@dataclass(frozen=True, slots=True)
class Chunk:
    """Decoded requests of one tenant and dataset. `rows` are the items of `table` to store.

    `digests` are those of the requests that have such items, so there are never more of
    them than rows.
    """

    tenant: bytes
    dataset: bytes
    digests: list[bytes]
    tables: Mapping[str, Table]
    rows: _native.Rows


def read(
    requests: Mapping[bytes, Batch], table: str, received_unix_nano: int
) -> tuple[list[Chunk], dict[bytes, Answer]]:
    """The chunks of the sound requests, and the answer to each; requests are named by their digests.

    The requests of a dataset are decoded in one go. When something is wrong with one of
    them, they are decoded again one by one to find out which.
    """
    chunks: list[Chunk] = []
    answers: dict[bytes, Answer] = {}
    for group in _by_dataset(requests):
        together = _read_together(group, table, received_unix_nano)
        if together:
            chunks.append(together)
            answers.update(dict.fromkeys(group, Receipt()))
            continue
        for request_digest, batch in group.items():
            answer, alone = _read_alone(request_digest, batch, table, received_unix_nano)
            answers[request_digest] = answer
            chunks += alone
    return [chunk for chunk in chunks if chunk.rows.count], answers


def _by_dataset(requests: Mapping[bytes, Batch]) -> list[dict[bytes, Batch]]:
    groups: dict[tuple[str, str], dict[bytes, Batch]] = {}
    for request_digest, batch in requests.items():
        groups.setdefault((batch.tenant, batch.dataset), {})[request_digest] = batch
    return list(groups.values())


def _read_together(group: Mapping[bytes, Batch], table: str, received_unix_nano: int) -> Chunk | None:
    """One chunk of all requests, or None when it would not hold every item that was counted in them."""
    merged = merge(list(group.values()))
    try:
        decoded = _decode.decode(merged.signal.value, merged.wire)
    except (WireError, LimitError):
        return None
    digests = [request_digest for request_digest, batch in group.items() if batch.items]
    chunk = _chunk(merged, digests, decoded.tables, table, received_unix_nano)
    return chunk if chunk.rows.count == merged.items else None


def _read_alone(
    request_digest: bytes, batch: Batch, table: str, received_unix_nano: int
) -> tuple[Answer, list[Chunk]]:
    try:
        decoded = _decode.decode(batch.signal.value, batch.wire)
    except (WireError, LimitError) as error:
        return error, []
    chunk = _chunk(batch, [request_digest], decoded.tables, table, received_unix_nano)
    problems = list(decoded.problems)
    early = decoded.tables[table].rows - chunk.rows.count
    if early:
        problems.append(f"{early} {batch.signal.item} start more than a day in the future")
    return Receipt(decoded.rejected + early, "; ".join(problems)), [chunk]


def _chunk(
    batch: Batch, digests: list[bytes], tables: Mapping[str, Table], table: str, received_unix_nano: int
) -> Chunk:
    start = tables[table].columns["start_unix_nano"]
    rows = _native.Rows.up_to(start, received_unix_nano + FUTURE_MAX_NANO)
    return Chunk(batch.tenant.encode(), batch.dataset.encode(), digests, tables, rows)
