"""Tokens in the shapes that vendors document, under the configurations that docs/identity.md shows.

The keys are the tests' own, behind a real JWKS; what is checked is that each page entry takes
its vendor's tokens for what they say, and nobody else's.
"""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
import yaml
from joserfc import jwt
from joserfc.jwk import RSAKey

from tollspan.errors import InvalidTokenError
from tollspan.gateway.authserver.permissions import WRITE
from tollspan.gateway.authserver.trusted_issuer import TrustedIssuer, TrustedIssuerConfig

PAGE = Path(__file__).parents[3] / "docs" / "identity.md"
BLOCKS = dict(re.findall(r"^### ([^\n]+)\n.*?```yaml\n(.*?)```", PAGE.read_text(), re.MULTILINE | re.DOTALL))
KEY = RSAKey.generate_key(2048, {"kid": "theirs"})
ENTRA_TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
APP = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
TELEMETRY = "https://telemetry.example.com"

# Header without alg and kid, and claims without times, of an access token (of Google: an ID token).
SHAPES = {
    "Keycloak": (
        {"typ": "JWT"},
        {
            "iss": "https://login.example.com/realms/shop",
            "aud": [TELEMETRY, "account"],
            "sub": "f5b6a1d8-0d7c-4b51-9a53-5d3b5d0f9f0e",
            "typ": "Bearer",
            "azp": "shipper",
            "acr": "1",
            "organization": "acme",
            "realm_access": {"roles": ["offline_access", "telemetry-writer", "uma_authorization"]},
            "scope": "profile email",
            "client_id": "shipper",
        },
    ),
    "Auth0": (
        {"typ": "JWT"},
        {
            "iss": "https://acme.eu.auth0.com/",
            "sub": "g4UFjeYvBPGYcnNGLhV3Ax5yAGdRIrWv@clients",
            "aud": TELEMETRY,
            "scope": "write:traces write:metrics write:logs",
            "gty": "client-credentials",
            "azp": "g4UFjeYvBPGYcnNGLhV3Ax5yAGdRIrWv",
            "permissions": ["write:traces", "write:metrics", "write:logs"],
        },
    ),
    "Okta": (
        {},
        {
            "ver": 1,
            "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
            "iss": "https://acme.okta.com/oauth2/aus9o8wzkhckw9TLa0h7",
            "aud": "api://telemetry",
            "cid": "0oab8eb55Kb9jdMIr5d6",
            "scp": ["telemetry.write"],
            "sub": "0oab8eb55Kb9jdMIr5d6",
        },
    ),
    "Entra ID, v2 tokens": (
        {"typ": "JWT"},
        {
            "aud": APP,
            "iss": f"https://login.microsoftonline.com/{ENTRA_TENANT}/v2.0",
            "aio": "E2ZgYDh1t6g0dX7NzTsTAA==",
            "azp": "0a1b2c3d-1111-2222-3333-444455556666",
            "azpacr": "1",
            "oid": "a1b2c3d4-5555-6666-7777-888899990000",
            "roles": ["Telemetry.Write"],
            "sub": "a1b2c3d4-5555-6666-7777-888899990000",
            "tid": ENTRA_TENANT,
            "uti": "AbCdEf",
            "ver": "2.0",
        },
    ),
    "Entra ID, v1 tokens": (
        {"typ": "JWT", "x5t": "i6lGk3FZzxRcUb2C3nEQ7syHJlY"},
        {
            "aud": "api://telemetry",
            "iss": f"https://sts.windows.net/{ENTRA_TENANT}/",
            "appid": "0a1b2c3d-1111-2222-3333-444455556666",
            "appidacr": "1",
            "idp": f"https://sts.windows.net/{ENTRA_TENANT}/",
            "oid": "a1b2c3d4-5555-6666-7777-888899990000",
            "roles": ["Telemetry.Write"],
            "sub": "a1b2c3d4-5555-6666-7777-888899990000",
            "tid": ENTRA_TENANT,
            "ver": "1.0",
        },
    ),
    "Google": (
        {"typ": "JWT"},
        {
            "aud": TELEMETRY,
            "azp": "112233445566778899000",
            "email": "shipper@acme-prod.iam.gserviceaccount.com",
            "email_verified": True,
            "iss": "https://accounts.google.com",
            "sub": "112233445566778899000",
        },
    ),
    "Amazon Cognito": (
        {},
        {
            "sub": "1h57kf5cpq17m0eml12EXAMPLE",
            "token_use": "access",
            "scope": "telemetry/write",
            "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_A1b2C3d4E",
            "version": 2,
            "jti": "00000000-0000-0000-0000-000000000000",
            "client_id": "1h57kf5cpq17m0eml12EXAMPLE",
        },
    ),
}
ELSEWHERE = {
    "Keycloak": {"aud": "account"},
    "Auth0": {"aud": "https://acme.eu.auth0.com/api/v2/"},
    "Okta": {"aud": "api://default"},
    "Entra ID, v2 tokens": {"aud": "00000003-0000-0000-c000-000000000000"},
    "Entra ID, v1 tokens": {"aud": "https://graph.microsoft.com"},
    "Google": {"aud": "https://other.example.com"},
    "Amazon Cognito": {"client_id": "another-app-client", "aud": "1h57kf5cpq17m0eml12EXAMPLE"},
}
"""What the token of the same issuer for another API says."""

