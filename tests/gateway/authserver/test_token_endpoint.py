import base64
import http.client
import json
import logging
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode, urlsplit

import pytest
import requests
import structlog
from authlib.integrations.requests_client import OAuth2Session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unomiq.sdk.auth import OAuthTokenManager

from tollspan.gateway.authserver import token_endpoint
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.database import FILE_NAME
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.token_endpoint import LIFETIME_S
from tollspan.oauth2.client_credentials import ClientCredentials, build_token_request, read_token_response
from tollspan.oauth2.token_source import TokenSource
from tollspan.oauth2.verifier import Verifier

ISSUER = "http://127.0.0.1:8320"
ALIASES = ["https://gateway-api.unomiq.com", "https://api.unomiq.com"]
FORM = {"content-type": "application/x-www-form-urlencoded"}
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def endpoint(identity, build_endpoint):
    return build_endpoint(identity, ISSUER, ALIASES)


@pytest.fixture
def verifier(published_keys):
    return Verifier(ISSUER, [ISSUER, *ALIASES], published_keys, leeway_s=0)


@pytest.fixture
def issued(store):
    return store.create(
        CredentialDraft("n", ("write:traces", "read:traces"), tenant="acme", datasets=("shop",))
    )


def post_credentials(issued):
    return {"client_id": issued.credential.id, "client_secret": issued.secret.reveal()}


def basic(client_id, secret):
    return {"authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def ask(endpoint, form, headers=(), **more):
    """Status, parsed body and headers."""
    response = endpoint.handle("POST", FORM | dict(headers), urlencode(form).encode(), **more)
    return response.status, json.loads(response.body), response.headers


def test_a_client_gets_a_token_for_all_that_it_may_do(endpoint, issued, verifier):
    status, token, headers = ask(endpoint, GRANT | post_credentials(issued))

    assert status == 200
    assert set(token) == {"access_token", "token_type", "expires_in", "scope"}
    assert (token["token_type"], token["expires_in"], token["scope"]) == (
        "Bearer",
        LIFETIME_S,
        "write:traces read:traces",
    )
    assert headers == {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
    assert verifier.verify(token["access_token"]) == issued.credential.principal()


def test_basic_and_post_credentials_are_equally_good(endpoint, issued):
    secret = issued.secret.reveal()

    assert ask(endpoint, GRANT | post_credentials(issued))[0] == 200
    assert ask(endpoint, GRANT, basic(issued.credential.id, secret))[0] == 200


def test_the_token_has_the_scopes_asked_for_and_no_more(endpoint, issued, verifier):
    _, token, _ = ask(endpoint, GRANT | post_credentials(issued) | {"scope": "write:traces write:traces"})

    assert token["scope"] == "write:traces"
    assert verifier.verify(token["access_token"]).permissions == {"write:traces"}


@pytest.mark.parametrize("parameter", ["audience", "resource"])
@pytest.mark.parametrize("audience", [ISSUER, *ALIASES])
def test_every_configured_audience_can_be_asked_for_and_is_accepted(
    endpoint, issued, verifier, parameter, audience
):
    _, token, _ = ask(endpoint, GRANT | post_credentials(issued) | {parameter: audience})

    payload = token["access_token"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "=="))["aud"] == audience
    assert verifier.verify(token["access_token"])


def test_a_rotated_secret_works_beside_the_old_one(endpoint, issued, store):
    rotated = store.rotate(issued.credential.id)

    assert ask(endpoint, GRANT | post_credentials(issued))[0] == 200
    assert ask(endpoint, GRANT | post_credentials(rotated))[0] == 200


# RFC 6749 §5.2, RFC 8707 §2: {"client": c, ...} stands for that client's good credentials.

REFUSALS = [
    ("no grant type", {"client": True}, 400, "invalid_request"),
    ("another grant type", {"client": True, "grant_type": "password"}, 400, "unsupported_grant_type"),
    (
        "refresh",
        {"client": True, "grant_type": "refresh_token", "refresh_token": "x"},
        400,
        "unauthorized_client",
    ),
    (
        "grant type in another case",
        {"client": True, "grant_type": "Client_Credentials"},
        400,
        "unsupported_grant_type",
    ),
    ("no credentials", GRANT, 401, "invalid_client"),
    ("unknown client", GRANT | {"client_id": "nobody", "client_secret": "x"}, 401, "invalid_client"),
    ("wrong secret", {"client": True, "client_secret": "x"} | GRANT, 401, "invalid_client"),
    (
        "scope not granted",
        {"client": True, "scope": "read:traces manage:prices"} | GRANT,
        400,
        "invalid_scope",
    ),
    ("unknown scope", {"client": True, "scope": "everything"} | GRANT, 400, "invalid_scope"),
    ("scope in another case", {"client": True, "scope": "Write:Traces"} | GRANT, 400, "invalid_scope"),
    ("malformed scope", {"client": True, "scope": 'write:traces"'} | GRANT, 400, "invalid_scope"),
    (
        "scope with two spaces",
        {"client": True, "scope": "write:traces  read:traces"} | GRANT,
        400,
        "invalid_scope",
    ),
    ("unknown audience", {"client": True, "audience": "https://evil.example"} | GRANT, 400, "invalid_target"),
    ("unknown resource", {"client": True, "resource": "https://evil.example"} | GRANT, 400, "invalid_target"),
    ("resource with a fragment", {"client": True, "resource": ISSUER + "#x"} | GRANT, 400, "invalid_target"),
]


@pytest.mark.parametrize(
    ("form", "status", "code"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_a_refusal_has_the_status_and_code_of_the_rfc(endpoint, issued, form, status, code):
    form = dict(form)
    if form.pop("client", False):
        form = post_credentials(issued) | form
    answered, body, headers = ask(endpoint, form)

    assert (answered, body["error"]) == (status, code)
    assert set(body) <= {"error", "error_description"}
    assert body.get("error_description", "").isascii()
    assert not {'"', "\\"} & set(body.get("error_description", ""))
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in headers) == (status == 401)


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "OPTIONS", "post", ""])
def test_only_post_asks_for_a_token(endpoint, issued, method):
    response = endpoint.handle(method, FORM, urlencode(GRANT | post_credentials(issued)).encode())

    assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert json.loads(response.body)["error"] == "invalid_request"


