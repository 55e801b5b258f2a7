"""`tollspan gateway` as a process: its ready line, its end, and what it refuses to do."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import grpc
import httpx
import pytest

from helpers.certificate import new_certificate
from helpers.gateway import Gateway
from helpers.requests import OTLP, TraceRequest

REFUSE_TIMEOUT_S = 60
IDENTITY_PAGE = Path(__file__).parents[2] / "docs" / "identity.md"


def refuse(*options):
    """What a gateway that must not start says; its exit code and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "tollspan.cli", "gateway", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=REFUSE_TIMEOUT_S,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_the_ready_line_is_all_that_is_printed_and_every_url_in_it_works(tmp_path):
    gateway = Gateway(tmp_path / "data")
    with gateway:
        key = gateway.sign_in_key
        assert httpx.get(f"{gateway.url}/readyz").status_code == 200
        assert httpx.get(gateway.ui.partition("#")[0]).status_code in {200, 503}
        signed_in = httpx.post(f"{gateway.url}/api/v1/session", json={"key": key})
        assert signed_in.status_code == 204
        host, _, port = gateway.grpc.removeprefix("http://").rpartition(":")
        socket.create_connection((host, int(port))).close()
        gateway.stop()
        assert gateway.printed_after_ready == ""
    assert key not in gateway.log


def test_the_log_is_one_json_object_a_line(tmp_path):
    with Gateway(tmp_path / "data") as gateway:
        httpx.post(f"{gateway.url}/v1/traces", headers={"Authorization": "Bearer a\tb"})
        httpx.post(f"{gateway.url}/token", data={"grant_type": "x"})

    events = [json.loads(line)["event"] for line in gateway.log.splitlines()]
    assert {"service_ready", "receiver_refused", "token_refused", "service_stopping"} <= set(events)


@pytest.fixture
def certificate(tmp_path):
    """A file with a certificate for localhost and its key."""
    new_certificate(tmp_path / "server.pem")
    return tmp_path / "server.pem"


def write_tls(folder, certificate):
    """A configuration with TLS on both listeners."""
    tls = {"tls": {"cert_file": str(certificate), "key_file": str(certificate)}}
    config = {
        "extensions": {"auth": tls},
        "receivers": {"otlp": {"protocols": {"http": tls, "grpc": tls}}},
    }
    (folder / "tls.yaml").write_text(json.dumps(config))
    return str(folder / "tls.yaml")


def test_the_ready_line_says_that_both_addresses_speak_tls_and_they_do(tmp_path, certificate):
    with Gateway(tmp_path / "data", "--config", write_tls(tmp_path, certificate)) as gateway:
        url, grpc_url = (at.replace("127.0.0.1", "localhost") for at in (gateway.url, gateway.grpc))
        assert (url[:8], grpc_url[:8]) == ("https://", "https://")
        key = gateway.create_credential(kind="api_key")["api_key"]
        with httpx.Client(base_url=url, verify=ssl.create_default_context(cafile=certificate)) as http:
            signed_in = http.post("/api/v1/session", json={"key": gateway.sign_in_key})
            assert "; Secure" in signed_in.headers["set-cookie"]
        credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
        with grpc.secure_channel(grpc_url.removeprefix("https://"), credentials) as channel:
            export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
            assert export(TraceRequest(1).wire, metadata=[("x-api-key", key)], timeout=30) == b""


def test_a_process_that_only_issues_tokens_speaks_tls_too(tmp_path, certificate):
    options = ("--roles", "auth", "--config", write_tls(tmp_path, certificate))
    with Gateway(tmp_path / "data", *options) as gateway:
        url = gateway.url.replace("127.0.0.1", "localhost")
        trusted = ssl.create_default_context(cafile=certificate)
        answer = httpx.get(f"{url}/.well-known/oauth-authorization-server", verify=trusted)
        assert answer.json()["token_endpoint"].startswith("https://")


def test_a_terminal_interrupt_ends_it_in_order_too(tmp_path):
    gateway = Gateway(tmp_path / "data")
    gateway.start()

    assert gateway.interrupt() == 0


