"""A destination that keeps what it is posted, for exporters that do not speak OTLP."""

import contextlib
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from helpers.otlp_peer import Answer

TAKEN = Answer(204, headers={})


@dataclass
class HTTPPeer:
    """`answers` are used up one per request, then all is taken; `requests` are (path, headers, body)."""

    url: str = ""
    answers: deque = field(default_factory=deque)
    requests: list = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, holds, decode=bytes, timeout_s=20):
        """Return when `holds` is true of some request's body after `decode`."""
        with self.arrived:
            assert self.arrived.wait_for(
                lambda: any(holds(bytes(decode(body))) for _, _, body in self.requests), timeout_s
            )

    def wait(self, requests, timeout_s=20):
        """Return when that many requests have come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= requests, timeout_s)


@contextlib.contextmanager
def running_http_peer():
    peer = HTTPPeer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): text for name, text in self.headers.items()}
            with peer.arrived:
                answer = peer.answers.popleft() if peer.answers else TAKEN
                peer.requests.append((self.path, headers, body))
                peer.arrived.notify_all()
            self.send_response(answer.status)
            for name, text in answer.headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    peer.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
