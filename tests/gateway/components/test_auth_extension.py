"""The auth server as the gateway runs it: over a socket, with a real store of credentials."""

import asyncio
import base64
import contextlib
import json
from contextlib import closing

import httpx
import pytest

from helpers.oidc_provider import machine, oidc_provider
from helpers.service import StandInHost
from tollspan.errors import AuthError, InvalidTokenError, MissingTokenError
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.issuer_documents import fetch_metadata
from tollspan.gateway.authserver.key_file import FILE_NAME
from tollspan.gateway.authserver.signing_keys import SigningKeys
from tollspan.gateway.authserver.token_issuer import TokenIssuer
from tollspan.gateway.authserver.trusted_issuer import TrustedIssuerConfig
from tollspan.gateway.components.auth_extension import FACTORY, METADATA_PATHS, AuthConfig, AuthExtension
from tollspan.oauth2.secret import Secret

ENDPOINT = "127.0.0.1:0"
TRUSTED = TrustedIssuerConfig(issuer="https://a.example", audiences=["x"], tenant="acme")
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
    with closing(Identity.open(tmp_path)) as identity:
        yield identity.credentials.create(
            CredentialDraft(name="test", permissions=("read:traces",), tenant="acme")
        )


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


async def test_nothing_is_read_from_the_query(tmp_path, issued):
    proof = {"client_id": issued.credential.id, "client_secret": issued.secret.reveal()}
    grant = {"grant_type": "client_credentials"}
    async with running(tmp_path) as (extension, http):
        proved_there = await http.post("/token", params=proof, data=grant)
        asked_there = await http.post("/token", params=grant, data=proof)
        token = (await fetch_token(http, issued)).json()["access_token"]
        narrowed_there = await http.post("/token", params={"scope": "none"}, data=grant | proof)
        await http.post("/revoke", params={"token": token}, data=proof)

        assert (proved_there.status_code, asked_there.status_code) == (401, 400)
        assert narrowed_there.json()["scope"] == "read:traces"
        assert await extension.authenticate({"authorization": f"Bearer {token}"})


async def test_a_reader_that_knows_openid_connect_alone_finds_the_keys(tmp_path):
    async with running(tmp_path) as (_, http):
        issuer = str(http.base_url).rstrip("/")
        assert (await asyncio.to_thread(fetch_metadata, issuer))["token_endpoint"] == f"{issuer}/token"
        both = [(await http.get(path)).json() for path in METADATA_PATHS]

    assert both[0] == both[1]


@pytest.mark.parametrize("shared", [True, False], ids=["identity on a server", "identity in a file"])
async def test_only_gateways_on_several_machines_allow_for_their_clocks(tmp_path, postgresql, shared):
    where = postgresql.new_database() if shared else tmp_path
    with closing(Identity.open(where)) as identity:
        credential = identity.credentials.create(CredentialDraft("n", ("read:traces",))).credential
        keys = SigningKeys.open(tmp_path, identity.published_keys)
        issuer = TokenIssuer("https://a.example", [], keys, 600)
        claims = issuer.build_claims(credential, ["read:traces"], [])
        soon, later = (keys.sign(claims | {"iat": claims["iat"] + ahead_s}) for ahead_s in (4, 600))
    settings = {"issuer": "https://a.example", "identity": Secret(where if shared else "")}
    async with running(tmp_path, **settings) as (extension, _):
        if shared:
            assert await extension.authenticate({"authorization": f"Bearer {soon}"})
        else:
            with pytest.raises(InvalidTokenError):
                await extension.authenticate({"authorization": f"Bearer {soon}"})
        with pytest.raises(InvalidTokenError):
            await extension.authenticate({"authorization": f"Bearer {later}"})


async def test_a_session_cookie_is_for_pages_only(tmp_path, issued):
    async with running(tmp_path) as (extension, _):
        sessions = extension.identity().sessions
        session_id = sessions.open_with_key(sessions.key.reveal())
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
        ({"access_token_lifetime_s": 3601}, "access_token_lifetime"),
        ({"issuer": "https://a.example/"}, "issuer"),
        ({"issues_tokens": False}, "issuer"),
        ({"trusted_issuers": [TRUSTED, TRUSTED]}, "trusted_issuers"),
        ({"trusted_issuers": [TRUSTED], "issuer": TRUSTED.issuer}, "trusted_issuers"),
    ],
)
def test_a_wrong_setting_is_named(settings, path):
    config = FACTORY.config(endpoint=ENDPOINT, data_dir="data", **settings)

    assert [problem.path for problem in config.problems()] == [path]


async def test_a_client_revokes_and_asks_about_its_tokens_over_http(tmp_path, issued):
    async with running(tmp_path) as (extension, http):
        proof = (issued.credential.id, issued.secret.reveal())
        access_token = (await fetch_token(http, issued)).json()["access_token"]
        before = await http.post("/introspect", data={"token": access_token}, auth=proof)
        revoked = await http.post("/revoke", data={"token": access_token}, auth=proof)
        after = await http.post("/introspect", data={"token": access_token}, auth=proof)
        with pytest.raises(InvalidTokenError):
            await extension.authenticate({"authorization": f"Bearer {access_token}"})

    assert (before.json()["active"], revoked.status_code, after.json()) == (True, 200, {"active": False})


