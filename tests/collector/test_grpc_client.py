import socket

import grpc
import pytest

from helpers.grpc_peer import running_grpc_peer
from tollspan.collector.grpc_client import Failed, GRPCClient
from tollspan.collector.tls import TLSClientConfig
from tollspan.errors import ConfigError
from tollspan.otlp.grpc_exchange import SERVICES
from tollspan.otlp.signals import Signal

EXPORT = f"/{SERVICES[Signal.TRACES]}/Export"


async def call(target, metadata=None, **options):
    client = GRPCClient(target, None, gzip=True, options=options)
    client.open()
    try:
        return await client.call(EXPORT, b"", metadata or {}, wait_for_ready=False)
    finally:
        await client.close()


async def test_an_answer_is_bytes():
    async with running_grpc_peer() as peer:
        peer.answer = b"\n\x00"
        assert await call(peer.url, {"x-team": "shop"}) == b"\n\x00"
        assert await call(f"http://{peer.url}/ignored") == b"\n\x00"
    assert peer.calls[0]["x-team"] == "shop"


async def test_a_failure_is_its_code_message_and_trailers():
    async with running_grpc_peer() as peer:
        peer.faults.append((grpc.StatusCode.UNAVAILABLE, "later", (("x-why", "busy"),)))
        failed = await call(peer.url)
    assert (failed.code, failed.message, failed.trailers["x-why"]) == (14, "later", "busy")


async def test_a_server_that_is_not_there_is_unavailable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        failed = await call(f"127.0.0.1:{unused.getsockname()[1]}")
    assert isinstance(failed, Failed)
    assert failed.code == grpc.StatusCode.UNAVAILABLE.value[0]


def test_files_that_cannot_be_read_keep_the_channel_from_opening():
    client = GRPCClient("x:1", TLSClientConfig(ca_file="/nowhere"), gzip=False, options={})
    with pytest.raises(ConfigError, match="ca_file: cannot read"):
        client.open()
