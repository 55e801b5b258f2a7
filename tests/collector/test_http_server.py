import asyncio
import json
import socket

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router

from helpers.http import RawConnection
from tollspan.collector import http_connection
from tollspan.collector.http_server import HTTPServer
from tollspan.errors import ConfigError

GET = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"


class Door:
    """A handler that waits until it is opened."""

    def __init__(self):
        self.entered = asyncio.Event()
        self.open = asyncio.Event()

    async def handle(self, request):
        self.entered.set()
        await self.open.wait()
        return PlainTextResponse("through")


async def hello(request):
    return PlainTextResponse("hello")


async def echo_size(request: Request):
    return PlainTextResponse(str(len(await request.body())))


async def refuse_unread(request):
    return PlainTextResponse("no", 401)


@pytest.fixture
def door():
    return Door()


@pytest.fixture
async def server(door):
    server = HTTPServer("127.0.0.1:0")
    server.add_routes([Route("/hello", hello), Route("/door", door.handle)])
    server.add_routes(
        [Route("/echo", echo_size, methods=["POST"]), Route("/refuse", refuse_unread, methods=["POST"])]
    )
    await server.start()
    yield server
    door.open.set()
    await server.stop(5)


async def test_port_0_gives_a_free_port_in_the_url(server):
    async with httpx.AsyncClient() as http_client:
        response = await http_client.get(server.url + "/hello")
    assert (response.text, server.url.rpartition(":")[2] != "0") == ("hello", True)
    assert "server" not in response.headers


async def test_an_unknown_path_is_answered_with_a_status_message(server):
    async with httpx.AsyncClient() as http_client:
        response = await http_client.get(server.url + "/hello/")
    assert response.status_code == 404
    assert response.json()["message"] == "there is nothing at this path"


async def test_a_mount_does_not_hide_paths_that_are_added_later(door):
    server = HTTPServer("127.0.0.1:0")
    server.add_routes([Mount("/", Router([Route("/other", hello)]))])
    server.add_routes([Route("/echo", echo_size, methods=["POST"])])
    await server.start()
    async with httpx.AsyncClient() as http_client:
        assert (await http_client.post(server.url + "/echo", content=b"abc")).text == "3"
        assert (await http_client.get(server.url + "/other")).text == "hello"
    await server.stop(1)


async def test_a_path_is_served_once(server):
    server.add_routes([Route("/echo", hello)])
    with pytest.raises(ConfigError, match=r"two components want to serve /hello at 127\.0\.0\.1:0"):
        server.add_routes([Route("/hello", hello)])


