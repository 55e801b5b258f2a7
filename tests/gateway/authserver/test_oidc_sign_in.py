"""The authorization code flow against npm's oidc-provider, through its own pages."""

from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from joserfc.errors import ClaimError

from helpers.oidc_provider import browser, oidc_provider, sign_in_at
from tollspan.errors import AuthError, InvalidTokenError
from tollspan.gateway.authserver.oidc_sign_in import CALLBACK, OidcConfig, OidcSignIn, PendingSignIn
from tollspan.gateway.authserver.permissions import ROLES
from tollspan.oauth2.secret import Secret

GATEWAY = "http://127.0.0.1:8320"
ROLE_MAP = {"admins": "owner", "staff": "viewer"}


@pytest.fixture(scope="module")
def provider():
    account = {"email": "ada@example.com", "groups": ["staff", "other"], "org": "acme"}
    with oidc_provider(clients=[browser("dashboard", GATEWAY + CALLBACK)], account=account) as issuer:
        yield issuer


@pytest.fixture
def sign_in(provider):
    """Builds a sign-in at the provider."""

    def build(**more):
        settings = {
            "issuer": provider,
            "client_id": "dashboard",
            "client_secret": Secret("secret+with/odd=signs"),
            "tenant_claim": "org",
            "role_claim": "groups",
            "roles": ROLE_MAP,
        }
        return OidcSignIn(OidcConfig(**settings | more), GATEWAY)

    return build


def come_back(sign_in, pending):
    """What the browser has after the provider let it in: code and state."""
    with httpx.Client() as http:
        parts = urlsplit(sign_in_at(http, sign_in.begin(pending)))
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == GATEWAY + CALLBACK
    query = parse_qs(parts.query)
    return query["code"][0], query["state"][0]


def test_a_person_whom_the_provider_knows_has_the_role_that_the_map_says(sign_in, provider):
    pending = PendingSignIn.new()
    principal = sign_in().complete(pending, *come_back(sign_in(), pending))

    assert (principal.subject, principal.tenant) == (f"{provider}#ada", "acme")
    assert principal.permissions == set(ROLES["viewer"])


def test_the_browser_is_sent_with_pkce_state_and_nonce(sign_in):
    pending = PendingSignIn.new()
    query = parse_qs(urlsplit(sign_in().begin(pending)).query)

    assert query["code_challenge_method"] == ["S256"]
    assert (query["state"], query["nonce"]) == ([pending.state], [pending.nonce])
    assert pending.code_verifier not in str(query)


def test_another_browsers_answer_is_refused(sign_in):
    pending, other = PendingSignIn.new(), PendingSignIn.new()
    code, state = come_back(sign_in(), pending)

    with pytest.raises(InvalidTokenError, match="another sign-in"):
        sign_in().complete(other, code, state)


def test_a_code_is_worthless_without_its_verifier_and_a_token_without_its_nonce(sign_in):
    pending = PendingSignIn.new()
    code, state = come_back(sign_in(), pending)
    with pytest.raises(AuthError, match="refused"):
        sign_in().complete(PendingSignIn(state, pending.nonce, "x" * 43), code, state)
    pending = PendingSignIn.new()
    code, state = come_back(sign_in(), pending)

    with pytest.raises(InvalidTokenError, match="nonce"):
        sign_in().complete(PendingSignIn(state, "other", pending.code_verifier), code, state)


@pytest.mark.parametrize(
    ("settings", "claim"),
    [
        ({"roles": {"admins": "owner"}}, "groups"),
        ({"role_claim": "none"}, "none"),
        ({"tenant_claim": "x"}, "x"),
    ],
    ids=str,
)
def test_who_is_nothing_here_does_not_come_in(sign_in, settings, claim):
    pending = PendingSignIn.new()
    code, state = come_back(sign_in(), pending)

    with pytest.raises(InvalidTokenError, match=claim):
        sign_in(**settings).complete(pending, code, state)


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "..", "a..b"])
def test_a_cookie_that_is_none_of_ours_begins_nothing(text):
    with pytest.raises(InvalidTokenError):
        PendingSignIn.of_text(text)


def test_a_cookie_brings_back_what_was_put_in():
    pending = PendingSignIn.new()

    assert PendingSignIn.of_text(pending.to_text()) == pending


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"issuer": "http://login.example"}, "issuer"),
        ({"tenant": ""}, "tenant"),
        ({"tenant_claim": "org"}, "tenant"),
        ({"tenant": "a b"}, "tenant"),
        ({"roles": {"x": "king"}}, "roles"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named(wrong, path):
    right = {
        "issuer": "https://login.example",
        "client_id": "c",
        "client_secret": Secret("s"),
        "tenant": "acme",
        "role_claim": "groups",
        "roles": ROLE_MAP,
    }
    config = OidcConfig(**right | wrong)

    assert [problem.path for problem in config.problems()] == [path]
    assert "s'" not in repr(msgspec.structs.asdict(config)["client_secret"])


def test_a_token_that_is_for_others_too_is_not_taken(sign_in):
    """Whoever it is for as well could have got it, and sent it here (OpenID Connect Core §3.1.3.7)."""
    said = {"sub": "ada", "nonce": "n", "org": "acme", "groups": ["staff"]}

    for audience in ("dashboard", ["dashboard"]):
        assert sign_in()._read_principal(said | {"aud": audience}, "n").tenant == "acme"
    for audience in (["dashboard", "other"], ["other", "dashboard"], "other", []):
        with pytest.raises(ClaimError):
            sign_in()._read_principal(said | {"aud": audience}, "n")
