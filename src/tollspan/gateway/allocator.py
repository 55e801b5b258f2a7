"""The C library's allocator, set up for a process that takes and frees blocks of megabytes all the time."""

from __future__ import annotations

import ctypes

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

MMAPPED_BYTES_MIN = 32 << 20
"""Larger blocks come from the system, and go back to it; the most that glibc allows."""

KEPT_BYTES_MAX = 64 << 20


def keep_freed_memory() -> bool:
    """Freed memory, up to KEPT_BYTES_MAX, is used again before the system is asked for more.

    A page that comes anew from the system costs more than what is written on it. One arena for
    all threads, because each would keep as much. False where the C library knows nothing of it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    options = (
        (_M_ARENA_MAX, 1),
        (_M_MMAP_THRESHOLD, MMAPPED_BYTES_MIN),
        (_M_TRIM_THRESHOLD, KEPT_BYTES_MAX),
    )
    return all(mallopt(*option) for option in options)
