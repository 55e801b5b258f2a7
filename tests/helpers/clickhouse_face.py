"""The HTTP interface of a ClickHouse server, as far as clickhouse-connect speaks it, over embedded chDB.

A stand-in: statements, parameters and blocks are handled by the real engine, the protocol around them
is this file. Replication, distribution and users are not here.
"""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import zstandard
from zlib_ng import gzip_ng

from tollspan.errors import StoreError

INSERT = re.compile(rb"\s*INSERT INTO (\S+)[^\n]*FORMAT Native\n", re.IGNORECASE)
FORMAT = re.compile(r"\sFORMAT (\w+)\s*$")
UNPACK = {"gzip": gzip_ng.decompress, "zstd": lambda body: zstandard.ZstdDecompressor().decompress(body)}


class Face(BaseHTTPRequestHandler):
    """One request: the statement is in the URL or the body, its parameters in the URL."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        unpack = UNPACK.get(self.headers.get("Content-Encoding", ""))
        body = unpack(body) if unpack else body
        try:
            self._send(200, self._answer(asked.get("query", "").encode() + body, asked))
        except (StoreError, RuntimeError) as error:
            self._send(500, str(error).encode())

    do_GET = do_POST  # noqa: N815 - as http.server names it

    def _answer(self, statement, asked):
        engine = self.server.engine
        insert = INSERT.match(statement)
        if insert:
            engine.insert(insert[1].decode(), statement[insert.end() :])
            return b""
        sql = statement.decode()
        named = FORMAT.search(sql)
        output_format = named[1] if named else asked.get("default_format", "TabSeparated")
        literals = {
            key.removeprefix("param_"): text for key, text in asked.items() if key.startswith("param_")
        }
        return bytes(engine._session().query(FORMAT.sub("", sql), output_format, params=literals).bytes())

    def _send(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing is printed."""


class ClickHouseFace:
    """A server on a free port of this machine for the length of a block; `url` is for `--storage`."""

    def __init__(self, engine):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Face)
        self._server.engine = engine
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"clickhouse://127.0.0.1:{self._server.server_port}/default"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
