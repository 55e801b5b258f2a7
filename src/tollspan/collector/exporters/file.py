"""Writes batches to a file.

    exporters:
      file:
        path: /var/lib/collector/traces.jsonl
        rotation:
          max_megabytes: 100

A batch is a line of OTLP/JSON, or with `format: proto` its length in four bytes (big-endian)
and the protobuf request. It is taken once the operating system has it. A full disk is an
error that may pass: the sender is asked to try again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from tollspan.collector.component import Factory, Host, Kind, Receipt
from tollspan.collector.events import count_sent
from tollspan.errors import ConfigError, RetryableError
from tollspan.otlp.batch import Batch
from tollspan.otlp.json_mapping import wire_to_json


class RotationConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`rotation`. A file that has grown to `max_megabytes` is renamed; `max_backups` 0 keeps 100 of them."""

    max_megabytes: Annotated[int, msgspec.Meta(ge=1)] = 100
    max_backups: Annotated[int, msgspec.Meta(ge=0)] = 100


class FileConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`exporters::file`."""

    path: str
    format: Literal["json", "proto"] = "json"
    append: bool = False
    create_directory: bool = False
    rotation: RotationConfig | None = None

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if not self.path:
            yield ConfigError("path", "must not be empty")
        if self.rotation is not None and self.append:
            yield ConfigError("append", "append and rotation enabled at the same time is not supported")


class FileExporter:
    """One file, written by one batch at a time."""

    def __init__(self, config: FileConfig) -> None:
        self._config = config
        self._path = Path(config.path)
        self._writing = asyncio.Lock()
        self._file: FileIO

    async def start(self, host: Host) -> None:
        """The file is open; ConfigError when it cannot be."""
        self._counters, self._component_id = host.counters, host.component_id
        try:
            if self._config.create_directory:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self._path, "ab" if self._config.append or self._config.rotation else "wb")
        except OSError as error:
            raise ConfigError("path", f"cannot open {self._path}: {error.strerror}") from None

    async def shutdown(self) -> None:
        """The file is closed."""
        self._file.close()

    async def consume(self, batch: Batch) -> Receipt:
        """The batch is in the file, whole; RetryableError when it could not be written."""
        async with self._writing:
            try:
                await asyncio.to_thread(self._write, batch)
            except OSError as error:
                raise RetryableError(f"cannot write {self._path}: {error.strerror}") from error
        count_sent(self._counters, self._component_id, batch, batch.items)
        return Receipt()

    def _write(self, batch: Batch) -> None:
        if self._config.format == "json":
            record = wire_to_json(batch.signal, batch.wire) + b"\n"
        else:
            record = len(batch.wire).to_bytes(4, "big") + batch.wire
        start = self._file.seek(0, 2)
        rotation = self._config.rotation
        if rotation is not None and start and start + len(record) > rotation.max_megabytes * 1_000_000:
            self._rotate(rotation)
            start = 0
        written = 0
        try:
            while written < len(record):
                written += self._file.write(record[written:])
        except OSError:
            self._file.truncate(start)  # what was written of it would be read as a broken batch
            raise

    def _rotate(self, rotation: RotationConfig) -> None:
        """The file begins anew; the old one has the time in its name, and the oldest are deleted."""
        self._file.close()
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")
        self._path.rename(self._path.with_name(f"{self._path.stem}-{now}{self._path.suffix}"))
        self._file = FileIO(self._path, "ab")
        backups = sorted(self._path.parent.glob(f"{self._path.stem}-????-*{self._path.suffix}"))
        for backup in backups[: -(rotation.max_backups or 100)]:
            backup.unlink()


FACTORY = Factory(kind=Kind.EXPORTER, type="file", config=FileConfig, build=FileExporter)
