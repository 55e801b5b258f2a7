import asyncio
import sys
from contextlib import closing

import pytest

from tollspan.errors import AuthError, InvalidTokenError, MissingTokenError
from tollspan.gateway.authserver import authenticator as module
from tollspan.gateway.authserver.authenticator import Authenticator, read_session_cookie
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.credentials import CredentialStore
from tollspan.gateway.authserver.sessions import Sessions
from tollspan.gateway.authserver.token_issuer import TokenIssuer
from tollspan.oauth2.verifier import TOKEN_CHARS_MAX, Verifier

ISSUER = "http://127.0.0.1:8320"
DRAFT = CredentialDraft("n", ("write:traces",), tenant="acme")
KEY_DRAFT = CredentialDraft("k", ("read:traces",), kind="api_key", datasets=("shop",))


@pytest.fixture
def authenticator(store, signing_keys):
    return Authenticator(Verifier(ISSUER, ISSUER, signing_keys.keyset(), leeway_s=0), store, Sessions())


@pytest.fixture
def access_token(signing_keys):
    issuer = TokenIssuer(ISSUER, [], signing_keys, 600)

    def issue(credential):
        return issuer.build_response(issuer.build_claims(credential, credential.permissions, []))[
            "access_token"
        ]

    return issue


def bearer(value):
    return {"authorization": f"Bearer {value}"}


async def until_refused(authenticator, headers):
    """Ask again and again until a caller that was let in is refused; how soon is what the interval says."""
    while True:
        try:
            await authenticator.authenticate(headers)
        except InvalidTokenError:
            return


def test_the_store_is_watched_at_least_once_a_second():
    assert module.WATCH_INTERVAL_S <= 1


async def test_an_access_token_says_who_calls(authenticator, store, access_token):
    credential = store.create(DRAFT).credential

    assert await authenticator.authenticate(bearer(access_token(credential))) == credential.principal()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", " Bearer ", "Bearer  "])
async def test_the_scheme_is_read_in_any_case(authenticator, store, access_token, scheme):
    headers = {"authorization": f"{scheme} {access_token(store.create(DRAFT).credential)} "}

    assert await authenticator.authenticate(headers)


@pytest.mark.parametrize(
    "header", [bearer, lambda key: {"x-api-key": key}, lambda key: {"x-api-key": f" {key} "}]
)
async def test_an_api_key_says_who_calls(authenticator, store, header):
    issued = store.create(KEY_DRAFT)

    assert await authenticator.authenticate(header(issued.secret.reveal())) == issued.credential.principal()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Basic aWQ6cw=="},
        {"authorization": "Digest x"},
        {"cookie": "a=b"},
    ],
)
async def test_without_usable_credentials_they_are_asked_for(authenticator, headers):
    with pytest.raises(MissingTokenError):
        await authenticator.authenticate(headers)


async def test_two_credentials_at_once_are_an_invalid_request(authenticator, store, access_token):
    key = store.create(KEY_DRAFT).secret.reveal()
    headers = bearer(access_token(store.create(DRAFT).credential)) | {"x-api-key": key}

    with pytest.raises(AuthError) as raised:
        await authenticator.authenticate(headers)
    assert raised.value.code == "invalid_request"


@pytest.mark.parametrize("headers", [{"authorization": "Bearer"}, {"authorization": "Bearer "}])
async def test_a_bearer_header_without_token_is_an_invalid_request(authenticator, headers):
    with pytest.raises(AuthError) as raised:
        await authenticator.authenticate(headers)
    assert raised.value.code == "invalid_request"


@pytest.mark.parametrize(
    "headers",
    [
        bearer("x"),
        bearer("a.b.c"),
        bearer("ts_live_x"),
        bearer("ü"),
        bearer("x" * (TOKEN_CHARS_MAX + 1)),
        bearer("x" * 1_000_000),
        {"x-api-key": ""},
        {"x-api-key": "x"},
        {"x-api-key": "ts_live_" + "x" * 1_000_000},
    ],
)
async def test_bad_credentials_are_an_invalid_token(authenticator, headers):
    with pytest.raises(InvalidTokenError):
        await authenticator.authenticate(headers)


async def test_an_access_token_is_no_api_key(authenticator, store, access_token):
    with pytest.raises(InvalidTokenError):
        await authenticator.authenticate({"x-api-key": access_token(store.create(DRAFT).credential)})


async def test_a_token_of_a_credential_that_is_not_there_is_refused(authenticator, tmp_path, access_token):
    with closing(CredentialStore(tmp_path / "other")) as other:
        token = access_token(other.create(DRAFT).credential)

    with pytest.raises(InvalidTokenError):
        await authenticator.authenticate(bearer(token))


async def test_a_known_caller_is_not_proved_again(authenticator, store, access_token, monkeypatch):
    headers = bearer(access_token(store.create(DRAFT).credential))
    await authenticator.authenticate(headers)
    monkeypatch.setattr(authenticator, "_prove", lambda _: pytest.fail("proved again"))

    for _ in range(100):
        assert await authenticator.authenticate(headers)