def test_an_api_key_is_no_oauth2_client(endpoint, store):
    key = store.create(CredentialDraft("k", ("read:traces",), kind="api_key"))

    status, body, _ = ask(endpoint, GRANT | post_credentials(key))
    assert (status, body["error"]) == (400, "unauthorized_client")


def test_unknown_wrong_revoked_and_expired_look_the_same(endpoint, store, issued):
    revoked = store.create(CredentialDraft("r", ("read:traces",)))
    store.revoke(revoked.credential.id)
    answers = [
        endpoint.handle("POST", FORM | basic(client_id, secret), urlencode(GRANT).encode())
        for client_id, secret in [
            ("nobody", issued.secret.reveal()),
            (issued.credential.id, "wrong"),
            (revoked.credential.id, revoked.secret.reveal()),
            ("", ""),
        ]
    ]

    assert len({(answer.status, tuple(answer.headers.items()), answer.body) for answer in answers}) == 1
    assert answers[0].headers["WWW-Authenticate"] == 'Basic realm="tollspan", charset="UTF-8"'


def test_wrong_secrets_are_throttled_and_the_right_one_never_is(endpoint, issued):
    statuses = [
        ask(
            endpoint,
            GRANT | {"client_id": issued.credential.id, "client_secret": f"guess-{n}"},
            source="10.0.0.9",
        )[0]
        for n in range(200)
    ]
    status, body, headers = ask(
        endpoint, GRANT | {"client_id": issued.credential.id, "client_secret": "guess"}, source="10.0.0.9"
    )

    assert statuses[:20] == [401] * 20
    assert statuses[-1] == 429
    assert (status, body["error"]) == (429, "temporarily_unavailable")
    assert int(headers["Retry-After"]) >= 1
    assert ask(endpoint, GRANT | post_credentials(issued), source="10.0.0.9")[0] == 200


