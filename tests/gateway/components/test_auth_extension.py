"""The auth server as the gateway runs it: over a socket, with a real store of credentials."""

import base64
import contextlib
import json

import httpx
import pytest

from helpers.service import StandInHost
from tollspan.errors import InvalidTokenError, MissingTokenError
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.credentials import CredentialStore
from tollspan.gateway.components.auth_extension import FACTORY, AuthConfig, AuthExtension

ENDPOINT = "127.0.0.1:0"
ALIAS = "https://gateway-api.unomiq.com"


@contextlib.asynccontextmanager
async def running(data_dir, **settings):
    """The extension behind a listener, and an HTTP client for it."""
    host = StandInHost()
    extension = AuthExtension(AuthConfig(endpoint=ENDPOINT, data_dir=str(data_dir), **settings))
    await extension.start(host)
    server = host.http_server(ENDPOINT)
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url) as http:
            yield extension, http
    finally:
        await server.stop(1)
        await extension.shutdown()


@pytest.fixture
def issued(tmp_path):
    store = CredentialStore(tmp_path)
    yield store.create(CredentialDraft(name="test", permissions=("read:traces",), tenant="acme"))
    store.close()


async def fetch_token(http, issued, **parameters):
    return await http.post(
        "/token",
        data={"grant_type": "client_credentials", **parameters},
        auth=(issued.credential.id, issued.secret.reveal()),
    )


def claims_of(access_token):
    payload = access_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


async def test_a_token_that_was_issued_says_who_its_bearer_is(tmp_path, issued):
    async with running(tmp_path) as (extension, http):
        answer = (await fetch_token(http, issued)).json()
        principal = await extension.authenticate({"authorization": f"Bearer {answer['access_token']}"})

    assert (principal.subject, principal.tenant) == (issued.credential.id, "acme")
    assert principal.permissions == {"read:traces"}


async def test_the_issuer_is_the_listeners_own_url_unless_it_is_configured(tmp_path, issued):
    for settings, expected in (({}, None), ({"issuer": "https://telemetry.example.com"},) * 2):
        async with running(tmp_path, **settings) as (_, http):
            answer = (await fetch_token(http, issued)).json()
            described = (await http.get("/.well-known/oauth-authorization-server")).json()

        issuer = expected["issuer"] if expected else str(http.base_url).rstrip("/")
        assert claims_of(answer["access_token"])["iss"] == issuer
        assert described["issuer"] == issuer
        assert described["token_endpoint"] == f"{issuer}/token"


async def test_a_token_for_a_configured_audience_is_taken(tmp_path, issued):
    async with running(tmp_path, audiences=[ALIAS]) as (extension, http):
        answer = (await fetch_token(http, issued, audience=ALIAS)).json()
        principal = await extension.authenticate({"authorization": f"Bearer {answer['access_token']}"})

    assert claims_of(answer["access_token"])["aud"] == ALIAS
    assert principal.subject == issued.credential.id


async def test_a_token_for_another_audience_is_not_issued(tmp_path, issued):
    async with running(tmp_path) as (_, http):
        response = await fetch_token(http, issued, audience="https://elsewhere.example.com")

    assert (response.status_code, response.json()["error"]) == (400, "invalid_target")


async def test_the_published_keys_are_public_ones(tmp_path, issued):
    async with running(tmp_path) as (_, http):
        response = await http.get("/.well-known/jwks.json")

    assert response.headers["content-type"] == "application/jwk-set+json"
    assert [set(key) & {"d", "p", "q", "k"} for key in response.json()["keys"]] == [set()]


async def test_a_verifier_finds_the_issuer_from_the_gateway(tmp_path, issued):
    async with running(tmp_path) as (_, http):
        described = (await http.get("/.well-known/oauth-protected-resource")).json()

    assert described["authorization_servers"] == [str(http.base_url).rstrip("/")]


async def test_a_token_request_of_a_megabyte_is_refused_unread(tmp_path, issued):
    async with running(tmp_path) as (_, http):
        response = await http.post("/token", content=b"a" * (1 << 20))

    assert (response.status_code, response.json()["error"]) == (413, "invalid_request")


async def test_a_token_is_asked_for_by_post(tmp_path, issued):
    async with running(tmp_path) as (_, http):
        response = await http.get("/token")

    assert (response.status_code, response.json()["error"]) == (405, "invalid_request")


async def test_a_session_cookie_is_for_pages_only(tmp_path, issued):
    async with running(tmp_path) as (extension, _):
        session_id = extension.sessions.open(extension.sessions.key.reveal())
        headers = {"cookie": f"tollspan_session={session_id.reveal()}"}

        assert (await extension.authenticate_page(headers)).subject == "dashboard"
        with pytest.raises(MissingTokenError):
            await extension.authenticate(headers)


async def test_keys_outlive_the_process_and_so_do_their_tokens(tmp_path, issued):
    issuer = {"issuer": "https://telemetry.example.com"}
    async with running(tmp_path, **issuer) as (_, http):
        access_token = (await fetch_token(http, issued)).json()["access_token"]
    async with running(tmp_path, **issuer) as (extension, _):
        principal = await extension.authenticate({"authorization": f"Bearer {access_token}"})
    async with running(tmp_path / "another") as (extension, _):
        with pytest.raises(InvalidTokenError):
            await extension.authenticate({"authorization": f"Bearer {access_token}"})

    assert principal.subject == issued.credential.id


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"access_token_lifetime_s": 0.5}, "access_token_lifetime"),
        ({"issuer": "https://a.example/"}, "issuer"),
    ],
)
def test_a_wrong_setting_is_named(settings, path):
    config = FACTORY.config(endpoint=ENDPOINT, data_dir="data", **settings)

    assert [problem.path for problem in config.problems()] == [path]