@pytest.mark.parametrize(
    ("endpoint", "host"), [("localhost:0", "localhost"), (":0", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.1")]
)
async def test_the_url_can_be_dialled(endpoint, host):
    server = HTTPServer(endpoint)
    server.add_routes([Route("/hello", hello)])
    await server.start()
    try:
        assert server.url.startswith(f"http://{host}:")
        async with httpx.AsyncClient() as http_client:
            assert (await http_client.get(server.url + "/hello")).status_code == 200
    finally:
        await server.stop(1)


async def test_a_taken_port_is_a_configuration_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"cannot listen on {endpoint}: .*in use"):
            await HTTPServer(endpoint).start()


async def test_a_stop_waits_for_requests_in_flight(server, door):
    async with RawConnection(server.url) as connection:
        await connection.send(GET.replace(b"hello", b"door"))
        await door.entered.wait()
        stopping = asyncio.create_task(server.stop(30))
        await server.stopping.wait()
        door.open.set()
        assert (await connection.answer()).body == b"through"
        assert await connection.closed()
        await stopping


async def test_a_stop_cancels_what_takes_longer_than_its_deadline(server, door):
    async with RawConnection(server.url) as connection:
        await connection.send(GET.replace(b"hello", b"door"))
        await door.entered.wait()
        await server.stop(0)
        assert (await connection.answer()).status == 500
        assert await connection.closed()


async def test_a_stopped_listener_accepts_nothing(server):
    await server.stop(1)
    with pytest.raises(ConnectionRefusedError):
        await RawConnection(server.url).__aenter__()


async def test_a_head_that_does_not_come_closes_the_connection(server, monkeypatch):
    monkeypatch.setattr(http_connection, "HEAD_TIMEOUT_S", 0.05)
    async with RawConnection(server.url) as silent, RawConnection(server.url) as slow:
        await slow.send(b"GET /hello HTTP/1.1\r\nHost: ")
        assert await silent.closed()
        assert await slow.closed()


async def test_a_second_head_has_a_deadline_too(server, monkeypatch):
    async with RawConnection(server.url) as connection:
        await connection.send(GET)
        assert (await connection.answer()).status == 200
        monkeypatch.setattr(http_connection, "HEAD_TIMEOUT_S", 0.05)
        await connection.send(b"GET /hel")
        assert await connection.closed()


@pytest.mark.parametrize("part", [b"X-Pad: " + b"x" * 70_000, b"\r\n" * 40_000, b"X: y\r\n" * 12_000])
async def test_a_head_that_is_too_large_is_refused(server, part):
    async with RawConnection(server.url) as connection:
        await connection.send(b"" if part.startswith(b"\r\n") else b"GET /hello HTTP/1.1\r\n")
        await connection.send(part)
        answer = await connection.answer()
        assert (answer.status, answer.headers["connection"]) == (431, "close")
        assert await connection.closed()


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nHost : x\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
    ],
)
async def test_what_two_parsers_could_read_differently_is_refused_and_closed(server, request_):
    async with RawConnection(server.url) as connection:
        await connection.send(request_)
        answer = await connection.answer()
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert json.loads(answer.body)["code"] == 3
        assert await connection.closed()


async def test_connections_over_the_cap_are_closed_and_the_others_served(server, monkeypatch):
    monkeypatch.setattr(http_connection, "CONNECTIONS_MAX", 2)
    async with RawConnection(server.url) as first, RawConnection(server.url) as second:
        await first.send(GET)
        assert (await first.answer()).status == 200
        await second.send(GET)
        assert (await second.answer()).status == 200
        async with RawConnection(server.url) as third:
            assert await third.closed()
        await first.send(GET)
        assert (await first.answer()).status == 200


async def test_an_answered_request_is_read_away_and_the_connection_goes_on(server):
    async with RawConnection(server.url) as connection:
        await connection.send(b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n")
        assert (await connection.answer()).status == 401
        await connection.send(b"x" * 300_000 + GET)
        assert (await connection.answer()).body == b"hello"


async def test_an_answered_request_that_never_ends_is_cut(server, monkeypatch):
    monkeypatch.setattr(http_connection, "UNREAD_TIMEOUT_S", 0.05)
    async with RawConnection(server.url) as connection:
        await connection.send(b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\nx")
        assert (await connection.answer()).status == 401
        assert await connection.closed()


async def test_pipelined_requests_are_answered_in_their_order(server, monkeypatch):
    monkeypatch.setattr(http_connection, "UNREAD_TIMEOUT_S", 0.0)
    body = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
    async with RawConnection(server.url) as connection:
        await connection.send(GET + body + b"ab")
        assert (await connection.answer()).body == b"hello"
        await connection.send(b"cde" + GET)
        assert (await connection.answer()).body == b"5"
        assert (await connection.answer()).body == b"hello"


EXPECT = b"HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"


async def test_expect_100_continue_is_answered_when_the_body_is_wanted(server):
    async with RawConnection(server.url) as connection:
        await connection.send(b"POST /echo " + EXPECT)
        assert (await connection.answer()).status == 100
        await connection.send(b"abcde")
        assert (await connection.answer()).body == b"5"


async def test_expect_100_continue_with_a_refusal_closes_the_connection(server):
    async with RawConnection(server.url) as connection:
        await connection.send(b"POST /refuse " + EXPECT)
        assert (await connection.answer()).status == 401
        assert await connection.closed()
