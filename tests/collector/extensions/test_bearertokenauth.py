import httpx
import pytest

from helpers.otlp_peer import running_peer
from helpers.pipelines import running_pipeline
from helpers.signals import trace_request
from tollspan.collector.extensions.bearertokenauth import BearerTokenAuthConfig, BearerTokenAuthExtension
from tollspan.errors import InvalidTokenError, MissingTokenError, TokenRequestError
from tollspan.oauth2.secret import Secret


def extension(**settings):
    return BearerTokenAuthExtension(BearerTokenAuthConfig(**settings))


async def test_the_first_token_is_sent():
    tokens = extension(tokens=[Secret("one"), Secret("two")])
    assert await tokens.credentials() == {"authorization": "Bearer one"}
    assert not tokens.refused({"authorization": "Bearer one"})


async def test_header_and_scheme_can_be_set():
    tokens = extension(token=Secret("one"), header="X-API-Key", scheme="")
    assert await tokens.credentials() == {"x-api-key": "one"}
    await tokens.authenticate({"x-api-key": "one"})


async def test_a_file_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "token"
    tokens = extension(filename=str(path))
    with pytest.raises(TokenRequestError, match="filename: cannot be read"):
        await tokens.credentials()
    path.write_text("old\n")
    old = await tokens.credentials()
    path.write_text("newer\n")
    assert tokens.refused(old)
    assert await tokens.credentials() == {"authorization": "Bearer newer"}


async def test_every_listed_token_is_taken_and_no_other(tmp_path):
    path = tmp_path / "tokens"
    path.write_text("one\n\ntwo\n")
    tokens = extension(filename=str(path))
    for token in ("one", "two"):
        principal = await tokens.authenticate({"authorization": f"bearer {token}"})
        principal.require("write:logs")
    for shown in ("Bearer three", "Bearer ", "Bearer one two"):
        with pytest.raises(InvalidTokenError):
            await tokens.authenticate({"authorization": shown})
    for headers in ({}, {"authorization": "Basic one"}):
        with pytest.raises(MissingTokenError):
            await tokens.authenticate(headers)


def test_a_configuration_without_a_token_is_a_problem():
    (problem,) = BearerTokenAuthConfig().problems()
    assert problem.problem == "no bearer token provided"


async def test_a_receiver_asks_for_the_token_and_an_exporter_sends_it():
    auth = {"authenticator": "bearertokenauth"}
    receiver = {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0", "auth": auth}}}}
    with running_peer() as peer:
        async with (
            running_pipeline(
                "otlp_http",
                {"endpoint": peer.url, "auth": auth},
                extensions={"bearertokenauth": {"token": "pass"}},
                receiver=receiver,
            ) as pipeline,
            httpx.AsyncClient(base_url=pipeline.url) as http,
        ):
            headers = {"Content-Type": "application/x-protobuf"}
            body = trace_request().SerializeToString()
            refused = await http.post("/v1/traces", content=body, headers=headers)
            taken = await http.post(
                "/v1/traces", content=body, headers={**headers, "Authorization": "Bearer pass"}
            )
            await pipeline.counted("otelcol_exporter_sent_spans", 2)

    assert (refused.status_code, taken.status_code) == (401, 200)
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert [export.headers["authorization"] for export in peer.exports] == ["Bearer pass"]
