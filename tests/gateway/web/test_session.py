"""Signing in to the dashboard, and out."""

from http.cookies import SimpleCookie

import pytest

PATH = "/api/v1/session"


@pytest.fixture
def sign_in_key(parts):
    return parts.sessions.key.reveal()


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


async def test_another_key_opens_nothing(http):
    response = await http.post(PATH, json={"key": "guessed"})

    assert response.status_code == 401
    assert "set-cookie" not in response.headers
    assert "guessed" not in response.text


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


async def test_signing_in_takes_json_alone_which_a_form_of_another_site_cannot_send(http, sign_in_key):
    as_form = await http.post(PATH, data={"key": sign_in_key})
    body = f'{{"key": "{sign_in_key}"}}'
    as_text = await http.post(PATH, content=body, headers={"Content-Type": "text/plain"})

    assert (as_form.status_code, as_text.status_code) == (400, 400)
