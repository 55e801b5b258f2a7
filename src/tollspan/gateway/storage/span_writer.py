"""Spans from requests to the database, exactly once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from tollspan.collector.component import Receipt
from tollspan.errors import StoreError
from tollspan.gateway.storage import accepted, chunks, span_block
from tollspan.gateway.storage.accepted import Accepted
from tollspan.gateway.storage.chunks import Answer, Chunk
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.envelopes import EnvelopeTable
from tollspan.gateway.storage.span_block import SpanChunk
from tollspan.gateway.storage.statements import statement
from tollspan.otlp.batch import Batch

# A request that is sent again is recognised this long, and among this many others.
REMEMBERED_HOURS = 24
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
        if self._accepted is None:
            self._accepted = self._load_accepted()
        digests = [accepted.digest(batch) for batch in batches]
        answers: dict[bytes, Answer] = {}
        fresh: dict[bytes, Batch] = {}
        for request_digest, batch in zip(digests, batches, strict=True):
            receipt = self._accepted.get(request_digest)
            if receipt is None:
                fresh[request_digest] = batch
            else:
                answers[request_digest] = receipt
        answers |= self._write_fresh(fresh, self._accepted)
        return [answers[request_digest] for request_digest in digests]

    def _write_fresh(self, fresh: dict[bytes, Batch], remembered: Accepted) -> dict[bytes, Answer]:
        received_ns = self._clock_ns()
        parts, answers = chunks.read(fresh, "spans", received_ns)
        if parts:
            self._insert(parts, received_ns // 10**9)
        remembered.add((key, answer) for key, answer in answers.items() if isinstance(answer, Receipt))
        return answers

    def _insert(self, parts: Sequence[Chunk], received_s: int) -> None:
        resource_ids = self._resources.write(parts, received_s)
        scope_ids = self._scopes.write(parts, received_s)
        block = span_block.build(list(map(SpanChunk, parts, resource_ids, scope_ids)), received_s)
        try:
            self._engine.insert("spans", block)
        except StoreError:
            self._accepted = None
            raise

    def _load_accepted(self) -> Accepted:
        remembered = Accepted(REMEMBERED_MAX)
        parameters = {"hours": REMEMBERED_HOURS, "limit": REMEMBERED_MAX}
        rows = self._engine.rows(statement("load_request_digests"), parameters)
        remembered.add((bytes.fromhex(row["digest"]), Receipt()) for row in reversed(rows))
        return remembered
