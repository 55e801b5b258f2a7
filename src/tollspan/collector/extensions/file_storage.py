"""Queues on disk for exporters that name this extension in `sending_queue::storage`.

    extensions:
      file_storage:
        directory: /var/lib/tollspan/queue
        create_directory: true
        max_bytes: 1GiB
        max_age: 24h
    exporters:
      otlp_http:
        endpoint: https://otlp.example.com
        sending_queue:
          storage: file_storage

What a queue has taken survives a kill of the process. With `fsync` it survives a power cut
too, at the price of one wait for the disk per batch; put a `batch` processor in front.
After a crash only what was not confirmed by the destination is sent again. A queue that
has grown to `max_bytes` refuses more, so clients hold their data back; what has waited for
`max_age` is dropped and counted.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import structlog

from tollspan.collector.component import Factory, Host, Kind
from tollspan.collector.config.values import Duration, Parsed, Size
from tollspan.collector.disk_queue import DiskQueue
from tollspan.errors import ConfigError

LOCK_POLL_S = 0.05

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")

_log = structlog.get_logger()


def parse_permissions(value: object) -> int:
    """The mode bits in a text such as `0750`."""
    if not isinstance(value, str) or not re.fullmatch("0?[0-7]{3}", value):
        raise ValueError(f"{value!r} is not an octal permission; write for example '0750', in quotes")
    return int(value, 8)


class FileStorageConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`extensions::file_storage`; `max_bytes` and `max_age` hold for each queue, and 0 age is no bound."""

    directory: str = "/var/lib/otelcol/file_storage"
    create_directory: bool = False
    directory_permissions: Annotated[int, Parsed(parse_permissions)] = 0o750
    timeout_s: Duration = msgspec.field(default=1.0, name="timeout")
    fsync: bool = False
    bytes_max: Size = msgspec.field(default=1 << 30, name="max_bytes")
    age_max_s: Duration = msgspec.field(default=0.0, name="max_age")

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if not self.create_directory and not Path(self.directory).is_dir():
            yield ConfigError(
                "directory", f"{self.directory} is not a folder", "or set create_directory: true"
            )


class FileStorage:
    """Keeps the folder locked while it runs."""

    def __init__(self, config: FileStorageConfig) -> None:
        self._config = config
        self._folder = Path(config.directory)

    async def start(self, host: Host) -> None:
        """The folder is there and locked; ConfigError when another process has it."""
        self._host = host
        if self._config.create_directory:
            self._folder.mkdir(self._config.directory_permissions, parents=True, exist_ok=True)
        self._lock = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            async with asyncio.timeout(self._config.timeout_s or None):
                while not _try_lock(self._lock):  # noqa: ASYNC110 - another process tells nobody
                    await asyncio.sleep(LOCK_POLL_S)
        except TimeoutError:
            os.close(self._lock)
            raise ConfigError("directory", f"another process uses {self._folder}") from None

    async def shutdown(self) -> None:
        """The folder is free; its queues were closed by those who opened them."""
        os.close(self._lock)

    async def open_queue(self, name: str) -> DiskQueue:
        """The queue of that name, with what earlier runs left in it."""
        folder = self._folder / f"exporter_{_UNSAFE.sub(lambda match: f'~{ord(match[0]):04X}', name)}"
        folder.mkdir(exist_ok=True)
        config = self._config
        queue = DiskQueue(folder, bytes_max=config.bytes_max, age_max_s=config.age_max_s, fsync=config.fsync)
        damaged = await queue.open()
        if damaged:
            _log.error("disk_queue_damaged", queue=name, damaged_bytes=damaged)
            self._host.counters.add("otelcol_storage_damaged_bytes", damaged, exporter=name)
        _log.info("disk_queue_opened", queue=name, batches=len(queue.recover()))
        return queue


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


FACTORY = Factory(kind=Kind.EXTENSION, type="file_storage", config=FileStorageConfig, build=FileStorage)
