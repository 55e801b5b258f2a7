"""Which requests are stored already, so that one that is sent again is not stored again."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from tollspan.collector.component import Receipt


class Accepted:
    """The answers to the newest `size_max` stored requests, by digest."""

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self._receipts: dict[bytes, Receipt] = {}

    def get(self, request_digest: bytes) -> Receipt | None:
        """What the request was answered, when it is stored and not forgotten."""
        return self._receipts.get(request_digest)

    def add(self, receipts: Iterable[tuple[bytes, Receipt]]) -> None:
        """The requests count as stored; the oldest are forgotten when there are too many."""
        self._receipts.update(receipts)
        surplus = max(0, len(self._receipts) - self._size_max)
        for request_digest in list(itertools.islice(self._receipts, surplus)):
            del self._receipts[request_digest]
