"""Spans from requests to the database, exactly once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from tollspan.collector.component import Receipt
from tollspan.gateway.storage import accepted, chunks, span_block
from tollspan.gateway.storage.accepted import DIGEST_BYTES, Accepted
from tollspan.gateway.storage.chunks import Answer, Chunk
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.envelopes import EnvelopeTable
from tollspan.gateway.storage.span_block import SpanChunk
from tollspan.gateway.storage.statements import statement
from tollspan.otlp.batch import Batch

# A request that is sent again is recognised this long, and among this many others.
REMEMBERED_S = 24 * 3600
REMEMBERED_MAX = 1_000_000


class SpanWriter:
    """Writes groups of trace requests, one group after another. Blocking.

    The digests of a group's requests lie in the rows of its only insert, and the database
    takes an insert as a whole or not at all. So the table itself says which requests it
    holds, whenever the process was killed. It is asked at the first write, and again after
    an insert whose outcome is not known.
    """

    def __init__(self, engine: Engine, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._engine = engine
        self._clock_ns = clock_ns
        self._resources = EnvelopeTable(engine, "resources", "resource")
        self._scopes = EnvelopeTable(engine, "instrumentation_scopes", "scope")
        self._accepted: Accepted | None = None

    def write(self, batches: Sequence[Batch]) -> list[Answer]:
        """The answer to each batch. What is answered with a Receipt can be queried.

        Raises StoreError when the batches must be offered again.
        """
        stored = self._accepted or self._load_accepted()
        # It is out of date from the moment of an insert until its outcome is known.
        self._accepted = None
        digests = [accepted.digest(batch) for batch in batches]
        answers: dict[bytes, Answer] = {}
        fresh: dict[bytes, Batch] = {}
        for request_digest, batch in zip(digests, batches, strict=True):
            receipt = stored.get(request_digest)
            if receipt is None:
                fresh[request_digest] = batch
            else:
                answers[request_digest] = receipt
        answers |= self._write_fresh(fresh)
        stored.add((key, answer) for key, answer in answers.items() if isinstance(answer, Receipt))
        self._accepted = stored
        return [answers[request_digest] for request_digest in digests]

    def _write_fresh(self, fresh: dict[bytes, Batch]) -> dict[bytes, Answer]:
        received_ns = self._clock_ns()
        parts, answers = chunks.read(fresh, "spans", received_ns)
        if parts:
            self._insert(parts, received_ns // 10**9)
        return answers

    def _insert(self, parts: Sequence[Chunk], received_s: int) -> None:
        resource_ids = self._resources.write(parts, received_s)
        scope_ids = self._scopes.write(parts, received_s)
        block = span_block.build(list(map(SpanChunk, parts, resource_ids, scope_ids)), received_s)
        self._engine.insert("spans", block)

    def _load_accepted(self) -> Accepted:
        since = self._clock_ns() // 10**9 - REMEMBERED_S
        parameters = {"since": since, "limit": REMEMBERED_MAX}
        columns: dict[str, Any] = self._engine.columns(statement("load_request_digests"), parameters)
        # The newest come first, and what is added first is forgotten first.
        cells = bytes(columns.get("request_digest", b""))
        offsets = range(len(cells) - DIGEST_BYTES, -1, -DIGEST_BYTES)
        stored = Accepted(REMEMBERED_MAX)
        stored.add((cells[offset : offset + DIGEST_BYTES], Receipt()) for offset in offsets)
        return stored
