"""A token endpoint on loopback that does what a test tells it to."""

import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tollspan.errors import TokenRequestError
from tollspan.oauth2.client_credentials import ClientCredentials, build_token_request, read_token_response
from tollspan.oauth2.secret import Secret


class LoopbackEndpoint:
    """Answers 200 with a numbered token unless `answers` holds something else; waits for `open`."""

    def __init__(self):
        self.requests = []
        self.answers = []
        self.lifetime_s = 3600
        self.open = threading.Event()
        self.open.set()
        self.asked = threading.Event()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                endpoint.serve(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.requests.append((dict(handler.headers), body))
        self.asked.set()
        assert self.open.wait(30)
        token = {
            "access_token": f"token-{len(self.requests)}",
            "token_type": "Bearer",
            "expires_in": self.lifetime_s,
        }
        status, answer = self.answers.pop(0) if self.answers else (200, json.dumps(token).encode())
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    def close(self):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def credentials(self):
        return ClientCredentials("the-client", Secret("s3cr3t-of-the-client"), self.url)

    def fetch(self):
        """One token request over a real connection."""
        request = build_token_request(self.credentials())
        asked_s = time.monotonic()
        url = urlsplit(request.url)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
        try:
            connection.request("POST", url.path, request.body, request.headers)
            response = connection.getresponse()
            body = response.read()
        except OSError as error:
            raise TokenRequestError("unreachable", "request_failed") from error
        finally:
            connection.close()
        return read_token_response(response.status, dict(response.headers), body, asked_s)


@pytest.fixture
def endpoint():
    made = LoopbackEndpoint()
    yield made
    made.close()
