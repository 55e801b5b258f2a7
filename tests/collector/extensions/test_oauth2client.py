import base64
import contextlib
import socket
from urllib.parse import parse_qs

import pytest
import structlog
from joserfc import jwt
from joserfc.jwk import RSAKey

from helpers.otlp_peer import Answer, running_peer
from helpers.service import StandInHost
from tollspan.collector.config.decode import Decoding
from tollspan.collector.extensions.oauth2client import OAuth2ClientConfig, OAuth2ClientExtension
from tollspan.errors import TokenRequestError

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def issuer():
    with running_peer(token_lifetime_s=3600) as peer:
        yield peer


def configure(issuer, **settings):
    common = {"client_id": "ship:per", "client_secret": "hu&sh", "token_url": f"{issuer.url}/token"}
    decoding = Decoding()
    config = decoding.struct(OAuth2ClientConfig, common | settings, "extensions::oauth2client")
    assert decoding.problems == []
    return config


@contextlib.asynccontextmanager
async def running(config):
    extension = OAuth2ClientExtension(config)
    extension.host = StandInHost()
    await extension.start(extension.host)
    try:
        yield extension
    finally:
        await extension.shutdown()


def form(issuer, number=0):
    _, body = issuer.token_requests[number]
    return parse_qs(body)


async def test_the_token_request_carries_every_setting(issuer):
    settings = {
        "scopes": ["write:traces", "x"],
        "endpoint_params": {"audience": "https://a.example", "r": ["1", "2"]},
    }
    async with running(configure(issuer, **settings)) as extension:
        assert await extension.credentials() == {"authorization": "Bearer access-token-1"}

    headers, _ = issuer.token_requests[0]
    pair = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()
    assert pair == "ship%3Aper:hu%26sh"
    assert form(issuer) == {
        "grant_type": ["client_credentials"],
        "scope": ["write:traces x"],
        "audience": ["https://a.example"],
        "r": ["1", "2"],
    }


async def test_a_server_that_wants_the_secret_in_the_body_gets_it_there_from_then_on(issuer):
    issuer.token_answers.append(Answer(401, b'{"error": "invalid_client"}', JSON))
    async with running(configure(issuer)) as extension:
        credentials = await extension.credentials()
        assert extension.refused(credentials)
        await extension.credentials()

    assert form(issuer, 1)["client_secret"] == ["hu&sh"]
    assert form(issuer, 2)["client_secret"] == ["hu&sh"]
    assert len(issuer.token_requests) == 3


async def test_a_wrong_secret_is_tried_both_ways_and_then_left_alone(issuer):
    issuer.token_answers += [Answer(401, b'{"error": "invalid_client"}', JSON)] * 2
    with structlog.testing.capture_logs() as logs:
        async with running(configure(issuer)) as extension:
            for _ in range(3):
                with pytest.raises(TokenRequestError, match="invalid_client"):
                    await extension.credentials()
            assert extension.condition().failures

    assert len(issuer.token_requests) == 2
    (failure,) = [entry for entry in logs if entry["event"] == "access_token_not_received"]
    assert failure["terminal"]
    assert "hu&sh" not in str(logs)


async def test_secrets_are_read_from_their_files_for_each_request(issuer, tmp_path):
    names = {name: tmp_path / name for name in ("client_id", "client_secret")}
    for path in names.values():
        path.write_text("first\n")
    settings = {f"{name}_file": str(path) for name, path in names.items()}
    async with running(configure(issuer, **settings)) as extension:
        credentials = await extension.credentials()
        names["client_secret"].write_text("second\n")
        extension.refused(credentials)
        await extension.credentials()

    pairs = [base64.b64decode(headers["authorization"][6:]) for headers, _ in issuer.token_requests]
    assert pairs == [b"first:first", b"first:second"]


async def test_a_missing_secret_file_does_not_keep_the_collector_from_starting(issuer):
    async with running(configure(issuer, client_secret_file="/nowhere")) as extension:
        with pytest.raises(TokenRequestError, match="client_secret_file: cannot be read"):
            await extension.credentials()
        assert "client_secret_file" in extension.condition().reason
    assert extension.host.counters.total("otelcol_oauth2client_tokens", outcome="failed") == 1


async def test_a_token_server_that_is_down_does_not_keep_the_collector_from_starting(issuer):
    issuer.stop()
    async with running(configure(issuer)) as extension:
        with pytest.raises(TokenRequestError, match="unreachable"):
            await extension.credentials()


async def test_a_hanging_token_server_is_left_after_the_timeout(issuer):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/token"
        async with running(configure(issuer, token_url=url, timeout="50ms")) as extension:
            with pytest.raises(TokenRequestError, match="no answer in time"):
                await extension.credentials()


async def test_an_assertion_serves_instead_of_a_secret(issuer):
    key = RSAKey.generate_key(2048)
    config = configure(
        issuer,
        client_secret="",
        grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
        client_certificate_key=key.as_pem(private=True).decode(),
        client_certificate_key_id="k1",
        audience="https://id.example.com",
        claims={"role": "writer"},
    )
    async with running(config) as extension:
        assert await extension.credentials() == {"authorization": "Bearer access-token-1"}

    claims = jwt.decode(form(issuer)["assertion"][0], key, algorithms=["RS256"]).claims
    assert (claims["sub"], claims["aud"], claims["role"]) == ("ship:per", "https://id.example.com", "writer")


async def test_rejected_tokens_are_counted(issuer):
    async with running(configure(issuer)) as extension:
        extension.refused(await extension.credentials())
        await extension.credentials()
    counts = extension.host.counters
    assert counts.total("otelcol_oauth2client_tokens", outcome="rejected") == 1
    assert counts.total("otelcol_oauth2client_tokens", outcome="issued") == 2


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"token_url": "https://x", "client_secret": "y"}, "no ClientID provided"),
        ({"token_url": "https://x", "client_id": "y"}, "no ClientSecret provided"),
        ({"client_id": "x", "client_secret": "y"}, "token_url: is required"),
        ({"client_id": "x", "client_secret": "y", "token_url": "id.example"}, "must be a valid URL"),
        (
            {
                "token_url": "https://x",
                "client_id": "y",
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            },
            "client_certificate_key: is required",
        ),
    ],
)
def test_what_is_missing_is_told(settings, problem):
    decoding = Decoding()
    decoding.struct(OAuth2ClientConfig, settings, "extensions::oauth2client")
    assert any(problem in str(error) for error in decoding.problems)
