"""The items of one signal from requests to the database, exactly once."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tollspan.collector.component import Receipt
from tollspan.gateway.storage import chunks, log_block, metric_block, span_block
from tollspan.gateway.storage._native import Block
from tollspan.gateway.storage.accepted import Accepted
from tollspan.gateway.storage.calls import load_open_calls
from tollspan.gateway.storage.chunks import Answer
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.envelopes import EnvelopedChunk, Envelopes
from tollspan.gateway.storage.statements import statement
from tollspan.otlp.batch import DIGEST_BYTES, Batch, digest
from tollspan.otlp.signals import Signal

# A request that is sent again is recognised this long, and among this many others.
REMEMBERED_S = 24 * 3600
REMEMBERED_MAX = 1_000_000


Build: TypeAlias = Callable[[Sequence[EnvelopedChunk], Sequence[bytes], int], Block]
"""Makes a block of chunks: with the digests of their requests, received at that time (s)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a signal's items are stored, and what makes blocks that go on from what is stored now."""

    table: str
    go_on: Callable[[Engine, int], Build]


def _go_on_with_spans(engine: Engine, now_s: int) -> Build:
    return functools.partial(span_block.build, load_open_calls(engine, now_s))


LAYOUTS: Mapping[Signal, Layout] = {
    Signal.TRACES: Layout("spans", _go_on_with_spans),
    Signal.METRICS: Layout("metric_points", lambda *_: metric_block.build),
    Signal.LOGS: Layout("log_records", lambda *_: log_block.build),
}


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the writer knows of its table."""

    accepted: Accepted
    build: Build


class ItemWriter:
    """Writes groups of requests of one signal, one group after another. Blocking.

    The digests of a group's requests lie in the rows of its only insert, and the database
    takes an insert as a whole or not at all. So the table itself says which requests it
    holds, whenever the process was killed. It is asked at the first write, and again after
    an insert whose outcome is not known.
    """

    def __init__(
        self,
        engine: Engine,
        envelopes: Envelopes,
        signal: Signal,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._engine = engine
        self._envelopes = envelopes
        self._layout = LAYOUTS[signal]
        self._clock_ns = clock_ns
        self._stored: _Stored | None = None

    def write(self, batches: Sequence[Batch]) -> list[Answer]:
        """The answer to each batch. What is answered with a Receipt can be queried.

        Raises StoreError when the batches must be offered again.
        """
        stored = self._stored or self._load_stored()
        # It is out of date from the moment of an insert until its outcome is known.
        self._stored = None
        digests = [digest(batch) for batch in batches]
        answers: dict[bytes, Answer] = {}
        fresh: dict[bytes, Batch] = {}
        for request_digest, batch in zip(digests, batches, strict=True):
            receipt = stored.accepted.get(request_digest)
            if receipt is None:
                fresh[request_digest] = batch
            else:
                answers[request_digest] = receipt
        answers |= self._write_fresh(fresh, stored.build)
        stored.accepted.add((key, answer) for key, answer in answers.items() if isinstance(answer, Receipt))
        self._stored = stored
        return [answers[request_digest] for request_digest in digests]

    def _write_fresh(self, fresh: dict[bytes, Batch], build: Build) -> dict[bytes, Answer]:
        received_ns = self._clock_ns()
        received_s = received_ns // 10**9
        found, answers = chunks.read(fresh, received_ns)
        if found:
            digests = [request_digest for chunk in found for request_digest in chunk.digests]
            parts = self._envelopes.write(found, received_s)
            self._engine.insert(self._layout.table, build(parts, digests, received_s))
        return answers

    def _load_stored(self) -> _Stored:
        now_s = self._clock_ns() // 10**9
        return _Stored(self._load_accepted(now_s - REMEMBERED_S), self._layout.go_on(self._engine, now_s))

    def _load_accepted(self, since: int) -> Accepted:
        columns: dict[str, Any] = self._engine.columns(
            statement("load_request_digests"),
            {"table": self._layout.table, "since": since, "limit": REMEMBERED_MAX},
        )
        # The newest come first, and what is added first is forgotten first.
        cells = bytes(columns.get("request_digest", b""))
        offsets = range(len(cells) - DIGEST_BYTES, -1, -DIGEST_BYTES)
        stored = Accepted(REMEMBERED_MAX)
        stored.add((cells[offset : offset + DIGEST_BYTES], Receipt()) for offset in offsets)
        return stored
