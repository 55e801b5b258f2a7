import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from tollspan.errors import ConfigError, TokenRequestError
from tollspan.oauth2.client_assertion import PrivateKey
from tollspan.oauth2.client_credentials import (
    LIFETIME_DEFAULT_S,
    LIFETIME_MIN_S,
    RESPONSE_BYTES_MAX,
    ClientCredentials,
    build_token_request,
    read_token_response,
)
from tollspan.oauth2.secret import Secret

URL = "https://issuer.example/token"
JSON = {"Content-Type": "application/json"}


def client(**changes):
    return ClientCredentials(
        **({"client_id": "id", "client_secret": Secret("s3cr3t"), "token_url": URL} | changes)
    )


def answer(**parameters):
    return json.dumps({"access_token": "abc", "token_type": "Bearer", "expires_in": 60} | parameters).encode()


def read(body, status=200, headers=JSON):
    return read_token_response(status, headers, body, 1000.0)


def refusal(body, status=200, headers=JSON):
    with pytest.raises(TokenRequestError) as raised:
        read(body, status, headers)
    return raised.value


# The request.


def test_the_request_is_a_form_with_the_grant_type_alone_when_nothing_else_is_asked():
    request = build_token_request(client())

    assert request.url == URL
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.body.decode()) == {"grant_type": ["client_credentials"]}


def test_scopes_and_audience_are_sent_when_given():
    request = build_token_request(
        client(scopes=("write:traces", "read:traces"), audience="https://api.example")
    )

    assert parse_qs(request.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["write:traces read:traces"],
        "audience": ["https://api.example"],
    }


def test_post_sends_the_secret_in_the_body_and_nowhere_else():
    request = build_token_request(client(auth_method="client_secret_post"))

    assert "Authorization" not in request.headers
    assert parse_qs(request.body.decode())["client_secret"] == ["s3cr3t"]


def test_a_private_key_proves_the_client_without_any_secret():
    key = ECKey.generate_key("P-256")
    private_key = PrivateKey(Secret(key.as_pem(private=True).decode()))
    request = build_token_request(
        client(client_secret=None, auth_method="private_key_jwt", private_key=private_key)
    )

    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert jwt.decode(form["client_assertion"], key, algorithms=["ES256"]).claims["aud"] == URL
    assert form.keys() == {"grant_type", "client_id", "client_assertion", "client_assertion_type"}
    assert "Authorization" not in request.headers


def test_with_a_certificate_the_client_only_says_its_id():
    request = build_token_request(client(client_secret=None, auth_method="tls_client_auth"))

    assert parse_qs(request.body.decode()) == {"grant_type": ["client_credentials"], "client_id": ["id"]}
    assert "Authorization" not in request.headers


def test_other_parameters_are_sent_as_they_are():
    given = (("resource", "https://a.example"), ("resource", "https://b.example"))

    assert parse_qs(build_token_request(client(parameters=given)).body.decode()) == {
        "grant_type": ["client_credentials"],
        "resource": ["https://a.example", "https://b.example"],
    }


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_a_method_without_what_it_needs_is_refused(method):
    with pytest.raises(ConfigError, match=r"client_secret|private_key"):
        client(client_secret=None, auth_method=method)


@given(st.text(min_size=1), st.text(min_size=1))
def test_basic_credentials_survive_any_character(client_id, client_secret):
    """The reverse of RFC 6749 §2.3.1, with the form decoder of the standard library."""
    try:
        (client_id + client_secret).encode()
    except UnicodeEncodeError:
        return
    request = build_token_request(client(client_id=client_id, client_secret=Secret(client_secret)))

    scheme, encoded = request.headers["Authorization"].split(" ")
    pair = base64.b64decode(encoded).decode("ascii").split(":")
    decoded = [parse_qs(f"x={part}", keep_blank_values=True)["x"][0] for part in pair]
    assert scheme == "Basic"
    assert decoded == [client_id, client_secret]


def test_a_space_in_the_secret_is_a_plus_and_a_plus_is_escaped():
    request = build_token_request(client(client_secret=Secret("a b+c")))

    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"id:a+b%2Bc"


def test_no_repr_shows_the_secret():
    for auth_method in ("client_secret_basic", "client_secret_post"):
        credentials = client(auth_method=auth_method)
        shown = repr(credentials) + repr(build_token_request(credentials))
        assert "s3cr3t" not in shown
        assert base64.b64encode(b"id:s3cr3t").decode() not in shown


@pytest.mark.parametrize(
    "url", ["http://issuer.example/token", "http://10.0.0.1/token", "http://localhost.evil/token"]
)
def test_plain_http_is_refused_beyond_loopback(url):
    with pytest.raises(ConfigError, match="unencrypted"):
        client(token_url=url)

    assert client(token_url=url, allow_insecure=True).token_url == url


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8320/token", "http://[::1]/token", "http://localhost/token"]
)
def test_plain_http_will_do_on_loopback(url):
    assert client(token_url=url).token_url == url


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"client_id": ""}, "client_id"),
        ({"client_secret": Secret("")}, "client_secret"),
        ({"token_url": ""}, "token_url"),
        ({"token_url": "issuer.example/token"}, "token_url"),
        ({"token_url": "file:///etc/passwd"}, "token_url"),
        ({"token_url": "https:///token"}, "token_url"),
    ],
)
def test_a_setting_that_cannot_work_is_named(changes, path):
    with pytest.raises(ConfigError) as raised:
        client(**changes)

    assert raised.value.path == path


