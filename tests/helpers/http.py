"""An HTTP/1.1 client that sends exactly the bytes it is given, to see what a server does with bad ones."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class RawConnection:
    """One connection; use it in `async with`."""

    def __init__(self, url):
        parts = urlsplit(url)
        self._address = parts.hostname, parts.port

    async def __aenter__(self):
        self._reader, self._writer = await asyncio.open_connection(*self._address)
        return self

    async def __aexit__(self, *_):
        self._writer.close()

    async def send(self, data):
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self):
        """The next response on the connection; one with status 100 counts as one."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(first.split(" ")[1]), headers, body)

    async def closed(self):
        """True once the server has closed the connection, without having sent anything more."""
        try:
            return await self._reader.read(1) == b""
        except ConnectionResetError:
            return True


class Chunks:
    """A request's Body: gives the chunks, then its end, or nothing ever when it is `endless`.

    One that is `whole` says so before it is read.
    """

    def __init__(self, *chunks, endless=False, whole=False):
        self.left = list(chunks)
        self._endless = endless
        self._whole = whole

    def whole(self):
        return b"".join(self.left) if self._whole else None

    async def next_chunk(self):
        if self.left:
            return self.left.pop(0)
        if self._endless:
            await asyncio.Event().wait()
        return b""
