"""Request bodies on disk: what was not delivered before the exit, or in an outage longer than memory lasts.

A file holds one body, without headers or tokens; its name says how it is to be read. Any
number of processes may share a folder: a file is locked by whoever sends it, the kernel
unlocks it when that process dies, and it is removed once it has arrived. Files outlive the
process however it ends. They are not forced to the disk: a power cut may take the last ones.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tollspan.otlp.signals import Signal
from tollspan.sdk.export_queue import Parcel

try:
    import fcntl
except ImportError:  # Windows: what was written is sent by whoever comes first.
    fcntl = None  # type: ignore[assignment]

NAME = re.compile(r"\d+-\d+-\d+\.(traces|metrics|logs)\.(\d+)\.(\d+)\.(gzip|identity)")
"""Time, process, number, signal, items, bytes when uncompressed, compression."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A parcel that was read from a file, which stays locked until one of the two calls."""

    parcel: Parcel
    path: Path
    file: BinaryIO

    def remove(self) -> None:
        """The parcel needs no more sending."""
        with contextlib.suppress(OSError):
            self.path.unlink()
        self.release()

    def release(self) -> None:
        """The parcel may be sent by anyone."""
        if fcntl is not None:
            fcntl.flock(self.file, fcntl.LOCK_UN)  # A forked child may still have it open.
        self.file.close()


class Spool:
    """The parcels of one signal in `folder`, all signals of which have at most `bytes_max` bytes.

    Never raises: what the disk does not take or give is as if it were full, or empty.
    """

    def __init__(self, folder: Path, signal: Signal, bytes_max: int) -> None:
        self._folder = folder
        self._signal = signal
        self._bytes_max = bytes_max
        self._numbers = itertools.count()

    def write(self, parcel: Parcel) -> Path | None:
        """`parcel` is in the file that is returned, whole; None where there is no room."""
        details = f"{self._signal.value}.{parcel.items}.{parcel.wire_bytes}.{parcel.compression}"
        path = self._folder / f"{time.time_ns()}-{os.getpid()}-{next(self._numbers)}.{details}"
        unfinished = path.with_suffix(".part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._size() + len(parcel.body) > self._bytes_max:
                return None
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(parcel.body)
            unfinished.rename(path)
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            return None
        return path

    def claim(self) -> Stored | None:
        """The oldest parcel that nobody sends, now ours to send."""
        try:
            names = sorted(os.listdir(self._folder))
        except OSError:
            return None
        for name in names:
            match = NAME.fullmatch(name)
            if match is not None and match[1] == self._signal.value:
                with contextlib.suppress(OSError):
                    return _claim(self._folder / name, match)
        return None

    def _size(self) -> int:
        with os.scandir(self._folder) as entries:
            return sum(entry.stat().st_size for entry in entries)


def _claim(path: Path, name: re.Match[str]) -> Stored:
    """Raises OSError when somebody else has the file, or had it."""
    file = path.open("rb")
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_nlink == 0:
            raise FileNotFoundError
        body = file.read()
    except OSError:
        file.close()
        raise
    return Stored(Parcel(body, name[4], int(name[2]), int(name[3])), path, file)
