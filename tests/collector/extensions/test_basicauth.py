import base64

import bcrypt
import httpx
import pytest

from helpers.otlp_peer import running_peer
from helpers.pipelines import running_pipeline
from helpers.service import StandInHost
from helpers.signals import trace_request
from tollspan.collector.config.decode import Decoding
from tollspan.collector.extensions.basicauth import BasicAuthConfig, build
from tollspan.errors import ConfigError, TokenRequestError
from tollspan.otlp.http_exchange import HTTPProblem


def decode(settings):
    decoding = Decoding()
    return decoding.struct(BasicAuthConfig, settings, ""), [str(problem) for problem in decoding.problems]


def extension(settings):
    config, problems = decode(settings)
    assert problems == []
    return build(config)


def entry(user, password):
    return f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}"


def header(user, password):
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def test_a_client_sends_its_name_and_password(tmp_path):
    (tmp_path / "password").write_text("pa:ss\n")
    client = extension({"client_auth": {"username": "u", "password_file": str(tmp_path / "password")}})
    assert await client.credentials() == header("u", "pa:ss")
    assert not client.refused({})


async def test_a_client_without_its_file_has_no_credentials():
    client = extension({"client_auth": {"username_file": "/nowhere", "password": "x"}})
    with pytest.raises(TokenRequestError, match="username_file: cannot be read"):
        await client.credentials()


async def test_a_server_knows_its_users_and_nobody_else():
    server = extension({"htpasswd": {"inline": entry("u", "p:w") + "\n" + entry("v", "secret")}})
    await server.start(StandInHost())
    for pair in (("u", "p:w"), ("v", "secret")):
        assert (await server.authenticate(header(*pair))).subject == pair[0]
    wrong = [{}, {"authorization": "Basic !"}, header("u", "no"), header("x", "p:w"), header("", "")]
    for headers in wrong:
        with pytest.raises(HTTPProblem) as caught:
            await server.authenticate(headers)
        assert caught.value.status == 401


async def test_a_changed_file_counts_at_once(tmp_path):
    path = tmp_path / "htpasswd"
    path.write_text(entry("u", "old"))
    server = extension({"htpasswd": {"file": str(path)}})
    await server.start(StandInHost())
    await server.authenticate(header("u", "old"))
    path.write_text(entry("u", "newer") + "\n")
    await server.authenticate(header("u", "newer"))
    with pytest.raises(HTTPProblem):
        await server.authenticate(header("u", "old"))


async def test_a_server_does_not_start_without_its_file():
    with pytest.raises(ConfigError, match="htpasswd::file"):
        await extension({"htpasswd": {"file": "/nowhere"}}).start(StandInHost())


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "set either client_auth or htpasswd"),
        ({"client_auth": {"password": "x"}}, "client_auth::username: is required"),
        (
            {"htpasswd": {"inline": "u:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="}},
            "the password of u is no bcrypt hash",
        ),
    ],
)
def test_what_does_not_fit_is_told(settings, problem):
    assert problem in decode(settings)[1][0]


async def test_a_receiver_asks_for_the_password_over_a_socket():
    receiver = {
        "otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0", "auth": {"authenticator": "basicauth"}}}}
    }
    extensions = {"basicauth": {"htpasswd": {"inline": entry("u", "p")}}}
    with running_peer() as peer:
        async with (
            running_pipeline(
                "otlp_http", {"endpoint": peer.url}, extensions=extensions, receiver=receiver
            ) as pipeline,
            httpx.AsyncClient(base_url=pipeline.url) as http,
        ):
            headers = {"Content-Type": "application/x-protobuf"}
            body = trace_request().SerializeToString()
            refused = await http.post("/v1/traces", content=body, headers=headers)
            taken = await http.post("/v1/traces", content=body, headers=headers, auth=("u", "p"))

    assert (refused.status_code, taken.status_code) == (401, 200)
    assert refused.headers["www-authenticate"].startswith("Basic ")
    assert pipeline.count("otelcol_receiver_requests", outcome="unauthenticated") == 1
