"""The embedded database: chDB, which is ClickHouse as a library.

chDB lets one process open one directory, and runs one statement at a time in a session. So
every thread that asks has a session of its own; how many threads there are is the caller's
choice. The GIL is released while a statement runs. A ClickHouse server speaks the same SQL,
takes the same blocks and can stand in for this class.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import chdb.session
import msgspec

from tollspan.errors import StoreError
from tollspan.gateway.storage import native_blocks
from tollspan.gateway.storage._native import Block
from tollspan.gateway.storage.native_blocks import Column

Row = dict[str, Any]
Parameter = str | int | Sequence[str] | Sequence[int] | Sequence[bytes]

# chDB's annotations are partial, so it counts as untyped.
_Session: Any = chdb.session.Session
DISK_RESERVE_BYTES = 64 << 20
"""The tables take no insert when less is free, so that merges and the rest of the process can go on."""

_LOCK = "status"
"""The engine's file in its folder, locked while it is open."""

_READ_ROW = msgspec.json.Decoder(Row)
SESSION_SETTINGS = {
    # No statement takes the machine away from the others.
    "max_execution_time": 60,
    "max_memory_usage": 2 << 30,
    # 64-bit integers are JSON numbers, NaN and the infinities are strings.
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 1,
    # `SELECT hex(id) AS id … WHERE id = …` means the column, as in standard SQL.
    "prefer_column_name_to_alias": 1,
}

# Small inserts would pay for these at each, and merges build them; the newest is read first anyway.
INDEXES_BUILT_BY_MERGES = (
    "attributes_string_bloom",
    "attributes_int_bloom",
    "attributes_double_bloom",
    "attributes_bool_bloom",
    "unit_bloom",
    "http_response_status_code_bloom",
)


class Engine:
    """An open database directory. Blocking; may be used from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sessions: list[Any] = []
        self._of_thread = threading.local()

    def execute(self, sql: str) -> None:
        """The statement has been carried out."""
        self._query(sql, "Null", {})

    def rows(self, sql: str, parameters: Mapping[str, Parameter]) -> list[Row]:
        """The answer as JSON values by column name. Text must be UTF-8; for other bytes there is hex()."""
        return _READ_ROW.decode_lines(self._query(sql, "JSONEachRow", parameters))

    def columns(self, sql: str, parameters: Mapping[str, Parameter]) -> dict[str, Column]:
        """The answer as columns by name, for many rows of the types that `native_blocks` reads."""
        return native_blocks.read(self._query(sql, "Native", parameters))

    def insert(self, table: str, block: Block | bytes) -> None:
        """All rows of the Native `block` are in `table`; after StoreError all of them may be, or none."""
        # Through a file, because chDB's own way in, `send_insert`, reports success when the insert has
        # failed: when the disk is full, when there are too many parts (chDB 4.4).
        try:
            with tempfile.TemporaryFile(dir=self._path) as file:
                file.write(block)
                file.flush()
                self.execute(f"INSERT INTO {table} FROM INFILE '/dev/fd/{file.fileno()}' FORMAT Native")
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written to: {error}") from error

    def disk_free_bytes(self) -> int:
        """What is free on the disk that the directory is on, or will be once it is opened."""
        place = next(folder for folder in (self._path, *self._path.absolute().parents) if folder.exists())
        return shutil.disk_usage(place).free

    def close(self) -> None:
        """The database is closed. No statement may be under way."""
        for session in self._sessions:
            session.close()

    def _query(self, sql: str, output_format: str, parameters: Mapping[str, Parameter]) -> bytes:
        literals = {name: _literal(value) for name, value in parameters.items()}
        try:
            return bytes(self._session().query(sql, output_format, params=literals).bytes())
        except RuntimeError as error:
            raise _store_error(error) from None

    def _session(self) -> Any:
        session = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._open()
            self._of_thread.session = session
            self._sessions.append(session)
            for name, value in SESSION_SETTINGS.items():
                session.query(f"SET {name} = {value}")
            excluded = ",".join(INDEXES_BUILT_BY_MERGES)
            session.query(f"SET exclude_materialize_skip_indexes_on_insert = '{excluded}'")
        return session

    def _open(self) -> Any:
        """A new session; the folder, and the data folder it is in, are their owner's alone when made here."""
        if not self._sessions:
            _prepare(self._path)
        try:
            return _Session(str(self._path))
        except RuntimeError as error:
            raise StoreError(f"{self._path} cannot be opened: {_problem(error)}", retryable=False) from None


def _prepare(path: Path) -> None:
    """The folder is there, may be written to, and no other process has it; StoreError else.

    The engine would say so too, but on stderr, in its own words.
    """
    try:
        for folder in (path.parent, path):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (path / _LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        problem = f"{path} is in use by another process; stop that one, or name another folder"
        raise StoreError(problem, retryable=False) from None
    except OSError as error:
        problem = f"{error.filename} cannot be written: {error.strerror}; name a folder of this user's"
        raise StoreError(problem, retryable=False) from None


def _problem(error: RuntimeError) -> str:
    """What ClickHouse says, without the calls in its own code that led there."""
    return str(error).partition("\n")[0].partition(", Stack trace")[0].partition(" (version ")[0]


def _literal(value: Parameter) -> str:
    """The value as a query parameter is written: escaped text, or an array of numbers or quoted texts."""
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
    if isinstance(value, int):
        return str(value)
    return f"[{','.join(map(_element, value))}]"


def _element(value: str | int | bytes) -> str:
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return "'" + "".join(f"\\x{byte:02x}" for byte in value) + "'"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _store_error(error: RuntimeError) -> StoreError:
    return StoreError(_problem(error))
