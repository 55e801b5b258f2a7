"""A browser's way to an identity provider and back, as far as it is ours."""

from http.cookies import SimpleCookie

import pytest

from tollspan.errors import InvalidTokenError
from tollspan.gateway.authserver.oidc_sign_in import CALLBACK
from tollspan.oauth2.principal import Principal

BEGIN = "/api/v1/session/oidc"


class StandInProvider:
    """A provider that lets in whoever brings the code `good`; the real one is met in test_oidc_sign_in."""

    def begin(self, pending):
        return f"https://login.example/auth?state={pending.state}"

    def complete(self, pending, code, state):
        if (code, state) != ("good", pending.state):
            raise InvalidTokenError("not this one")
        return Principal("https://login.example#ada", "acme", frozenset({"read:logs"}))


@pytest.fixture
def provider(parts, monkeypatch):
    made = StandInProvider()
    monkeypatch.setattr(parts.authenticator, "oidc_sign_in", lambda: made)
    return made


async def test_a_browser_goes_there_and_comes_back_signed_in(http, provider):
    there = await http.get(BEGIN)
    state = there.headers["location"].partition("state=")[2]
    back = await http.get(CALLBACK, params={"code": "good", "state": state})
    session = (await http.get("/api/v1/session")).json()

    assert there.status_code == back.status_code == 303
    assert back.headers["location"] == "/ui/"
    assert (session["tenant"], session["permissions"]) == ("acme", ["read:logs"])


async def test_the_cookie_of_a_sign_in_under_way_is_for_its_callback_alone(http, provider):
    there = await http.get(BEGIN)
    cookie = SimpleCookie(there.headers["set-cookie"])["tollspan_sign_in"]

    assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == (CALLBACK, "lax", True)
    assert int(cookie["max-age"]) <= 600


@pytest.mark.parametrize(
    "answer", [{}, {"code": "bad", "state": "x"}, {"error": "access_denied", "state": "x"}]
)
async def test_who_was_not_let_in_or_did_not_begin_here_is_refused(http, provider, answer):
    before = await http.get(CALLBACK, params=answer)
    await http.get(BEGIN)
    after = await http.get(CALLBACK, params=answer)

    assert (before.status_code, after.status_code) == (401, 401)
    assert "tollspan_session" not in http.cookies


async def test_without_a_provider_there_is_no_such_way(http, parts):
    assert (await http.get(BEGIN)).status_code == 404
    assert (await http.get("/api/v1/session/ways")).json() == {"password": False, "oidc": False}


async def test_the_page_learns_which_ways_there_are(http, provider):
    assert (await http.get("/api/v1/session/ways")).json() == {"password": False, "oidc": True}
