import json
import time

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from helpers.otlp_peer import Answer, running_peer
from helpers.pipelines import running_pipeline
from helpers.signals import trace_request
from tollspan.collector.config.decode import Decoding
from tollspan.collector.extensions.oidc import OIDCConfig, OIDCExtension
from tollspan.errors import InvalidTokenError, MissingTokenError, TokenRequestError

KEY = RSAKey.generate_key(2048, {"kid": "k1"})
JWKS = {"keys": [KEY.as_dict(private=False)]}


def answer(document, status=200):
    return Answer(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def provider():
    """An OpenID provider that answers discovery, then its keys, once."""
    with running_peer() as peer:
        metadata = {"issuer": peer.url, "jwks_uri": f"{peer.url}/keys"}
        peer.metadata_answers += [answer(metadata), answer(JWKS)]
        yield peer


def decode(settings):
    decoding = Decoding()
    return decoding.struct(OIDCConfig, settings, ""), [str(problem) for problem in decoding.problems]


def extension(**settings):
    config, problems = decode(settings)
    assert problems == []
    return OIDCExtension(config)


def token(issuer, **claims):
    common = {"iss": issuer, "aud": "us", "sub": "me", "exp": int(time.time()) + 60}
    return jwt.encode({"alg": "RS256", "kid": "k1"}, common | claims, KEY)


def bearer(text):
    return {"authorization": f"Bearer {text}"}


async def test_the_keys_are_found_by_discovery_when_the_first_token_comes(provider):
    oidc = extension(issuer_url=provider.url, audience="us")
    assert provider.paths == []
    for _ in range(3):
        principal = await oidc.authenticate(bearer(token(provider.url)))
    assert provider.paths == ["/.well-known/openid-configuration", "/keys"]
    assert (principal.subject, principal.tenant) == ("me", "")
    principal.require("write:metrics")


async def test_claims_name_user_tenant_and_permissions(provider):
    oidc = extension(
        issuer_url=provider.url,
        audience="us",
        username_claim="client",
        tenant_claim="org",
        permissions_claim="scope",
    )
    claims = {"client": "shipper", "org": "acme", "scope": "write:traces openid"}
    principal = await oidc.authenticate(bearer(token(provider.url, **claims)))
    assert (principal.subject, principal.tenant) == ("shipper", "acme")
    assert principal.permissions == {"write:traces", "openid"}
    listed = await oidc.authenticate(bearer(token(provider.url, **claims | {"scope": ["write:logs", 7]})))
    assert listed.permissions == {"write:logs"}
    with pytest.raises(InvalidTokenError, match="has no claim org"):
        await oidc.authenticate(bearer(token(provider.url, client="x")))


async def test_headers_without_a_bearer_token_are_no_credentials(provider):
    oidc = extension(issuer_url=provider.url, audience="us")
    for headers in ({}, {"authorization": "Bearer"}, {"authorization": "Basic x"}):
        with pytest.raises(MissingTokenError):
            await oidc.authenticate(headers)


@pytest.mark.parametrize("garbage", ["x", "a.b.c", "a.e30.c", ".."])
async def test_garbage_is_an_invalid_token_and_asks_nobody(provider, garbage):
    oidc = extension(issuer_url=provider.url, audience="us")
    with pytest.raises(InvalidTokenError):
        await oidc.authenticate(bearer(garbage))
    assert provider.paths == []


async def test_a_provider_that_is_down_costs_no_data(provider):
    provider.metadata_answers.clear()
    oidc = extension(issuer_url=provider.url, audience="us")
    with pytest.raises(TokenRequestError):
        await oidc.authenticate(bearer(token(provider.url)))


async def test_metadata_of_another_issuer_are_not_used(provider):
    provider.metadata_answers[0] = answer({"issuer": "https://evil", "jwks_uri": f"{provider.url}/keys"})
    with pytest.raises(TokenRequestError):
        await extension(issuer_url=provider.url, audience="us").authenticate(bearer(token(provider.url)))


async def test_keys_may_come_from_a_file(tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps(JWKS))
    provider = {"issuer_url": "https://id", "audience": "us", "public_keys_file": str(tmp_path / "keys.json")}
    oidc = extension(providers=[provider, {"issuer_url": "https://other", "audience": "x"}])
    assert (await oidc.authenticate(bearer(token("https://id")))).subject == "me"
    with pytest.raises(InvalidTokenError, match="an issuer that is not known"):
        await oidc.authenticate(bearer(token("https://third")))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"audience": "us"}, "issuer_url: no IssuerURL provided"),
        ({"issuer_url": "https://id"}, "audience: no Audience provided"),
        (
            {"providers": [{"issuer_url": "https://id", "audience": x} for x in ("a", "b")]},
            "two providers have the same issuer_url",
        ),
    ],
)
def test_what_is_missing_is_told(settings, problem):
    assert any(problem in text for text in decode(settings)[1])


async def test_over_a_socket_bad_tokens_are_401_missing_permissions_403_and_outages_503(provider):
    auth = {"authenticator": "oidc"}
    receiver = {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0", "auth": auth}}}}
    settings = {"issuer_url": provider.url, "audience": "us", "permissions_claim": "scope"}
    settings["tenant_claim"] = "org"
    outage = provider.metadata_answers.copy()
    provider.metadata_answers.clear()
    statuses = []

    async with (
        running_pipeline("debug", None, extensions={"oidc": settings}, receiver=receiver) as pipeline,
        httpx.AsyncClient(base_url=pipeline.url) as http,
    ):

        async def send(headers):
            headers = {"Content-Type": "application/x-protobuf", **headers}
            body = trace_request().SerializeToString()
            response = await http.post("/v1/traces", content=body, headers=headers)
            statuses.append(response.status_code)
            return response

        good = token(provider.url, org="acme", scope="write:traces")
        await send(bearer(good))
        provider.metadata_answers += outage
        pipeline.service.extension("oidc")._providers[0]._provider.keyset._asked_s = float("-inf")
        await send(bearer(good))
        refused = await send(bearer(token(provider.url, org="acme", scope="read:traces")))
        await send(bearer(good[:-4] + "AAAA"))
        await send({})

    assert statuses == [503, 200, 403, 401, 401]
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