async def test_a_token_ends_with_its_lifetime_also_when_it_is_known(store, signing_keys, clock):
    issuer = TokenIssuer(ISSUER, [], signing_keys, 30)
    claims = issuer.build_claims(store.create(DRAFT).credential, [], [])
    clock.now_s = float(claims["iat"])
    verifier = Verifier(ISSUER, ISSUER, signing_keys.keyset(), leeway_s=0)
    authenticator = Authenticator(verifier, store, Sessions(), clock=clock)
    headers = bearer(issuer.build_response(claims)["access_token"])
    await authenticator.authenticate(headers)
    clock.now_s = claims["exp"] - 0.1
    await authenticator.authenticate(headers)
    clock.now_s = claims["exp"]

    with pytest.raises(InvalidTokenError, match="expired"):
        await authenticator.authenticate(headers)


async def test_a_key_ends_with_its_credential_also_when_it_is_known(tmp_path, signing_keys, clock):
    with closing(CredentialStore(tmp_path, clock=clock)) as store:
        issued = store.create(CredentialDraft("k", ("read:traces",), kind="api_key", expires_in_s=30.0))
        verifier = Verifier(ISSUER, ISSUER, signing_keys.keyset())
        authenticator = Authenticator(verifier, store, Sessions(), clock=clock)
        headers = bearer(issued.secret.reveal())
        await authenticator.authenticate(headers)
        clock.now_s += 30.0

        with pytest.raises(InvalidTokenError):
            await authenticator.authenticate(headers)


async def test_a_revocation_in_this_process_ends_live_tokens_and_keys(authenticator, store, access_token):
    client, key = store.create(DRAFT), store.create(KEY_DRAFT)
    for issued, headers in [
        (client, bearer(access_token(client.credential))),
        (key, bearer(key.secret.reveal())),
    ]:
        await authenticator.authenticate(headers)
        store.revoke(issued.credential.id)

        await until_refused(authenticator, headers)


async def test_a_revocation_by_another_process_ends_live_tokens(authenticator, store, access_token, tmp_path):
    credential = store.create(DRAFT).credential
    headers = bearer(access_token(credential))
    await authenticator.authenticate(headers)
    script = (
        "import sys; from pathlib import Path;"
        "from tollspan.gateway.authserver.credentials import CredentialStore;"
        "store = CredentialStore(Path(sys.argv[1])); store.revoke(sys.argv[2]); store.close()"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(tmp_path), credential.id)
    assert await process.wait() == 0

    await until_refused(authenticator, headers)


async def test_a_retired_secret_ends_its_api_key(authenticator, store, monkeypatch):
    monkeypatch.setattr(module, "WATCH_INTERVAL_S", 0.0)
    old = store.create(KEY_DRAFT)
    await authenticator.authenticate(bearer(old.secret.reveal()))
    new = store.rotate(old.credential.id, retire_old=True)

    assert await authenticator.authenticate(bearer(new.secret.reveal()))
    with pytest.raises(InvalidTokenError):
        await authenticator.authenticate(bearer(old.secret.reveal()))


async def test_a_proof_that_was_overtaken_by_a_revocation_is_not_remembered(
    authenticator, store, access_token, monkeypatch
):
    monkeypatch.setattr(module, "WATCH_INTERVAL_S", 0.0)
    credential = store.create(DRAFT).credential
    headers = bearer(access_token(credential))
    prove = authenticator._prove

    def prove_slowly(proof):
        principal = prove(proof)
        store.revoke(credential.id)
        authenticator._watch()
        return principal

    monkeypatch.setattr(authenticator, "_prove", prove_slowly)
    await authenticator.authenticate(headers)
    monkeypatch.setattr(authenticator, "_prove", prove)

    with pytest.raises(InvalidTokenError):
        await authenticator.authenticate(headers)


# The dashboard.


async def test_a_session_cookie_opens_pages_and_never_takes_telemetry(store, signing_keys):
    sessions = Sessions()
    authenticator = Authenticator(Verifier(ISSUER, ISSUER, signing_keys.keyset()), store, sessions)
    cookie = {"cookie": f"theme=dark; tollspan_session={sessions.open(sessions.key.reveal()).reveal()}"}

    assert (await authenticator.authenticate_page(cookie)).subject == "dashboard"
    with pytest.raises(MissingTokenError):
        await authenticator.authenticate(cookie)


@pytest.mark.parametrize(
    "headers", [{}, {"cookie": "tollspan_session=unknown"}, {"cookie": "tollspan_session"}]
)
async def test_a_page_without_a_session_asks_for_one(authenticator, headers):
    with pytest.raises(MissingTokenError):
        await authenticator.authenticate_page(headers)


async def test_a_page_takes_tokens_and_keys_too(authenticator, store):
    issued = store.create(KEY_DRAFT)

    assert (
        await authenticator.authenticate_page(bearer(issued.secret.reveal())) == issued.credential.principal()
    )


async def test_a_bad_token_is_not_made_good_by_a_session(authenticator):
    with pytest.raises(InvalidTokenError):
        await authenticator.authenticate_page(bearer("x") | {"cookie": "tollspan_session=x"})


@pytest.mark.parametrize(
    ("cookie", "session_id"),
    [
        ("tollspan_session=abc", "abc"),
        ("a=1;tollspan_session=abc; b=2", "abc"),
        ('bad[name]={"x":1}; tollspan_session=abc', "abc"),
        ("tollspan_session=", ""),
        ("other_tollspan_session=abc", ""),
        ("", ""),
    ],
)
def test_the_session_cookie_is_found_among_any_others(cookie, session_id):
    assert read_session_cookie({"cookie": cookie}) == session_id
