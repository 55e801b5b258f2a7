import ssl

import pytest
import trustme

from tollspan.collector.tls import ReloadedContext, TLSClientConfig, TLSServerConfig
from tollspan.errors import ConfigError
from tollspan.oauth2.secret import Secret


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def files(authority, tmp_path):
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return {f"{name}_file": str(tmp_path / f"{name}.pem") for name in ("ca", "cert", "key")}


def handshake(client, server, name="localhost"):
    """Both sides of a TLS connection in memory, until both have finished; raises what either raises."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while sides:
        for side in list(sides):
            try:
                side.do_handshake()
                sides.remove(side)
            except ssl.SSLWantReadError:
                pass


def pair(files):
    return {"cert_file": files["cert_file"], "key_file": files["key_file"]}


def test_a_named_authority_is_trusted_and_no_other(files):
    server = TLSServerConfig(**pair(files)).context()
    handshake(TLSClientConfig(ca_file=files["ca_file"]).context(), server)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(TLSClientConfig().context(), server)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(TLSClientConfig(ca_file=files["ca_file"]).context(), server, "elsewhere")


def test_verification_is_left_out_only_when_said(files):
    handshake(TLSClientConfig(insecure_skip_verify=True).context(), TLSServerConfig(**pair(files)).context())


def test_a_listener_may_ask_for_certificates(authority, files):
    server = TLSServerConfig(client_ca_file=files["ca_file"], **pair(files)).context()
    handshake(TLSClientConfig(**files).context(), server)
    client = TLSClientConfig(ca_file=files["ca_file"], max_version="1.2").context()
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        handshake(client, server)


def test_pem_texts_serve_as_files_do(authority):
    issued = authority.issue_cert("localhost")
    server = TLSServerConfig(
        cert_pem=Secret(issued.cert_chain_pems[0].bytes().decode()),
        key_pem=Secret(issued.private_key_pem.bytes().decode()),
    )
    client = TLSClientConfig(ca_pem=Secret(authority.cert_pem.bytes().decode()))
    handshake(client.context(), server.context())


def test_versions_bound_what_is_spoken(files):
    server = TLSServerConfig(min_version="1.3", **pair(files)).context()
    with pytest.raises(ssl.SSLError):
        handshake(TLSClientConfig(ca_file=files["ca_file"], max_version="1.2").context(), server)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"ca_file": "x", "ca_pem": Secret("y")},
            "provide either a CA file or the PEM-encoded string, but not both",
        ),
        ({"cert_file": "x"}, "a certificate needs its key, and a key its certificate"),
        ({"min_version": "1.3", "max_version": "1.2"}, "min_version cannot be greater than max_version"),
    ],
)
def test_settings_that_do_not_fit_are_problems(settings, problem):
    assert any(problem in str(error) for error in TLSClientConfig(**settings).problems())


def test_a_listener_without_a_certificate_is_a_problem():
    assert [error.problem for error in TLSServerConfig().problems()] == [
        "a listener with TLS needs a certificate"
    ]


def test_files_that_cannot_be_used_are_named(files, tmp_path):
    for key, text in (("ca_file", "no PEM"), ("cert_file", "no PEM")):
        (tmp_path / "bad.pem").write_text(text)
        with pytest.raises(ConfigError, match=f"^{key}: "):
            TLSClientConfig(**files | {key: str(tmp_path / "bad.pem")}).context()
    with pytest.raises(ConfigError, match=r"^ca_file: cannot read /nowhere: No such file"):
        TLSClientConfig(ca_file="/nowhere").context()


def test_files_are_read_again_after_the_interval_and_kept_when_they_are_bad(files):
    kept = ReloadedContext(TLSClientConfig(ca_file=files["ca_file"]))
    assert kept.get() is kept.get()

    reloaded = ReloadedContext(TLSClientConfig(ca_file=files["ca_file"], reload_interval_s=1e-9))
    first = reloaded.get()
    assert reloaded.get() is not first
    with open(files["ca_file"], "w") as file:
        file.write("half a certif")
    last = reloaded.get()
    assert reloaded.get() is last
