import asyncio
import contextlib
import socket
import ssl

import pytest
import trustme

from helpers.otlp_peer import Answer, drip, endless, reset_connection, running_peer
from tollspan.collector.http_client import HTTPClient, parse_url
from tollspan.collector.tls import TLSClientConfig
from tollspan.errors import RetryableError


@pytest.fixture
def peer():
    with running_peer() as peer:
        yield peer


@contextlib.asynccontextmanager
async def opened(tls=None, **settings):
    client = HTTPClient(tls or TLSClientConfig(), **settings)
    client.open()
    try:
        yield client
    finally:
        await client.close()


async def post(client, url, timeout_s=10):
    return await client.request(
        "POST", f"{url}/v1/traces", headers={}, body=b"", timeout_s=timeout_s, bytes_max=1000
    )


async def test_an_answer_is_returned_whole_with_lower_case_header_names(peer):
    peer.answers.append(Answer(418, b"teapot", {"X-Kind": "Pot"}))
    async with opened() as client:
        answer = await post(client, peer.url)
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (418, b"teapot", "Pot")


async def test_a_large_answer_is_read_up_to_the_limit(peer):
    peer.answers.append(endless(300 << 20))
    async with opened() as client:
        assert len((await post(client, peer.url)).body) == 1000


async def test_requests_share_a_connection(peer):
    async with opened() as client:
        for _ in range(3):
            await post(client, peer.url)
    assert len(peer.connections) == 1


async def test_connections_to_one_server_have_a_limit(peer):
    async with opened(connections_max=2) as client:
        await asyncio.gather(*(post(client, peer.url) for _ in range(8)))
    assert len(peer.connections) <= 2


async def test_an_answer_that_does_not_come_takes_no_longer_than_the_timeout(peer):
    peer.answers += [peer.hang, drip]
    async with opened() as client:
        for _ in range(2):
            with pytest.raises(RetryableError, match=r"^no answer in time$"):
                await post(client, peer.url, 0.05)


async def test_a_connection_that_breaks_is_an_error_that_passes(peer):
    peer.answers.append(reset_connection)
    async with opened() as client:
        with pytest.raises(RetryableError):
            await post(client, peer.url)


async def test_a_server_that_is_not_there_is_named_by_its_fault():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with opened() as client:
            with pytest.raises(RetryableError, match=r"^ClientConnectorError"):
                await post(client, f"http://127.0.0.1:{unused.getsockname()[1]}")


async def test_redirects_are_answers(peer):
    peer.answers.append(Answer(307, headers={"Location": "/elsewhere"}))
    async with opened() as client:
        assert (await post(client, peer.url)).status == 307
    assert peer.paths == ["/v1/traces"]


async def test_cookies_and_netrc_are_not_known(peer, tmp_path, monkeypatch):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(netrc))
    peer.answers.append(Answer(200, headers={"Set-Cookie": "a=b"}))
    async with opened() as client:
        await post(client, peer.url)
        await post(client, peer.url)
    for export in peer.exports:
        assert not {"cookie", "authorization"} & set(export.headers)


async def test_a_configured_proxy_is_used(peer):
    async with opened(proxy_url=peer.url) as client:
        await post(client, "http://gate.example")
    assert peer.paths == ["http://gate.example/v1/traces"]


async def test_a_certificate_is_trusted_only_when_its_authority_was_named(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with running_peer(tls=tls) as peer:
        async with opened(TLSClientConfig(ca_file=str(tmp_path / "ca.pem"))) as client:
            assert (await post(client, peer.url)).status == 200
        async with opened() as client:
            with pytest.raises(RetryableError, match="its certificate is not trusted"):
                await post(client, peer.url)


def test_a_url_is_http_and_has_a_host():
    assert parse_url("https://x.example:1/otlp/") == "https://x.example:1/otlp"
    for wrong in ("x.example:4318", "ftp://x", "http://", "", 1, None):
        with pytest.raises(ValueError, match="must be a valid URL"):
            parse_url(wrong)
