"""Tokens of issuers elsewhere: a real one by its own rules, and what a configuration makes of claims."""

import time

import httpx
import msgspec
import pytest
import yaml
from joserfc import jwt
from joserfc.jwk import RSAKey

from helpers.oidc_provider import machine, oidc_provider
from tollspan.errors import InvalidTokenError
from tollspan.gateway.authserver import trusted_issuer as module
from tollspan.gateway.authserver.trusted_issuer import TrustedIssuer, TrustedIssuerConfig, read_issuer
from tollspan.oauth2.principal import Principal

AUDIENCE = "https://telemetry.example"
KEY = RSAKey.generate_key(2048, {"kid": "theirs"})
BASE = {"issuer": "https://issuer.example", "audiences": [AUDIENCE]}


@pytest.fixture(scope="module")
def provider():
    claims = {"org": {"name": "acme"}, "datasets": ["shop"], "roles": ["telemetry-writer", "other"]}
    with oidc_provider(clients=[machine()], token_claims=claims) as issuer:
        yield issuer


@pytest.fixture
def trust(monkeypatch):
    """Builds a trusted issuer whose keys are at hand, and checks a token of it."""
    monkeypatch.setattr(module, "fetch_jwks", lambda *_: {"keys": [KEY.as_dict(private=False)]})

    def verify(config, header=(), **claims):
        issuer = TrustedIssuer(msgspec.convert(BASE | config, TrustedIssuerConfig))
        now = int(time.time())
        said = {"iss": BASE["issuer"], "aud": AUDIENCE, "sub": "s", "iat": now, "exp": now + 60} | claims
        header = {"alg": "RS256", "typ": "at+jwt", "kid": "theirs"} | dict(header)
        return issuer.verifier.verify(jwt.encode(header, said, KEY, algorithms=["RS256"]))

    return verify


def fetch_token(issuer, **form):
    form = {"grant_type": "client_credentials", "scope": "write:traces"} | form
    answer = httpx.post(f"{issuer}/token", data=form, auth=("machine", "secret"))
    return answer.json()["access_token"]


@pytest.mark.parametrize("jwks", [True, False], ids=["keys by URL", "keys by metadata"])
def test_a_token_of_a_real_issuer_is_taken_for_whom_the_configuration_says(provider, jwks):
    config = TrustedIssuerConfig(
        issuer=provider,
        audiences=[AUDIENCE],
        jwks_url=f"{provider}/jwks" if jwks else "",
        tenant_claim="org.name",
        datasets_claim="datasets",
    )
    principal = TrustedIssuer(config).verifier.verify(fetch_token(provider))

    assert principal == Principal(
        f"{provider}#machine", "acme", frozenset({"write:traces"}), frozenset({"shop"})
    )
    assert principal.expires_s > time.time()


def test_a_real_token_for_another_audience_or_issuer_is_refused(provider):
    for config in (
        TrustedIssuerConfig(issuer=provider, audiences=["https://other"], tenant="acme"),
        TrustedIssuerConfig(
            issuer=f"{provider}/", audiences=[AUDIENCE], tenant="acme", jwks_url=f"{provider}/jwks"
        ),
    ):
        with pytest.raises(InvalidTokenError):
            TrustedIssuer(config).verifier.verify(fetch_token(provider))


def test_roles_of_the_issuer_become_permissions_by_the_map_alone(provider):
    config = TrustedIssuerConfig(
        issuer=provider,
        audiences=[AUDIENCE],
        tenant="acme",
        permissions_claim="roles",
        permissions={"telemetry-writer": ["write:traces", "write:logs"], "admin": ["manage:settings"]},
    )

    assert TrustedIssuer(config).verifier.verify(fetch_token(provider)).permissions == {
        "write:traces",
        "write:logs",
    }


def test_words_that_are_no_permissions_allow_nothing(trust):
    principal = trust({"tenant": "acme"}, scope="openid write:traces write:everything")

    assert principal.permissions == {"write:traces"}
    assert trust({"tenant": "acme"}).permissions == frozenset()
    assert trust({"tenant": "acme", "permissions_claim": "scp"}, scp=["read:logs"]).permissions == {
        "read:logs"
    }


@pytest.mark.parametrize(
    ("config", "claims"),
    [
        ({"tenant_claim": "org"}, {}),
        ({"tenant_claim": "org"}, {"org": ""}),
        ({"tenant_claim": "org"}, {"org": ["acme"]}),
        ({"tenant_claim": "org"}, {"org": "../acme"}),
        ({"tenant_claim": "org.name"}, {"org": "acme"}),
        ({"tenant": "acme", "datasets_claim": "d"}, {}),
        ({"tenant": "acme", "datasets_claim": "d"}, {"d": []}),
        ({"tenant": "acme", "datasets_claim": "d"}, {"d": [1]}),
        ({"tenant": "acme"}, {"scope": {"a": 1}}),
        ({"tenant": "acme"}, {"sub": 5}),
        ({"tenant": "acme"}, {"exp": 1}),
    ],
    ids=str,
)
def test_a_token_that_does_not_say_what_it_must_is_refused(trust, config, claims):
    with pytest.raises(InvalidTokenError):
        trust(config, **claims)


def test_a_claim_whose_name_is_an_address_is_found_by_that_name(trust):
    assert (
        trust({"tenant_claim": "https://shop.example/tenant"}, **{"https://shop.example/tenant": "a"}).tenant
        == "a"
    )


def test_a_plain_jwt_is_taken_only_from_an_issuer_of_that_profile(trust):
    assert trust({"tenant": "acme", "profile": "jwt"}, {"typ": "JWT"})

    with pytest.raises(InvalidTokenError):
        trust({"tenant": "acme"}, {"typ": "JWT"})


def test_a_subject_of_theirs_is_none_of_ours(trust):
    assert (
        trust({"tenant": "acme"}, sub="aaaaaaaaaaaaaaaa").subject == "https://issuer.example#aaaaaaaaaaaaaaaa"
    )


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"audiences": [], "tenant": "a"}, "audiences"),
        ({"audience_claim": "iss", "tenant": "a"}, "audience_claim"),
        ({"audience_claim": "exp", "tenant": "a"}, "audience_claim"),
        ({}, "tenant"),
        ({"tenant": "a", "tenant_claim": "b"}, "tenant"),
        ({"tenant": "a b"}, "tenant"),
        ({"tenant": "a", "issuer": "http://issuer.example"}, "issuer"),
        ({"tenant": "a", "jwks_url": "file:///etc/passwd"}, "jwks_url"),
        ({"tenant": "a", "permissions": {"x": ["write:all"]}}, "permissions"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named(wrong, path):
    config = msgspec.convert(BASE | wrong, TrustedIssuerConfig)

    assert [problem.path for problem in config.problems()] == [path]


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.x", "x" * 100_000])
def test_what_is_no_token_names_no_issuer(token):
    assert read_issuer(token) == ""


def test_the_example_at_the_head_of_the_module_is_valid():
    text = module.__doc__.partition("\n\n")[2].partition("\n\nIts keys")[0]
    [entry] = yaml.safe_load(text)["trusted_issuers"]

    assert list(msgspec.convert(entry, TrustedIssuerConfig).problems()) == []
