"""Records in append-only files, each with a checksum, until they are acknowledged. Blocking; no threads.

A folder holds segments `<number>.seg`. A record is MAGIC, its length, its CRC-32 and its
bytes. What is acknowledged is noted in `<number>.ack`: the record's offset, and again with
every bit turned, so that a torn note is told from a whole one. A segment with nothing left
to acknowledge is deleted.

A record whose `append` returned survives a kill of the process; with `fsync` also a power
cut. After a crash a torn record at the end, which nobody was promised, is passed over.
Damage elsewhere costs the records it hit: reading goes on at the next MAGIC.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from zlib_ng import zlib_ng

from tollspan.errors import WireError

MAGIC = b"\xf5TSQ"
SEGMENT_BYTES_MAX = 16 << 20
"""A segment that has grown to this is followed by a new one."""

_HEAD = struct.Struct("<4sII")
_NOTE = struct.Struct("<II")
_NOTE_BITS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is: its segment's number, its offset there and the length of its bytes."""

    segment: int
    offset: int
    length: int


@dataclass(slots=True)
class _Segment:
    file: int
    notes: int
    size: int = 0
    pending: set[int] = field(default_factory=set)


class SegmentLog:
    """The records of one folder. Everyone else must leave the folder alone."""

    def __init__(self, folder: Path, *, fsync: bool = False) -> None:
        self._folder = folder
        self._fsync = fsync
        self._segments: dict[int, _Segment] = {}
        self._current = 0
        self.size = 0  # the bytes of all segments
        self.damaged_bytes = 0

    def recover(self) -> Iterator[tuple[Place, bytes]]:
        """Every record that is not acknowledged, oldest first; to be read to its end before anything else."""
        numbers = sorted(int(path.stem) for path in self._folder.glob("*.seg"))
        for number in numbers:
            acknowledged = self._read_notes(number)
            segment = self._open(number)
            data = self._path(number, "seg").read_bytes()
            segment.size = len(data)
            self.size += len(data)
            for offset, record in self._scan(data):
                if offset not in acknowledged:
                    segment.pending.add(offset)
                    yield Place(number, offset, len(record)), record
        self._current = max(numbers, default=0)
        for number in numbers:
            self._drop_if_done(number, self._segments[number])
        for path in self._folder.glob("*.ack"):
            if int(path.stem) not in self._segments:
                path.unlink()

    def append(self, record: bytes) -> Place:
        """The record is kept; OSError when it could not be, and then nothing of it is."""
        segment = self._segments.get(self._current)
        if segment is None or segment.size >= SEGMENT_BYTES_MAX:
            segment = self._next_segment()
        offset = segment.size
        head = _HEAD.pack(MAGIC, len(record), zlib_ng.crc32(record))
        try:
            _write_all(segment.file, head + record)
            if self._fsync:
                os.fdatasync(segment.file)
        except OSError:
            # After a failed fsync nobody knows what the disk has: nothing is written here again.
            with contextlib.suppress(OSError):
                os.ftruncate(segment.file, offset)
            self._current += 1
            self._drop_if_done(self._current - 1, segment)
            raise
        segment.size += len(head) + len(record)
        self.size += len(head) + len(record)
        segment.pending.add(offset)
        return Place(self._current, offset, len(record))

    def read(self, place: Place) -> bytes:
        """The record; WireError when it is damaged."""
        data = os.pread(self._segments[place.segment].file, _HEAD.size + place.length, place.offset)
        record = _record_at(data, 0)
        if record is None or len(record) != place.length:
            raise WireError("the disk damaged a record of the queue", place.offset)
        return record

    def acknowledge(self, places: Iterable[Place]) -> None:
        """The records will not be recovered, unless the disk is too full to note it."""
        for place in places:
            segment = self._segments[place.segment]
            segment.pending.discard(place.offset)
            with contextlib.suppress(OSError):
                _write_all(segment.notes, _NOTE.pack(place.offset, place.offset ^ _NOTE_BITS))
            self._drop_if_done(place.segment, segment)

    def close(self) -> None:
        """No file is open, and none is left without records that wait."""
        self._current += 1
        for number, segment in list(self._segments.items()):
            if not self._drop_if_done(number, segment):
                os.close(segment.file)
                os.close(segment.notes)

    def _scan(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        offset = 0
        while offset < len(data):
            record = _record_at(data, offset)
            if record is not None:
                yield offset, record
                offset += _HEAD.size + len(record)
                continue
            following = data.find(MAGIC, offset + 1)
            if following >= 0:
                self.damaged_bytes += following - offset
            offset = following if following >= 0 else len(data)

    def _read_notes(self, number: int) -> set[int]:
        with contextlib.suppress(FileNotFoundError):
            data = self._path(number, "ack").read_bytes()
            whole = data[: len(data) - len(data) % _NOTE.size]
            return {offset for offset, check in _NOTE.iter_unpack(whole) if offset ^ _NOTE_BITS == check}
        return set()

    def _next_segment(self) -> _Segment:
        previous, number = self._segments.get(self._current), self._current
        self._current += 1
        segment = self._open(self._current)
        if previous is not None:
            self._drop_if_done(number, previous)
        if self._fsync:
            folder = os.open(self._folder, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        return segment

    def _open(self, number: int) -> _Segment:
        flags = os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        file = os.open(self._path(number, "seg"), flags | os.O_RDWR, 0o600)
        notes = os.open(self._path(number, "ack"), flags | os.O_WRONLY, 0o600)
        self._segments[number] = segment = _Segment(file, notes)
        return segment

    def _drop_if_done(self, number: int, segment: _Segment) -> bool:
        """Delete a segment that nothing waits in, unless it is still written to."""
        if segment.pending or number == self._current:
            return False
        os.close(segment.file)
        os.close(segment.notes)
        # In this order: a segment without its notes would bring its records back.
        self._path(number, "seg").unlink()
        self._path(number, "ack").unlink()
        del self._segments[number]
        self.size -= segment.size
        return True

    def _path(self, number: int, suffix: str) -> Path:
        return self._folder / f"{number:010}.{suffix}"


def _record_at(data: bytes, offset: int) -> bytes | None:
    """The whole and undamaged record at `offset`, if there is one."""
    if len(data) - offset < _HEAD.size:
        return None
    magic, length, checksum = _HEAD.unpack_from(data, offset)
    record = data[offset + _HEAD.size : offset + _HEAD.size + length]
    sound = magic == MAGIC and len(record) == length and zlib_ng.crc32(record) == checksum
    return record if sound else None


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
