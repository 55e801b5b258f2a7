"""A ClickHouse server in the place of the embedded database: the same statements and blocks, over HTTP."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from tollspan.errors import StoreError
from tollspan.gateway.storage._native import Block
from tollspan.gateway.storage.engine import SESSION_SETTINGS, Engine, Parameter

SCHEMES = ("clickhouse", "clickhouses")
"""`clickhouse://user:password@host:port/database`; with an s over TLS."""

_SERVER_SAID = re.compile(r"DB::\w*Exception: ([^\n]{1,200}?)(?: \(version |$|\n)")

_BODY_SETTINGS = {"async_insert": 0, "insert_deduplicate": 0}
# An insert is one part and is there when it is acknowledged; who resends is known by the digests.


# What they warn of is in the errors too, and there without addresses of requests.
for _library in ("clickhouse_connect", "urllib3"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)


class ServerEngine(Engine):
    """A database of a server. It may be shared by processes that only read; one process writes."""

    def __init__(self, url: str) -> None:
        """Use the database at `url`. Nothing is asked of the server yet."""
        self._url = urlsplit(url)
        self._connected: Client | None = None

    def insert(self, table: str, block: Block | bytes) -> None:
        """As Engine.insert."""
        try:
            self._client().raw_insert(table, insert_block=bytes(block), fmt="Native", settings=_BODY_SETTINGS)
        except Error as error:
            raise _store_error(error) from None

    def disk_free_bytes(self) -> int:
        """What is free on the fullest disk of the server."""
        [row] = self.rows("SELECT min(free_space) AS free FROM system.disks", {})
        return int(row["free"])

    def close(self) -> None:
        """All connections are closed."""
        if self._connected is not None:
            self._connected.close()

    def _query(self, sql: str, output_format: str, parameters: Mapping[str, Parameter]) -> bytes:
        bound = {
            name: list(value) if isinstance(value, (list, tuple)) else value
            for name, value in parameters.items()
        }
        settings = {**SESSION_SETTINGS, "default_format": output_format}
        try:
            return self._client().raw_query(sql, parameters=bound, settings=settings)
        except Error as error:
            raise _store_error(error) from None

    def _client(self) -> Client:
        if self._connected is None:
            try:
                self._connected = clickhouse_connect.get_client(
                    host=self._url.hostname,
                    port=self._url.port or 0,
                    username=unquote(self._url.username or "default"),
                    password=unquote(self._url.password or ""),
                    database=self._url.path.strip("/") or "default",
                    secure=self._url.scheme == SCHEMES[1],
                    autogenerate_session_id=False,
                )
            except Error as error:
                raise self._connect_error(error) from None
        return self._connected

    def _connect_error(self, error: Error) -> StoreError:
        """What keeps us from using the server: in the system's words, or in ClickHouse's own."""
        url = f"{self._url.scheme}://{self._url.netloc.rpartition('@')[2]}{self._url.path}"
        cause: BaseException = error
        while not isinstance(cause, OSError) and (deeper := cause.__cause__ or cause.__context__):
            cause = deeper
        said = _SERVER_SAID.search(str(error))
        if isinstance(cause, OSError):
            problem = f"cannot be reached ({cause.strerror or cause})"
        elif said:
            problem = f"refuses: {said[1]}"
        else:
            problem = "answers as no ClickHouse server does"
        return StoreError(f"{url} {problem}; check --storage, and whether that server runs")


def _store_error(error: Error) -> StoreError:
    # The first line alone: what follows may repeat the statement.
    return StoreError(str(error).strip().partition("\n")[0])
