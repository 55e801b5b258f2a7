import socket

import grpc.aio
import pytest

from helpers.http2 import echo, running_server
from tollspan.collector.grpc_server import GRPCServer
from tollspan.errors import ConfigError


@pytest.mark.parametrize(
    ("endpoint", "host"), [("127.0.0.1:0", "127.0.0.1"), (":0", "127.0.0.1"), ("localhost:0", "localhost")]
)
async def test_a_method_gets_and_gives_bytes_at_an_address_that_can_be_dialled(endpoint, host):
    server = GRPCServer(endpoint)
    server.add_service("test.Echo", {"Say": echo}, message_bytes_max=100)
    await server.start()
    assert server.address.rpartition(":")[0] == host
    async with grpc.aio.insecure_channel(server.address) as channel:
        assert await channel.unary_unary("/test.Echo/Say")(b"\xff\x00") == b"\xff\x00"
    await server.stop(1)


async def test_the_largest_limit_of_all_services_holds():
    server = GRPCServer("127.0.0.1:0")
    server.add_service("test.Small", {"Say": echo}, message_bytes_max=10)
    server.add_service("test.Large", {"Say": echo}, message_bytes_max=100)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        assert len(await channel.unary_unary("/test.Small/Say")(b"x" * 100)) == 100
    await server.stop(1)


@pytest.mark.parametrize("size", [0, 1, 16_384, 65_535, 1 << 20, 5 << 20])
async def test_messages_of_every_size_go_both_ways(size):
    options = [("grpc.max_receive_message_length", -1)]
    message = bytes(range(256)) * (size // 256) + bytes(size % 256)
    async with (
        running_server(message_bytes_max=8 << 20) as server,
        grpc.aio.insecure_channel(server.address, options=options) as channel,
    ):
        assert await channel.unary_unary("/test.Echo/Say")(message) == message


def test_a_service_is_served_once():
    server = GRPCServer("127.0.0.1:0")
    server.add_service("test.Echo", {"Say": echo}, message_bytes_max=100)
    with pytest.raises(ConfigError, match=r"two components want to serve test\.Echo"):
        server.add_service("test.Echo", {"Say": echo}, message_bytes_max=100)


async def test_a_taken_port_is_a_configuration_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"cannot listen on {endpoint}"):
            await GRPCServer(endpoint).start()


async def test_a_server_that_never_started_stops_at_once():
    await GRPCServer("127.0.0.1:0").stop(1)
