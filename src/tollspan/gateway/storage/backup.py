"""A gateway's data folder as one file, and back: telemetry, identity database, signing keys."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tollspan.errors import StoreError
from tollspan.gateway.storage import integrity
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.image_socket import open_image
from tollspan.gateway.storage.store import TELEMETRY

SQLITE = ".db"
END_BYTES = 2 * tarfile.BLOCKSIZE
"""So many zeros are the end of a tar archive (POSIX, "pax Interchange Format")."""

_SQLITE_OWN = (".db-wal", ".db-shm", ".db-journal")
DRAFT = ".restoring"
"""Where a restore puts the files, in the data folder, until all of them are known to be good."""


def backup(data_dir: Path, file: Path) -> None:
    """`file` has everything in `data_dir`, and only its owner may read it.

    Whatever a gateway that runs on the folder acknowledged before the call is in it. StoreError
    when there is nothing to save, or it cannot be read or written; what `file` was before is then
    left as it was.
    """
    if not (data_dir / TELEMETRY).is_dir() and not any(data_dir.glob(f"*{SQLITE}")):
        raise StoreError(f"{data_dir} is not the data folder of a gateway", retryable=False)
    if file.resolve().is_relative_to(data_dir.resolve()):
        raise StoreError(f"{file} is in the folder that is to be saved; name another", retryable=False)
    draft = file.with_name(f"{file.name}.part")
    try:
        draft.unlink(missing_ok=True)  # of a back-up that was killed
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            with tarfile.open(fileobj=stream, mode="w") as archive:
                _write(archive, data_dir)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except OSError as error:
        raise StoreError(f"{file} cannot be made: {error}", retryable=False) from error
    finally:
        draft.unlink(missing_ok=True)


def _write(archive: tarfile.TarFile, data_dir: Path) -> None:
    for path in sorted(data_dir.iterdir()):
        if path.name == TELEMETRY:
            with open_image(data_dir) as image:
                archive.add(image, TELEMETRY)
        elif path.suffix == SQLITE:
            with _copied(path) as copy:
                archive.add(copy, path.name)
        elif path.suffix not in _SQLITE_OWN and not path.name.startswith("."):  # a draft of a file
            archive.add(path, path.name)


@contextlib.contextmanager
def _copied(database: Path) -> Iterator[Path]:
    """A copy of an SQLite database that others may be writing to, for the length of the block."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / database.name
        copy.touch(mode=0o600)
        with _open(database) as source, _open(copy) as target:
            source.backup(target)
        yield copy


def restore(data_dir: Path, file: Path) -> None:
    """`data_dir` has everything that `file` holds, and all of it can be read.

    StoreError when the folder has something in it already, or the file is no whole backup;
    nothing is then left in the folder.
    """
    draft = data_dir / DRAFT
    if data_dir.exists() and any(path != draft for path in data_dir.iterdir()):
        raise StoreError(f"{data_dir} is not empty; a backup is restored into a new folder", retryable=False)
    is_new = not data_dir.exists()
    try:
        _extract(file, draft)
        _check(draft, file)
        for path in draft.iterdir():
            path.rename(data_dir / path.name)
    except (OSError, tarfile.TarError) as error:
        reason, *_ = str(error).splitlines()
        raise StoreError(f"{file} cannot be restored: {reason}", retryable=False) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if is_new:
            with contextlib.suppress(OSError):  # it is not empty: all went well
                data_dir.rmdir()


def _extract(file: Path, draft: Path) -> None:
    shutil.rmtree(draft, ignore_errors=True)
    _check_end(file)
    with tarfile.open(file) as archive:
        draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.mkdir()
        # Refuses paths and links that lead out of the folder, and devices.
        archive.extractall(draft, filter="data")


def _check_end(file: Path) -> None:
    """tarfile.ReadError when the file has no end: cut off between two members it would be taken for whole."""
    with file.open("rb") as stream:
        stream.seek(-min(END_BYTES, file.stat().st_size), os.SEEK_END)
        if stream.read() != bytes(END_BYTES):
            raise tarfile.ReadError("it is no archive, or cut off")


def _check(draft: Path, file: Path) -> None:
    """StoreError when something in the folder is damaged."""
    damaged = []
    for path in draft.glob(f"*{SQLITE}"):
        with _open(path) as database:
            damaged += [
                path.name for (answer,) in database.execute("PRAGMA integrity_check") if answer != "ok"
            ]
    if (draft / TELEMETRY).is_dir():
        with contextlib.closing(Engine(draft / TELEMETRY)) as engine:
            parts = [*integrity.find_damaged(engine), *integrity.find_set_aside(engine)]
            damaged += [f"{part.table} {part.name}" for part in parts]
    if damaged:
        raise StoreError(f"{file} is damaged: {', '.join(damaged)}", retryable=False)
    if not (draft / TELEMETRY).is_dir() and not any(draft.glob(f"*{SQLITE}")):
        raise StoreError(f"{file} is not a backup of a gateway", retryable=False)


@contextlib.contextmanager
def _open(database: Path) -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise StoreError(f"{database}: {error}", retryable=False) from error