# The answer.


def test_an_answer_becomes_a_token_that_counts_from_before_the_request():
    token = read(answer(scope="write:traces read:traces"))

    assert token.value == Secret("abc")
    assert (token.expires_in_s, token.received_s) == (60.0, 1000.0)
    assert token.granted_scopes == ("write:traces", "read:traces")


@pytest.mark.parametrize(
    ("expires_in", "lifetime_s"),
    [
        (60, 60.0),
        ("60", 60.0),
        (" 60 ", 60.0),
        (59.5, 59.5),
        ("59.5", 59.5),
        (2, 2.0),
        (0.001, LIFETIME_MIN_S),
        (0, LIFETIME_DEFAULT_S),
        (-5, LIFETIME_DEFAULT_S),
        ("-5", LIFETIME_DEFAULT_S),
        (None, LIFETIME_DEFAULT_S),
        (True, LIFETIME_DEFAULT_S),
        ("soon", LIFETIME_DEFAULT_S),
        ([60], LIFETIME_DEFAULT_S),
        (float("nan"), LIFETIME_DEFAULT_S),
        (float("inf"), LIFETIME_DEFAULT_S),
        (10**400, LIFETIME_DEFAULT_S),
        ("9" * 5000, LIFETIME_DEFAULT_S),
    ],
)
def test_any_expires_in_gives_a_lifetime_that_causes_no_request_loop(expires_in, lifetime_s):
    assert read(answer(expires_in=expires_in)).expires_in_s == lifetime_s


def test_a_missing_expires_in_gives_the_default_lifetime():
    assert read(b'{"access_token":"abc","token_type":"bearer"}').expires_in_s == LIFETIME_DEFAULT_S


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER"])
def test_the_token_type_is_read_in_any_case(token_type):
    assert read(answer(token_type=token_type)).value == Secret("abc")


def test_a_missing_token_type_is_taken_for_bearer():
    assert read(b'{"access_token":"abc"}').value == Secret("abc")


@pytest.mark.parametrize("token_type", ["DPoP", "mac", "", None, 1])
def test_another_token_type_is_refused(token_type):
    assert "token_type" in str(refusal(answer(token_type=token_type)))


@pytest.mark.parametrize("value", [None, "", 5, "a b", "a\r\nX-Evil: 1", "ä", "\x00"])
def test_an_access_token_that_no_header_can_carry_is_refused(value):
    assert "access_token" in str(refusal(answer(access_token=value)))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"abc"', b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body):
    assert refusal(body).code == "invalid_response"


def test_an_answer_over_one_mebibyte_is_refused_unread():
    assert refusal(answer(padding="x" * RESPONSE_BYTES_MAX)).code == "invalid_response"


def test_html_instead_of_json_makes_one_look_at_the_url():
    error = refusal(b"<html>sign in</html>", headers={"content-type": "text/html; charset=utf-8"})

    assert str(error).endswith("but text/html; is the token URL right?")
    assert not error.terminal


@pytest.mark.parametrize(
    "code",
    ["invalid_client", "unauthorized_client", "invalid_scope", "invalid_target", "unsupported_grant_type"],
)
@pytest.mark.parametrize("status", [200, 400, 401])
def test_a_refusal_that_only_people_can_change_is_terminal(code, status):
    error = refusal(json.dumps({"error": code}).encode(), status)

    assert (error.code, error.terminal, error.status) == (code, True, status)


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "invalid_request"), (429, "invalid_client"), (503, "invalid_client"), (500, "server_error")],
)
def test_any_other_refusal_may_pass(status, code):
    assert not refusal(json.dumps({"error": code}).encode(), status).terminal


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status):
    error = refusal(answer(), status, {"Location": "https://evil.example/"})

    assert "redirect" in str(error)
    assert "evil" not in str(error)


@pytest.mark.parametrize("status", [400, 404, 500, 502, 503])
def test_a_token_in_a_failed_answer_is_no_token(status):
    assert refusal(answer(), status).status == status


def test_a_number_of_seconds_to_wait_is_kept():
    assert refusal(b"", 503, {"Retry-After": "7"}).after_s == 7.0


def test_a_date_to_wait_for_becomes_seconds():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)

    assert 90 < refusal(b"", 503, {"retry-after": date}).after_s <= 100


@pytest.mark.parametrize("text", ["", "soon", "-1", "1e9", "٣"])
def test_a_senseless_wait_is_left_out(text):
    assert refusal(b"", 503, {"Retry-After": text}).after_s is None


@given(
    st.integers(100, 599),
    st.dictionaries(st.text(), st.text(), max_size=3),
    st.binary()
    | st.recursive(st.none() | st.text() | st.floats() | st.integers(), st.lists)
    .map(json.dumps)
    .map(str.encode),
)
def test_any_answer_is_a_token_or_a_request_error(status, headers, body):
    with contextlib.suppress(TokenRequestError):
        assert read(body, status, headers).value.reveal()


@pytest.mark.parametrize("status", [200, 400, 500])
def test_nothing_of_the_answer_but_its_code_is_quoted(status):
    body = {"error": "invalid_client", "error_description": "wrong s3cr3t", "error_uri": "https://s3cr3t"}

    assert "s3cr3t" not in str(refusal(json.dumps(body).encode(), status))
    assert "s3cr3t" not in str(refusal(json.dumps({"error": "bad 's3cr3t'"}).encode(), status))