def test_one_source_that_guesses_many_ids_is_throttled_alone(endpoint):
    def guess(n, source):
        return ask(endpoint, GRANT | {"client_id": f"id-{n}", "client_secret": "x"}, source=source)[0]

    assert [guess(n, "10.0.0.9") for n in range(150)][-1] == 429
    assert guess(1000, "10.0.0.8") == 401


def test_a_client_that_asks_for_every_export_is_told_to_wait(endpoint, issued, monkeypatch):
    monkeypatch.setattr(endpoint._server, "_issues", token_endpoint.Throttle(burst=3, per_s=0.01))

    answers = [ask(endpoint, GRANT | post_credentials(issued)) for _ in range(4)]
    assert [answer[0] for answer in answers] == [200, 200, 200, 429]
    assert int(answers[3][2]["Retry-After"]) > 1


def test_a_broken_database_is_a_passing_trouble(tmp_path, build_endpoint):
    with closing(Identity.open(tmp_path / "data")) as identity:
        broken = build_endpoint(identity, ISSUER)
        identity.database.close()
        (tmp_path / "data" / FILE_NAME).unlink()
        (tmp_path / "data" / FILE_NAME).mkdir()
        status, body, headers = ask(broken, GRANT | {"client_id": "a", "client_secret": "b"})

    assert (status, body["error"], headers["Retry-After"]) == (503, "temporarily_unavailable", "1")


async def test_the_async_face_gives_the_same_answer(endpoint, issued):
    response = await endpoint.handle_async("POST", FORM, urlencode(GRANT | post_credentials(issued)).encode())

    assert response.status == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.dictionaries(st.sampled_from(["grant_type", "scope", "audience", "resource", "client_id"]), st.text())
)
def test_any_authenticated_form_gets_an_answer_that_rfc_6749_allows(endpoint, issued, form):
    headers = basic(issued.credential.id, issued.secret.reveal())
    status, body, _ = (
        ask(endpoint, form | GRANT, headers) if "scope" in form else ask(endpoint, form, headers)
    )

    assert status in {200, 400, 429}
    assert status == 200 or body["error"] in {
        "invalid_request",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_target",
        "temporarily_unavailable",
    }


# Logs.


def test_every_token_and_every_refusal_leaves_one_line(endpoint, issued):
    with structlog.testing.capture_logs() as lines:
        ask(endpoint, GRANT | post_credentials(issued) | {"scope": "write:traces"}, source="10.0.0.1")
        ask(endpoint, GRANT | post_credentials(issued) | {"scope": "x"}, source="10.0.0.2")
        ask(endpoint, GRANT | {"client_id": "nobody", "client_secret": "x"}, source="10.0.0.3")

    assert [line["event"] for line in lines] == ["token_issued", "token_refused", "token_refused"]
    assert (lines[0]["client_id"], lines[0]["tenant"], lines[0]["scope"]) == (
        issued.credential.id,
        "acme",
        "write:traces",
    )
    assert {"jti", "kid", "exp", "aud"} <= set(lines[0])
    assert (lines[1]["error"], lines[1]["client_id"]) == ("invalid_scope", issued.credential.id)
    assert (lines[2]["error"], lines[2]["client_id"]) == ("invalid_client", None)
    assert [line["source"] for line in lines] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_a_flood_of_refusals_is_two_lines_for_each_source_and_every_one_is_counted(endpoint):
    with structlog.testing.capture_logs() as lines:
        for number in range(300):
            wrong = {"client_id": "nobody", "client_secret": str(number)}
            ask(endpoint, GRANT | wrong, source=f"10.0.0.{number % 3}")
        endpoint.flush_log(at_once=True)

    assert {line["event"] for line in lines} == {"token_refused"}
    assert len(lines) <= 3 * 2 * 2  # wrong at first, then also too many
    assert sum(1 + line["unlogged_before"] for line in lines) == 300