vendors = pytest.mark.parametrize("vendor", SHAPES)


@pytest.fixture(scope="module")
def jwks_url():
    """A JWK Set with what vendors put beside the key."""
    theirs = KEY.as_dict(private=False, use="sig") | {
        "x5t": "i6lGk3FZzxRcUb2C3nEQ7syHJlY",
        "issuer": "theirs",
    }
    served = json.dumps({"keys": [theirs, {"kty": "OKP", "crv": "Ed25519", "kid": "x"}]}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(served)))
            self.end_headers()
            self.wfile.write(served)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/keys"
        server.shutdown()
        thread.join()


@pytest.fixture
def trusted(jwks_url):
    """Builds the verifier of a vendor's entry on the page, whose keys are the tests'."""

    def build(vendor):
        entry = yaml.safe_load(BLOCKS[vendor]) | {"jwks_url": jwks_url}
        return TrustedIssuer(msgspec.convert(entry, TrustedIssuerConfig)).verifier

    return build


def token_of(vendor, **changes):
    header, claims = SHAPES[vendor]
    now = int(time.time())
    said = claims | {"iat": now, "nbf": now, "exp": now + 3600} | changes
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": "theirs"} | header, said, KEY, algorithms=["RS256"])


def test_every_entry_of_the_page_is_valid_and_has_a_shape_here():
    assert [name for name in BLOCKS if name in SHAPES] == list(SHAPES)
    for vendor in SHAPES:
        entry = msgspec.convert(yaml.safe_load(BLOCKS[vendor]), TrustedIssuerConfig)
        assert list(entry.problems()) == []


@vendors
def test_a_token_of_that_shape_is_taken_by_the_documented_configuration(trusted, vendor):
    claims = SHAPES[vendor][1]
    principal = trusted(vendor).verify(token_of(vendor))

    assert (principal.subject, principal.tenant) == (f"{claims['iss']}#{claims['sub']}", "acme")
    assert principal.permissions == set(WRITE)


@vendors
def test_a_token_of_that_shape_for_someone_else_is_refused(trusted, vendor):
    verifier = trusted(vendor)
    for changes in (
        ELSEWHERE[vendor],
        {"exp": int(time.time()) - 61},
        {"nbf": int(time.time()) + 120},
        {"iss": SHAPES[vendor][1]["iss"].rstrip("/") + ".evil.example"},
        {"iss": None},
        {"sub": None},
    ):
        with pytest.raises(InvalidTokenError):
            verifier.verify(token_of(vendor, **changes))


@vendors
def test_a_caller_whose_words_are_not_mapped_may_do_nothing(trusted, vendor):
    claim = yaml.safe_load(BLOCKS[vendor]).get("permissions_claim", "scope").partition(".")[0]
    other = {"realm_access": {"roles": ["admin"]}}.get(claim, "admin@evil.example write:everything")

    assert trusted(vendor).verify(token_of(vendor, **{claim: other})).permissions == frozenset()


@vendors
def test_no_token_of_one_issuer_passes_for_anothers(trusted, vendor):
    """Although in these tests they all sign with one key."""
    for other in SHAPES.keys() - {vendor}:
        with pytest.raises(InvalidTokenError):
            trusted(vendor).verify(token_of(other))


def test_an_id_token_of_cognito_is_no_access_token(trusted):
    id_token = token_of("Amazon Cognito", token_use="id", client_id=None, aud="1h57kf5cpq17m0eml12EXAMPLE")

    with pytest.raises(InvalidTokenError):
        trusted("Amazon Cognito").verify(id_token)
