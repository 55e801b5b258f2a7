"""Log lines that peers can cause without end: of those alike one in an interval, with the others' number.

What came after the last line of its kind is told by the next one, or by `flush`.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog

KEYS_MAX = 100
"""So many kinds of lines are told apart, as their keys may come from the network; all others are one kind."""

_log = structlog.get_logger()

Key = tuple[str, ...]


@dataclass(slots=True)
class _Kind:
    """When a line of this kind was logged last, and what was not since then."""

    logged_s: float
    unlogged: int = 0
    newest: tuple[int, str, dict[str, Any]] | None = None


class SparseLog:
    """Each line logged stands for itself and for `unlogged_before` others of its kind. Any thread may log."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._kinds: dict[Key, _Kind] = {}
        self._lock = threading.Lock()

    def log(self, level: int, event: str, *key: str, **facts: Any) -> None:
        """The line is logged, unless one of the same event and `key` was within the interval."""
        now_s = time.monotonic()
        with self._lock:
            kind = self._kind((event, *key))
            if now_s - kind.logged_s < self._interval_s:
                kind.unlogged += 1
                kind.newest = level, event, facts | {"exc_info": None}  # it would keep whole frames
                return
            unlogged, kind.logged_s, kind.unlogged, kind.newest = kind.unlogged, now_s, 0, None
        _log.log(level, event, **facts, unlogged_before=unlogged)

    def flush(self, *, at_once: bool = False) -> None:
        """The newest of what was not logged is, wherever the interval is over, or everywhere `at_once`."""
        now_s, due = time.monotonic(), []
        with self._lock:
            for key, kind in list(self._kinds.items()):
                if at_once or now_s - kind.logged_s >= self._interval_s:
                    del self._kinds[key]
                    due.append(kind)
        for kind in due:
            if kind.newest is not None:
                level, event, facts = kind.newest
                _log.log(level, event, **facts, unlogged_before=kind.unlogged - 1)

    def _kind(self, key: Key) -> _Kind:
        if key not in self._kinds and len(self._kinds) >= KEYS_MAX:
            key = key[:1]
        return self._kinds.setdefault(key, _Kind(float("-inf")))
