import base64
import contextlib
from urllib.parse import quote_plus, urlencode

import pytest
from authlib.oauth2.rfc6749 import OAuth2Error
from hypothesis import given
from hypothesis import strategies as st

from tollspan.gateway.authserver.token_request import BODY_BYTES_MAX, FIELDS_MAX, AccessTokenRequest
from tollspan.oauth2.secret import Secret

FORM = {"content-type": "application/x-www-form-urlencoded"}
POST = {"client_id": "id", "client_secret": "s3cr3t"}


def basic(client_id="id", secret="s3cr3t", scheme="Basic"):
    return {"authorization": f"{scheme} " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def read(form=(), headers=FORM):
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    return AccessTokenRequest(headers, body, "10.0.0.1")


def refusal(form=(), headers=FORM):
    with pytest.raises(OAuth2Error) as raised:
        read(form, headers)
    return raised.value


def test_parameters_and_post_credentials_are_read():
    request = read(POST | {"grant_type": "client_credentials", "scope": "write:traces"})

    assert (request.payload.grant_type, request.payload.scope) == ("client_credentials", "write:traces")
    assert (request.presented_id, request.presented_secret) == ("id", Secret("s3cr3t"))
    assert request.source == "10.0.0.1"


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "Basic "])
def test_basic_credentials_are_read(scheme):
    request = read(headers=FORM | basic(scheme=scheme))

    assert (request.presented_id, request.presented_secret) == ("id", Secret("s3cr3t"))


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_basic_credentials_are_form_decoded(client_id, secret):
    request = read(headers=FORM | basic(quote_plus(client_id), quote_plus(secret)))

    assert (request.presented_id, request.presented_secret) == (client_id, Secret(secret))


def test_a_plus_in_basic_credentials_is_a_space():
    assert read(headers=FORM | basic("a+b", "c%2Bd")).presented_id == "a b"
    assert read(headers=FORM | basic("a+b", "c%2Bd")).presented_secret == Secret("c+d")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YWJj",  # no colon
        "Basic YWJj=",
        "Basic Y",
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(b"id:%FF").decode(),
        "Bearer abc",
        "Digest username=x",
        basic()["authorization"] + " extra",
        "Basic\u00a0aWQ6cw==",
    ],
)
def test_malformed_basic_credentials_are_a_failed_authentication(authorization):
    error = refusal(headers=FORM | {"authorization": authorization})

    assert (error.error, error.status_code) == ("invalid_client", 401)
    assert ("WWW-Authenticate", 'Basic realm="tollspan", charset="UTF-8"') in error.get_headers()


@pytest.mark.parametrize(
    "form", [{}, {"client_id": "id"}, {"client_secret": "s"}, {"client_id": "", "client_secret": "s"}]
)
def test_no_or_half_credentials_are_a_failed_authentication(form):
    assert refusal(form).error == "invalid_client"


@pytest.mark.parametrize("form", [POST, {"client_secret": "s3cr3t"}, {"client_id": "other"}])
def test_two_authentications_are_one_too_many(form):
    assert refusal(form, FORM | basic()).error == "invalid_request"


def test_the_client_id_may_be_repeated_beside_basic_credentials():
    assert read({"client_id": "id"}, FORM | basic()).presented_id == "id"


@pytest.mark.parametrize("name", ["grant_type", "scope", "client_id", "audience", "unknown"])
def test_a_repeated_parameter_is_refused(name):
    assert refusal([*POST.items(), (name, "a"), (name, "b")]).error == "invalid_request"


def test_an_empty_parameter_counts_as_none():
    request = read([*POST.items(), ("scope", ""), ("audience", ""), ("audience", "")])

    assert request.payload.scope is None
    assert request.audiences == ()


@pytest.mark.parametrize(
    ("form", "audiences"),
    [
        ([], ()),
        ([("audience", "a")], ("a",)),
        ([("resource", "a")], ("a",)),
        ([("resource", "a"), ("resource", "b"), ("resource", "a")], ("a", "b")),
        ([("resource", "a"), ("audience", "a")], ("a",)),
    ],
)
def test_audience_and_resource_are_one_wish(form, audiences):
    assert read([*POST.items(), *form]).audiences == audiences


@pytest.mark.parametrize("resources", [["b"], ["a", "b"]])
def test_differing_audience_and_resource_are_refused(resources):
    form = [*POST.items(), ("audience", "a"), *(("resource", value) for value in resources)]

    assert refusal(form).error == "invalid_target"


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data", "text/plain"])
def test_the_body_must_be_a_form(content_type):
    assert refusal(POST, {"content-type": content_type}).error == "invalid_request"


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-URLEncoded"]
)
def test_a_form_may_say_so_in_other_words(content_type):
    assert read(POST, {"content-type": content_type}).presented_id == "id"


@pytest.mark.parametrize(
    "body",
    [
        b"\xff=1",
        b"client_id=%FF",
        b"x=" + b"a" * BODY_BYTES_MAX,
        b"a&" * (FIELDS_MAX + 1),
        b"a=1&" * (FIELDS_MAX + 1),
    ],
)
def test_a_body_that_is_no_bounded_utf8_form_is_refused(body):
    assert refusal(body).error == "invalid_request"


@given(st.binary() | st.text().map(str.encode), st.text())
def test_any_request_is_read_or_refused(body, authorization):
    for headers in (
        FORM,
        FORM | {"authorization": authorization},
        FORM | {"authorization": f"Basic {authorization}"},
    ):
        with contextlib.suppress(OAuth2Error):
            read(body, headers)


def test_no_error_quotes_the_request():
    for form, headers in [
        ([("s3cr3t", "s3cr3t"), ("s3cr3t", "s3cr3t")], FORM),
        (POST, FORM | basic()),
        (POST, {"content-type": "s3cr3t"}),
    ]:
        assert "s3cr3t" not in str(refusal(form, headers)())