@pytest.mark.parametrize("option", ["--http", "--grpc"])
def test_an_address_that_other_machines_reach_is_refused_without_tls(tmp_path, option):
    code, stderr = refuse("--data-dir", str(tmp_path), option, "0.0.0.0:0")

    assert code == 2
    assert stderr.startswith(f"tollspan gateway: {option}: 0.0.0.0:0 can be reached from other machines")
    assert "--insecure" in stderr


@pytest.mark.parametrize(
    ("section", "path"),
    [
        ("extensions: {auth: {endpoint: '0.0.0.0:0'}}", "extensions::auth::endpoint"),
        ("extensions: {web: {endpoint: ':0'}}", "extensions::web::endpoint"),
        ("receivers: {otlp: {protocols: {grpc: {endpoint: '[::]:0'}}}}", "receivers::otlp::protocols::grpc"),
    ],
)
def test_a_file_opens_no_address_without_tls_either(tmp_path, section, path):
    config = tmp_path / "open.yaml"
    config.write_text(section + "\n")
    code, stderr = refuse("--data-dir", str(tmp_path / "data"), "--config", str(config))

    assert code == 2
    assert path in stderr
    assert "can be reached from other machines" in stderr


def test_with_tls_other_machines_may_come(tmp_path):
    """By the configuration that docs/identity.md shows."""
    [example] = re.findall(r"## TLS\n.*?```yaml\n(.*?)```", IDENTITY_PAGE.read_text(), re.DOTALL)
    config, pem = tmp_path / "tls.yaml", tmp_path / "own.pem"
    new_certificate(pem)
    config.write_text(re.sub(r"/etc/tollspan/tls\.\w+", str(pem), example))
    gateway = Gateway(tmp_path / "data", "--config", str(config))
    gateway.start("0.0.0.0:0")
    try:
        url = gateway.url.replace("127.0.0.1", "localhost")
        assert httpx.get(f"{url}/healthz", verify=ssl.create_default_context(cafile=pem)).status_code == 200
    finally:
        assert gateway.stop() == 0


def test_an_address_that_other_machines_reach_can_be_asked_for(tmp_path):
    with Gateway(tmp_path / "data", "--insecure") as gateway:
        gateway.stop()
        gateway.start("0.0.0.0:0")
        assert httpx.get(f"{gateway.url}/healthz").status_code == 200


def test_an_address_in_use_is_said_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, stderr = refuse("--data-dir", str(tmp_path), "--http", address, "--grpc", "127.0.0.1:0")

    assert code == 2
    assert f"tollspan gateway: cannot listen on {address}" in stderr
    assert "Traceback" not in stderr


def test_every_fault_of_a_configuration_file_is_named_with_its_line(tmp_path):
    config = tmp_path / "gateway.yaml"
    config.write_text("extensions:\n  auth:\n    audience: x\n  web: {stor: main}\n")
    code, stderr = refuse("--data-dir", str(tmp_path / "data"), "--config", str(config))

    assert code == 2
    assert f"{config}:3: extensions::auth::audience" in stderr
    assert f"{config}:4: extensions::web::stor" in stderr


