"""How another process of the same owner asks a running gateway for an image of its telemetry.

A process alone can have the embedded database open, so a back-up cannot open it beside the gateway.
In the data folder there is a socket, and whoever connects to it has an image made, which stays until
they close their end: a process that is killed closes it too. Each side sends a line of JSON:

    <- {"image": "shadow/image"}        or {"error": "…"}, and no more
    -> end of file, once the image has been read
    <- {"was_kept": true}               which a gateway that was killed meanwhile does not send
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from tollspan.errors import StoreError
from tollspan.gateway.storage import image
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.store import TELEMETRY, Store

_log = structlog.get_logger()

SOCKET = "image.sock"
ANSWER_TIMEOUT_S = 600.0
"""An image is made within milliseconds, after an erasure that may be under way."""


class ImageSocket:
    """Gives images of the open `store` to whoever may write to the socket: the folder's owner."""

    def __init__(self, store: Store, data_dir: Path) -> None:
        self._store = store
        self._path = data_dir / SOCKET
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """The socket is there; or it is logged why not, and a back-up needs the gateway to be stopped."""
        try:
            self._path.unlink(missing_ok=True)  # of a gateway that was killed: the database is ours alone
            self._server = await asyncio.start_unix_server(self._serve, self._path)
            self._path.chmod(0o600)
        except OSError as error:
            _log.warning("backup_not_possible_while_running", path=str(self._path), reason=str(error))

    async def close(self) -> None:
        """Nobody has an image, and the socket is gone."""
        if self._server is not None:
            self._server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            try:
                async with self._store.image():
                    writer.write(_line(image=image.IMAGE))
                    await reader.read(1)
                writer.write(_line(was_kept=True))
            except StoreError as error:
                writer.write(_line(error=str(error)))


@contextlib.contextmanager
def open_image(data_dir: Path) -> Iterator[Path]:
    """An image of the telemetry in `data_dir`, for the block, whether a gateway runs on it or not.

    StoreError when the gateway gives none, or ended during the block: what was read may not be whole.
    """
    folder = data_dir / TELEMETRY
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_TIMEOUT_S)
        try:
            connection.connect(os.fspath(data_dir / SOCKET))
        except OSError:
            with _own_image(folder) as own:
                yield own
            return
        with connection.makefile("rb") as answers:
            image_folder = folder / _receive(answers)["image"]
            try:
                yield image_folder
            finally:
                connection.shutdown(socket.SHUT_WR)
                _receive(answers)  # what went wrong in the block may be that the gateway ended


@contextlib.contextmanager
def _own_image(folder: Path) -> Iterator[Path]:
    engine = Engine(folder)
    try:
        image.drop(folder)
        image.take(engine, folder)
        yield folder / image.IMAGE
    finally:
        image.drop(folder)
        engine.close()


def _line(**facts: object) -> bytes:
    return json.dumps(facts).encode() + b"\n"


def _receive(answers: BinaryIO) -> dict[str, Any]:
    try:
        line = answers.readline()
    except OSError:
        line = b""
    answer: dict[str, Any] = json.loads(line or _line(error="the gateway ended, or does not answer"))
    if "error" in answer:
        raise StoreError(f"no image of the telemetry: {answer['error']}", retryable=False)
    return answer
