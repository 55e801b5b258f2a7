import asyncio
import sys
from contextlib import closing

import pytest

from tollspan.errors import AuthError, InvalidTokenError, MissingTokenError, StoreError
from tollspan.gateway.authserver import changes, revoked_tokens
from tollspan.gateway.authserver.authenticator import Authenticator, read_session_cookie
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.database import FILE_NAME
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.token_issuer import TokenIssuer
from tollspan.oauth2.verifier import TOKEN_CHARS_MAX, Verifier

ISSUER = "http://127.0.0.1:8320"
DRAFT = CredentialDraft("n", ("write:traces",), tenant="acme")
KEY_DRAFT = CredentialDraft("k", ("read:traces",), kind="api_key", datasets=("shop",))


@pytest.fixture
def build(published_keys):
    """Builds an authenticator over identity stores."""

    def build(identity, **options):
        verifier = Verifier(ISSUER, ISSUER, published_keys, leeway_s=0)
        return Authenticator(verifier, identity, **options)

    return build


@pytest.fixture
def authenticator(build, identity):
    return build(identity)


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
    assert changes.WATCH_INTERVAL_S <= 1


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


@pytest.mark.parametrize("value", ["Bearer a, Bearer b", "Bearer a b", "Bearer ts_live_x,  Bearer y"])
async def test_two_tokens_in_one_header_are_an_invalid_request(authenticator, value):
    """As which repeated headers arrive here."""
    with pytest.raises(AuthError) as refused:
        await authenticator.authenticate({"authorization": value})
    assert refused.value.code == "invalid_request"


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
    with closing(Identity.open(tmp_path / "other")) as other:
        token = access_token(other.credentials.create(DRAFT).credential)

    with pytest.raises(InvalidTokenError):
        await authenticator.authenticate(bearer(token))


async def test_a_known_caller_is_not_proved_again(authenticator, store, access_token, monkeypatch):
    headers = bearer(access_token(store.create(DRAFT).credential))
    await authenticator.authenticate(headers)
    monkeypatch.setattr(authenticator, "_prove", lambda _: pytest.fail("proved again"))

    for _ in range(100):
        assert await authenticator.authenticate(headers)


async def test_a_token_ends_with_its_lifetime_also_when_it_is_known(build, identity, signing_keys, clock):
    issuer = TokenIssuer(ISSUER, [], signing_keys, 30)
    claims = issuer.build_claims(identity.credentials.create(DRAFT).credential, [], [])
    clock.now_s = float(claims["iat"])
    authenticator = build(identity, clock=clock)
    headers = bearer(issuer.build_response(claims)["access_token"])
    await authenticator.authenticate(headers)
    clock.now_s = claims["exp"] - 0.1
    await authenticator.authenticate(headers)
    clock.now_s = claims["exp"]

    with pytest.raises(InvalidTokenError, match="expired"):
        await authenticator.authenticate(headers)


async def test_a_key_ends_with_its_credential_also_when_it_is_known(build, timed, clock):
    draft = CredentialDraft("k", ("read:traces",), kind="api_key", expires_in_s=30.0)
    authenticator = build(timed, clock=clock)
    headers = bearer(timed.credentials.create(draft).secret.reveal())
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


async def test_a_revocation_by_another_process_ends_live_tokens(authenticator, store, access_token, where):
    credential = store.create(DRAFT).credential
    headers = bearer(access_token(credential))
    await authenticator.authenticate(headers)
    script = (
        "import sys; from pathlib import Path;"
        "from tollspan.gateway.authserver.identity import Identity;"
        "where = sys.argv[1]; identity = Identity.open(where if '://' in where else Path(where));"
        "identity.credentials.revoke(sys.argv[2]); identity.close()"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(where), credential.id)
    assert await process.wait() == 0

    await until_refused(authenticator, headers)


async def test_a_retired_secret_ends_its_api_key(authenticator, store, monkeypatch):
    monkeypatch.setattr(changes, "WATCH_INTERVAL_S", 0.0)
    old = store.create(KEY_DRAFT)
    await authenticator.authenticate(bearer(old.secret.reveal()))
    new = store.rotate(old.credential.id, overlap_s=0)

    assert await authenticator.authenticate(bearer(new.secret.reveal()))
    with pytest.raises(InvalidTokenError):
        await authenticator.authenticate(bearer(old.secret.reveal()))


async def test_a_proof_that_was_overtaken_by_a_revocation_is_not_remembered(
    authenticator, store, access_token, monkeypatch
):
    monkeypatch.setattr(changes, "WATCH_INTERVAL_S", 0.0)
    credential = store.create(DRAFT).credential
    headers = bearer(access_token(credential))
    prove = authenticator._prove

    async def prove_slowly(proof):
        principal = await prove(proof)
        store.revoke(credential.id)
        await authenticator._identity.watch.look()
        return principal

    monkeypatch.setattr(authenticator, "_prove", prove_slowly)
    await authenticator.authenticate(headers)
    monkeypatch.setattr(authenticator, "_prove", prove)

    with pytest.raises(InvalidTokenError):
        await authenticator.authenticate(headers)


async def test_a_revoked_token_is_refused_and_another_of_the_same_client_is_not(
    authenticator, identity, signing_keys
):
    issuer = TokenIssuer(ISSUER, [], signing_keys, 600)
    credential = identity.credentials.create(DRAFT).credential
    claims = [issuer.build_claims(credential, [], [], grant_id) for grant_id in ("", "family", "other")]
    headers = [bearer(issuer.build_response(claim)["access_token"]) for claim in claims]
    for one in headers:
        await authenticator.authenticate(one)
    with identity.database.writing() as connection:
        revoked_tokens.revoke(connection, claims[0]["jti"], claims[0]["exp"])
        revoked_tokens.revoke(connection, "family", claims[1]["exp"])

    await until_refused(authenticator, headers[0])
    await until_refused(authenticator, headers[1])
    assert await authenticator.authenticate(headers[2])


async def test_while_the_database_is_away_nobody_is_let_in_by_what_was_known(
    build, tmp_path, access_token, monkeypatch
):
    monkeypatch.setattr(changes, "WATCH_INTERVAL_S", 0.0)
    with closing(Identity.open(tmp_path / "data")) as identity:
        authenticator = build(identity)
        headers = bearer(access_token(identity.credentials.create(DRAFT).credential))
        await authenticator.authenticate(headers)
        identity.database.close()
        (tmp_path / "data" / FILE_NAME).unlink()
        (tmp_path / "data" / FILE_NAME).mkdir()

        with pytest.raises(StoreError):
            await authenticator.authenticate(headers)


# The dashboard.


async def test_a_session_cookie_opens_pages_and_never_takes_telemetry(authenticator, identity):
    session_id = identity.sessions.open_with_key(identity.sessions.key.reveal()).reveal()
    cookie = {"cookie": f"theme=dark; tollspan_session={session_id}"}

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