def test_no_log_line_of_any_library_holds_a_secret_or_token(endpoint, issued, store, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    secret = issued.secret.reveal()
    key = store.create(CredentialDraft("k", ("read:traces",), kind="api_key"))
    tokens = []
    for form, headers in [
        (GRANT | post_credentials(issued), {}),
        (GRANT, basic(issued.credential.id, secret)),
        (GRANT | post_credentials(key), {}),
        (GRANT | post_credentials(issued) | {"scope": secret, "audience": secret}, {}),
        (GRANT | {"client_id": secret, "client_secret": secret}, {}),
        ({"grant_type": secret} | post_credentials(issued), {}),
        (GRANT | post_credentials(issued), basic(issued.credential.id, secret)),
        ([("scope", secret), ("scope", secret)], {}),
    ]:
        status, body, _ = ask(endpoint, form, headers)
        if status == 200:
            tokens.append(body["access_token"])
        else:
            assert secret not in json.dumps(body)
    everything = caplog.text + "".join(capfd.readouterr())

    assert "token_issued" in everything
    assert len(tokens) == 2
    encoded = base64.b64encode(f"{issued.credential.id}:{secret}".encode()).decode()
    for forbidden in (
        secret,
        key.secret.reveal(),
        encoded,
        *tokens,
        *(token.split(".")[2] for token in tokens),
    ):
        assert forbidden not in everything


def test_no_sender_can_write_a_log_line_of_its_own(endpoint, capfd):
    evil = "a\r\n2026-01-01 [info] token_issued client_id=admin \x1b[31m"
    ask(endpoint, {"grant_type": evil, "client_id": evil, "client_secret": evil, "scope": evil})
    printed = "".join(capfd.readouterr())

    assert "admin" not in printed
    assert len(printed.splitlines()) == 1


# Real clients over real connections.


class Served:
    """A token endpoint behind a plain HTTP server on loopback."""

    def __init__(self, endpoint):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                response = endpoint.handle("POST", headers, body, self.client_address[0])
                self.send_response(response.status)
                for name, value in response.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(response.body)))
                self.end_headers()
                self.wfile.write(response.body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def url(endpoint):
    served = Served(endpoint)
    yield served.url
    served.close()


@pytest.mark.parametrize("auth_method", ["client_secret_basic", "client_secret_post"])
def test_our_own_client_gets_a_token(url, issued, verifier, auth_method):
    credentials = ClientCredentials(
        issued.credential.id, issued.secret, url, ALIASES[0], ("write:traces",), auth_method=auth_method
    )

    def fetch():
        request = build_token_request(credentials)
        asked_s = time.monotonic()
        address = urlsplit(request.url)
        with closing(http.client.HTTPConnection(address.hostname, address.port, timeout=10)) as connection:
            connection.request("POST", address.path, request.body, request.headers)
            response = connection.getresponse()
            return read_token_response(response.status, dict(response.headers), response.read(), asked_s)

    token = TokenSource(fetch).token(30)
    assert token.granted_scopes == ("write:traces",)
    assert token.expires_in_s == LIFETIME_S
    assert verifier.verify(token.value.reveal()).subject == issued.credential.id


def test_the_unomiq_client_gets_tokens_for_its_two_audiences(url, store, verifier):
    issued = store.create(CredentialDraft("unomiq", ("write:traces", "read:traces")))
    for audience, scope in zip(ALIASES, ("write:traces", "read:traces"), strict=True):
        client = OAuthTokenManager(issued.credential.id, issued.secret.reveal(), url, scope, audience)
        try:
            token = client.get_headers()["Authorization"].removeprefix("Bearer ")
        finally:
            client.stop()
            client._refresh_thread.join(0)
        assert verifier.verify(token).permissions == {scope}


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlibs_client_gets_a_token(url, issued, verifier, method):
    client_id, secret = issued.credential.id, issued.secret.reveal()
    with OAuth2Session(client_id, secret, token_endpoint_auth_method=method, scope="read:traces") as client:
        token = client.fetch_token(url, grant_type="client_credentials")

    assert verifier.verify(token["access_token"]).permissions == {"read:traces"}


def test_requests_gets_a_token_and_a_readable_refusal(url, issued, verifier):
    pair = (issued.credential.id, issued.secret.reveal())
    token = requests.post(url, data=GRANT, auth=pair, timeout=10).json()
    refused = requests.post(url, data=GRANT, auth=(pair[0], "wrong"), timeout=10)

    assert verifier.verify(token["access_token"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
