"""Signing in to the dashboard, and out."""

import json
from http.cookies import SimpleCookie

import httpx
import pytest
from argon2 import PasswordHasher
from structlog.testing import capture_logs

from tollspan.gateway.authserver.permissions import PERMISSIONS, ROLES
from tollspan.gateway.authserver.users import UserDraft
from tollspan.gateway.web.app import build_app
from tollspan.oauth2.secret import Secret

PATH = "/api/v1/session"
PASSWORD = "correct horse battery"


@pytest.fixture
def ada(parts, monkeypatch):
    """A person with an account, whose password costs little to check."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(parts.identity.users, "_hasher", hasher)
    draft = UserDraft("ada@example.com", Secret(PASSWORD), "acme", "editor")
    return parts.identity.users.create(draft, actor="test")


@pytest.fixture
def sign_in_key(parts):
    return parts.identity.sessions.key.reveal()


async def test_the_sign_in_key_opens_a_session_that_ends_with_signing_out(http, sign_in_key):
    signed_in = await http.post(PATH, json={"key": sign_in_key})
    shown = await http.get(PATH)
    cookie = {"Cookie": f"tollspan_session={http.cookies['tollspan_session']}"}
    signed_out = await http.delete(PATH)
    kept = await http.get(PATH, headers=cookie)

    assert (signed_in.status_code, signed_in.content) == (204, b"")
    assert (shown.json()["tenant"], shown.json()["datasets"]) == ("default", [])
    assert "read:traces" in shown.json()["permissions"]
    assert not [p for p in shown.json()["permissions"] if not p.startswith("read:")]
    assert signed_out.status_code == 204
    assert "tollspan_session" not in http.cookies
    assert kept.status_code == 401


async def test_a_person_signs_in_with_a_password_and_has_their_role(http, ada):
    signed_in = await http.post(PATH, json={"email": ada.email, "password": PASSWORD})
    shown = (await http.get(PATH)).json()

    assert signed_in.status_code == 204
    assert shown["tenant"] == "acme"
    assert set(shown["permissions"]) == set(ROLES["editor"])


async def test_who_is_in_several_tenants_chooses_one(http, parts, ada):
    parts.identity.users.grant(ada.email, "rival", "viewer", actor="test")
    account = {"email": ada.email, "password": PASSWORD}
    undecided = await http.post(PATH, json=account)
    elsewhere = await http.post(PATH, json=account | {"tenant": "other"})
    decided = await http.post(PATH, json=account | {"tenant": "rival"})

    assert (undecided.status_code, undecided.json()["error"]["field"]) == (400, "tenant")
    assert undecided.json()["error"]["message"] == "say which tenant: acme or rival"
    assert elsewhere.status_code == 400
    assert decided.status_code == 204
    assert (await http.get(PATH)).json()["tenant"] == "rival"


async def test_a_wrong_password_and_an_unknown_person_look_the_same_and_are_held_up_in_the_end(
    http, parts, ada
):
    async def refused(email):
        response = await http.post(PATH, json={"email": email, "password": "a wrong password"})
        return response.status_code, response.json()

    with capture_logs() as logs:
        wrong, unknown = await refused(ada.email), await refused("nobody@example.com")
        later = [(await refused(ada.email))[0] for _ in range(12)]
        parts.sparse_log.flush(at_once=True)

    assert {line["event"] for line in logs} == {"sign_in_failed"}
    assert len(logs) == 2
    assert sum(1 + line["unlogged_before"] for line in logs) == 2 + later.count(401)
    assert wrong == unknown
    assert wrong[0] == 401
    assert later[-1] == 429
    right = {"email": ada.email, "password": PASSWORD}
    assert (await http.post(PATH, json=right)).status_code == 429
    elsewhere = httpx.ASGITransport(build_app(parts), client=("10.0.0.2", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://gateway") as other:
        assert (await other.post(PATH, json=right)).status_code == 204


async def test_the_first_account_is_made_once_by_the_printed_link(http, parts):
    new = {
        "key": parts.identity.sessions.owner_key.reveal(),
        "email": "ada@example.com",
        "password": PASSWORD,
    }
    guessed = await http.post("/api/v1/owner", json=new | {"key": parts.identity.sessions.key.reveal()})
    short = await http.post("/api/v1/owner", json=new | {"password": "short"})
    made = await http.post("/api/v1/owner", json=new)
    again = await http.post("/api/v1/owner", json=new | {"email": "eve@example.com"})

    assert guessed.status_code == 401
    assert (short.status_code, short.json()["error"]["field"]) == (400, "password")
    assert made.status_code == 204
    assert set((await http.get(PATH)).json()["permissions"]) == set(PERMISSIONS)
    assert again.status_code == 400


async def test_another_key_opens_nothing(http):
    response = await http.post(PATH, json={"key": "guessed"})

    assert response.status_code == 401
    assert "set-cookie" not in response.headers
    assert "guessed" not in response.text


async def test_nobody_asks_for_a_tenant_that_they_are_not_in(http, ada):
    answer = await http.post(PATH, json={"email": ada.email, "password": PASSWORD, "tenant": "rival"})

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "tenant")
    assert "set-cookie" not in answer.headers


async def test_signing_in_again_gives_another_session_id(http, sign_in_key):
    ids = set()
    for _ in range(2):
        await http.post(PATH, json={"key": sign_in_key})
        ids.add(http.cookies["tollspan_session"])

    assert len(ids) == 2


@pytest.mark.parametrize(("url", "secure"), [("http://gateway", False), ("https://gateway", True)])
async def test_no_script_and_no_other_site_gets_at_the_cookie(http, sign_in_key, url, secure):
    response = await http.post(url + PATH, json={"key": sign_in_key})

    cookie = SimpleCookie(response.headers["set-cookie"])["tollspan_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "strict"
    assert cookie["path"] == "/"
    assert bool(cookie["secure"]) is secure


async def test_behind_a_proxy_that_ends_tls_the_cookie_is_secure_too(http, parts, sign_in_key, monkeypatch):
    monkeypatch.setattr(parts.authenticator, "is_behind_tls", lambda: True)
    response = await http.post(PATH, json={"key": sign_in_key})

    assert SimpleCookie(response.headers["set-cookie"])["tollspan_session"]["secure"]


async def test_an_id_that_someone_else_chose_is_never_a_session(http, sign_in_key):
    planted = "planted-by-another-site"
    http.cookies.set("tollspan_session", planted)
    await http.post(PATH, json={"key": sign_in_key})
    http.cookies.clear()

    assert (await http.get(PATH, headers={"Cookie": f"tollspan_session={planted}"})).status_code == 401


@pytest.mark.parametrize("key", ["ü", "\ud800", "\x00", "x" * 256])
async def test_any_text_is_only_a_wrong_key(http, key):
    body = json.dumps({"key": key})
    answer = await http.post(PATH, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code in {400, 401}


async def test_signing_in_takes_json_alone_which_a_form_of_another_site_cannot_send(http, sign_in_key):
    as_form = await http.post(PATH, data={"key": sign_in_key})
    body = f'{{"key": "{sign_in_key}"}}'
    as_text = await http.post(PATH, content=body, headers={"Content-Type": "text/plain"})

    assert (as_form.status_code, as_text.status_code) == (400, 400)
