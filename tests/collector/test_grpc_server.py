import socket

import grpc.aio
import pytest

from tollspan.collector.grpc_server import GRPCServer
from tollspan.errors import ConfigError


async def echo(messages, context):
    return b"".join([message async for message in messages])


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
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/test.Large/Say")(b"x" * 101)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    await server.stop(1)


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