def test_two_gateways_cannot_have_one_data_folder(tmp_path):
    with Gateway(tmp_path / "data") as gateway:
        free = ("--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
        code, stderr = refuse("--data-dir", str(gateway.data_dir), *free)

    problem = "is in use by another process; stop that one, or name another folder"
    assert (code, stderr) == (1, f"tollspan gateway: {gateway.data_dir}/telemetry {problem}\n")


NO_SERVER = "user:hunter2@127.0.0.1:1/db"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--storage", f"clickhouse://{NO_SERVER}"],
            "clickhouse://127.0.0.1:1/db cannot be reached (Connection refused); "
            "check --storage, and whether that server runs",
        ),
        (
            ["--identity", f"postgresql://{NO_SERVER}"],
            "(postgresql://user:***@127.0.0.1:1/db); check --identity, and whether that server runs",
        ),
        (
            ["--data-dir", "/dev/null"],
            "/dev/null cannot be written: File exists; name a folder of this user's",
        ),
    ],
    ids=["storage", "identity", "folder"],
)
def test_what_cannot_be_used_is_told_in_one_line_without_its_password(tmp_path, options, said):
    where = ("--data-dir", str(tmp_path), "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
    code, stderr = refuse(*where, *options)

    assert code == 1
    assert stderr.count("\n") == 1
    assert stderr.startswith("tollspan gateway: ")
    assert said in stderr
    assert "hunter2" not in stderr


def test_an_auth_process_and_an_ingest_process_share_the_identity_and_only_one_has_the_keys(tmp_path):
    """What the auth process issues, the ingest process takes, though it never had a private key to open."""
    identity = tmp_path / "identity"
    config = tmp_path / "split.yaml"
    config.write_text("extensions: {auth: {issuer: 'https://auth.example'}}\n")
    auth = Gateway(identity, "--roles", "auth", "--config", str(config))
    with auth:
        credential = auth.create_credential(permissions="write:traces")
        headers = auth.authorization(credential)
        assert auth.ui is None
        assert httpx.post(f"{auth.url}/v1/traces", headers=headers).status_code == 404
        assert httpx.get(f"{auth.url}/.well-known/jwks.json").json()["keys"]
    keys = identity / "signing-keys.json"
    private = keys.read_bytes()
    keys.unlink()
    with Gateway(identity, "--roles", "ingest", "--config", str(config)) as ingest:
        sent = TraceRequest()
        taken = httpx.post(f"{ingest.url}/v1/traces", headers=headers | OTLP, content=sent.wire)
        assert taken.status_code == 200
        assert not keys.exists()
        assert httpx.post(f"{ingest.url}/token").status_code == 404
        assert httpx.get(f"{ingest.url}/api/v1/traces", headers=headers).status_code == 404
        assert httpx.get(f"{ingest.url}/readyz").status_code == 200
    keys.write_bytes(private)


def test_no_file_with_a_private_key_is_opened_by_a_process_that_only_takes_telemetry(tmp_path):
    data_dir = tmp_path / "data"
    config = tmp_path / "split.yaml"
    config.write_text("extensions: {auth: {issuer: 'https://auth.example'}}\n")
    with Gateway(data_dir):
        pass
    os.mkfifo(tmp_path / "never-read")
    (data_dir / "signing-keys.json").rename(tmp_path / "kept")
    # Whoever opened this would wait for ever.
    (tmp_path / "never-read").rename(data_dir / "signing-keys.json")
    with Gateway(data_dir, "--roles", "ingest,query,ui", "--config", str(config)) as gateway:
        assert httpx.get(f"{gateway.url}/readyz").status_code == 200


def test_an_unknown_role_is_refused(tmp_path):
    code, stderr = refuse("--data-dir", str(tmp_path), "--roles", "ingest,king")

    assert code == 2
    assert "ingest, query, auth, ui" in stderr


def test_gateways_that_share_a_server_for_identity_know_of_each_others_credentials(tmp_path, postgresql):
    where = postgresql.new_database()
    config = tmp_path / "shared.yaml"
    config.write_text("extensions: {auth: {issuer: 'https://auth.example'}}\n")
    options = ("--identity", where, "--config", str(config))
    with Gateway(tmp_path / "one", *options) as one, Gateway(tmp_path / "two", *options) as two:
        manager = one.create_credential(permissions="manage:credentials", kind="api_key", identity=where)
        credential = one.create_credential(permissions="write:traces", identity=where)
        headers = OTLP | one.authorization(credential)
        for gateway in (one, two):
            sent = httpx.post(f"{gateway.url}/v1/traces", headers=headers, content=TraceRequest().wire)
            assert sent.status_code == 200
        revoked = httpx.delete(
            f"{one.url}/api/v1/credentials/{credential['client_id']}",
            headers={"X-API-Key": manager["api_key"]},
        )
        assert revoked.status_code == 200
        # Within a second: test_changes.py and test_authenticator.py hold the interval to that.
        for gateway in (one, two):
            while httpx.post(f"{gateway.url}/v1/traces", headers=headers).status_code != 401:
                pass

    assert not (tmp_path / "one" / "identity.db").exists()
    assert where not in one.log + two.log
