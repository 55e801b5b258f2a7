"""The receiver behind TLS, on both transports, with and without client certificates."""

import asyncio
import contextlib
import ssl

import grpc
import httpx
import pytest
import trustme
from starlette.routing import Route

from helpers.collector import running_collector
from helpers.signals import REQUESTS
from tollspan.collector.grpc_server import GRPCServer
from tollspan.collector.http_server import HTTPServer
from tollspan.collector.tls import TLSServerConfig
from tollspan.errors import ConfigError
from tollspan.otlp.grpc_exchange import SERVICES
from tollspan.otlp.signals import Signal

REQUEST, ITEMS = REQUESTS[Signal.TRACES]


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def pair(authority, tmp_path):
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return {"cert_file": str(tmp_path / "cert.pem"), "key_file": str(tmp_path / "key.pem")}


def context(authority, identity=None):
    found = ssl.create_default_context()
    authority.configure_trust(found)
    if identity is not None:
        authority.issue_cert(identity).configure_cert(found)
    return found


async def post(url, verify):
    async with httpx.AsyncClient(verify=verify) as http:
        headers = {"Content-Type": "application/x-protobuf"}
        answer = await http.post(f"{url}/v1/traces", content=REQUEST.SerializeToString(), headers=headers)
        return answer.status_code


async def test_http_is_served_over_tls_and_not_in_plain_text(authority, pair):
    async with running_collector(tls=pair) as collector:
        assert collector.url.startswith("https://")
        assert await post(collector.url, context(authority)) == 200
        with pytest.raises(httpx.TransportError):
            await post(collector.url.replace("https", "http"), True)
    assert collector.batches[0].items == ITEMS


async def test_http_callers_may_have_to_show_a_certificate(authority, pair, tmp_path):
    async with running_collector(tls={**pair, "client_ca_file": str(tmp_path / "ca.pem")}) as collector:
        assert await post(collector.url, context(authority, "shipper")) == 200
        with pytest.raises(httpx.TransportError):
            await post(collector.url, context(authority))


@pytest.mark.parametrize("mutual", [False, True])
async def test_grpc_is_served_over_tls(authority, pair, tmp_path, mutual):
    tls = {**pair, "client_ca_file": str(tmp_path / "ca.pem")} if mutual else pair
    client = authority.issue_cert("shipper")
    own = (client.private_key_pem.bytes(), client.cert_chain_pems[0].bytes()) if mutual else ()
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes(), *own)
    async with (
        running_collector(protocol="grpc", tls=tls) as collector,
        grpc.aio.secure_channel(collector.address, credentials) as channel,
    ):
        await channel.unary_unary(f"/{SERVICES[Signal.TRACES]}/Export")(REQUEST.SerializeToString())
    assert collector.batches[0].items == ITEMS


async def test_a_grpc_client_must_ask_for_http_2(authority, pair):
    async with running_collector(protocol="grpc", tls=pair) as collector:
        host, _, port = collector.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, port, ssl=context(authority))
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_a_certificate_that_cannot_be_used_keeps_the_listener_from_starting(pair, tmp_path, protocol):
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match="cert_file: certificate and key cannot be used"):
        async with running_collector(protocol=protocol, tls=pair):
            pass


def test_components_that_share_a_listener_must_agree_on_tls(pair):
    tls = TLSServerConfig(**pair)
    http, rpc = HTTPServer("127.0.0.1:0"), GRPCServer("127.0.0.1:0")
    http.require_tls(tls)
    http.add_routes([Route("/x", None)])
    rpc.require_tls(tls)
    rpc.add_service("service", {}, message_bytes_max=1)
    for server in (http, rpc):
        server.require_tls(tls)
        with pytest.raises(ConfigError, match="different TLS settings"):
            server.require_tls(None)