async def test_a_refusal_says_where_the_way_to_a_token_is_described(tmp_path):
    async with running(tmp_path) as (extension, http):
        for headers in ({}, {"authorization": "Bearer x"}):
            with pytest.raises(AuthError) as refused:
                await extension.authenticate(headers)
            described = await http.get(refused.value.resource_metadata)
            assert described.json()["authorization_servers"] == [extension.issuer]


async def test_a_signing_key_that_is_gone_is_told_and_tokens_are_to_be_asked_for_again(tmp_path, issued):
    async with running(tmp_path) as (extension, http):
        assert await extension.check() == {"identity": "", "signing_key": ""}
        (tmp_path / FILE_NAME).unlink()
        problems = await extension.check()
        refused = await fetch_token(http, issued)

    assert (problems["identity"], "holds no usable signing keys" in problems["signing_key"]) == ("", True)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"] == "temporarily_unavailable"


async def test_with_a_passphrase_the_keys_are_encrypted_and_tokens_go_on(tmp_path, issued):
    async with running(tmp_path) as (_, http):
        headers = {"authorization": "Bearer " + (await fetch_token(http, issued)).json()["access_token"]}
    phrase = Secret("correct horse battery staple")
    async with running(tmp_path, key_passphrase=phrase, issuer=str(http.base_url).rstrip("/")) as (
        extension,
        http,
    ):
        assert (await extension.authenticate(headers)).subject == issued.credential.id
        assert (await fetch_token(http, issued)).status_code == 200

    assert not (tmp_path / FILE_NAME).read_text().startswith("{")


async def test_a_rotated_key_costs_no_request_and_a_compromised_one_ends_at_once(tmp_path, issued):
    async with running(tmp_path) as (extension, http):
        headers = {"authorization": "Bearer " + (await fetch_token(http, issued)).json()["access_token"]}
        await extension.authenticate(headers)
        with closing(Identity.open(tmp_path)) as elsewhere:
            keys = SigningKeys.open(tmp_path, elsewhere.published_keys)
            next_kid = keys.rotate()
            published = await until_published(http, next_kid)
            assert len(published) == 2
            assert await extension.authenticate(headers)
            emergency_kid = keys.rotate(at_once=True)
            assert await until_published(http, emergency_kid) == {emergency_kid}
        fresh = {"authorization": "Bearer " + (await fetch_token(http, issued)).json()["access_token"]}

        assert (await extension.authenticate(fresh)).subject == issued.credential.id
        with pytest.raises(InvalidTokenError):
            await extension.authenticate(headers)


async def test_the_token_endpoint_notices_a_new_key_by_itself(tmp_path, issued):
    async with running(tmp_path) as (_, http):
        first = kid_of((await fetch_token(http, issued)).json()["access_token"])
        with closing(Identity.open(tmp_path)) as elsewhere:
            second = SigningKeys.open(tmp_path, elsewhere.published_keys).rotate(at_once=True)
        used = first
        while used == first:
            used = kid_of((await fetch_token(http, issued)).json()["access_token"])

    assert used == second


def kid_of(access_token):
    return json.loads(base64.urlsafe_b64decode(access_token.split(".")[0] + "=="))["kid"]


async def until_published(http, kid):
    """The published key ids, once `kid` is among them."""
    kids = set()
    while kid not in kids:
        kids = {jwk["kid"] for jwk in (await http.get("/.well-known/jwks.json")).json()["keys"]}
    return kids


async def test_a_token_of_a_trusted_issuer_is_taken_beside_our_own(tmp_path, issued):
    with oidc_provider(clients=[machine()], token_claims={"org": "acme"}) as issuer:
        trusted = TrustedIssuerConfig(
            issuer=issuer, audiences=["https://telemetry.example"], tenant_claim="org"
        )
        async with running(tmp_path, trusted_issuers=[trusted]) as (extension, http):
            form = {"grant_type": "client_credentials", "scope": "write:traces"}
            theirs = (await http.post(f"{issuer}/token", data=form, auth=("machine", "secret"))).json()
            ours = (await fetch_token(http, issued)).json()
            principals = [
                await extension.authenticate({"authorization": f"Bearer {answer['access_token']}"})
                for answer in (theirs, ours)
            ]

    assert [principal.tenant for principal in principals] == ["acme", "acme"]
    assert [principal.subject for principal in principals] == [f"{issuer}#machine", issued.credential.id]


async def test_a_process_that_issues_no_tokens_takes_those_of_one_that_does(tmp_path, issued):
    issuer = {"issuer": "https://auth.example"}
    async with running(tmp_path, **issuer) as (_, http):
        access_token = (await fetch_token(http, issued)).json()["access_token"]
    (tmp_path / FILE_NAME).unlink()
    async with running(tmp_path, **issuer, issues_tokens=False) as (extension, http):
        principal = await extension.authenticate({"authorization": f"Bearer {access_token}"})
        assert (await http.post("/token")).status_code == 404

    assert principal.subject == issued.credential.id
    assert not (tmp_path / FILE_NAME).exists()
