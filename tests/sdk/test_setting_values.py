from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from tollspan.errors import ConfigError
from tollspan.oauth2.secret import Secret
from tollspan.sdk import setting_values as values
from tollspan.sdk.setting_values import Kind, read_credential

SECRET = "hunter2-do-not-show"


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (values.TEXT, " shop ", "shop"),
        (values.URL, "https://gate.example/otlp/", "https://gate.example/otlp"),
        (values.CREDENTIAL, " key\n", Secret("key")),
        (values.CREDENTIAL, Secret("key"), Secret("key")),
        (values.CREDENTIAL, Path("/run/key"), Path("/run/key")),
        (values.WORDS, "write:traces, write:logs", ("write:traces", "write:logs")),
        (values.WORDS, ["a", "b"], ("a", "b")),
        (values.PAIRS, "team=a%20b, tier=1", {"team": "a b", "tier": "1"}),
        (values.PAIRS, {"shard": 1}, {"shard": 1}),
        (values.HEADERS, "X-Dataset=shop", {"x-dataset": Secret("shop")}),
        (values.NUMBER, "0.5", 0.5),
        (values.COUNT, "512", 512),
        (values.COUNT, 512, 512),
        (values.FLAG, "True", True),
        (values.FLAG, False, False),
        (values.COMPRESSION, "none", "identity"),
        (values.DESTINATION, " axiom ", "axiom"),
        (values.DATASETS, "shop", {"traces": "shop", "metrics": "shop", "logs": "shop"}),
        (values.DATASETS, "traces=a, logs=b", {"traces": "a", "logs": "b"}),
        (values.DATASETS, {"metrics": "c"}, {"metrics": "c"}),
        (values.PROTOCOL, "grpc", "grpc"),
        (values.AUTH_METHOD, "private_key_jwt", "private_key_jwt"),
        (values.HEADER_NAME, "X-API-Key", "x-api-key"),
        (values.UNIT_SOURCE, "acme", "acme"),
        (values.UNIT_SOURCE, print, print),
        (values.SAMPLER, ALWAYS_OFF, ALWAYS_OFF),
    ],
)
def test_a_value_is_read(kind: Kind, given: object, value: object) -> None:
    assert kind.read(given) == value


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (values.TEXT, " "),
        (values.TEXT, 7),
        (values.URL, "gate.example"),
        (values.URL, "ftp://gate"),
        (values.URL, "https://"),
        (values.URL, "https://user:password@gate"),
        (values.URL, "https://gate:x"),
        (values.URL, "https://gate?key=1"),
        (values.CREDENTIAL, "line\nbreak"),
        (values.CREDENTIAL, "schlüssel"),
        (values.CREDENTIAL, 7),
        (values.WORDS, 7),
        (values.DESTINATION, "Axiom Inc"),
        (values.DATASETS, "spans=a"),
        (values.DATASETS, "line\nbreak"),
        (values.PROTOCOL, "http/json"),
        (values.AUTH_METHOD, "none"),
        (values.HEADER_NAME, "X API Key"),
        (values.PAIRS, "novalue"),
        (values.PAIRS, 7),
        (values.HEADERS, "authorization: Bearer x"),
        (values.HEADERS, {"x": "line\nbreak"}),
        (values.HEADERS, {"bad name": "x"}),
        (values.NUMBER, "often"),
        (values.NUMBER, "nan"),
        (values.NUMBER, "-1"),
        (values.NUMBER, object()),
        (values.COUNT, "1.5"),
        (values.COUNT, 0),
        (values.FLAG, "perhaps"),
        (values.COMPRESSION, "zstd"),
        (values.UNIT_SOURCE, ""),
        (values.UNIT_SOURCE, 7),
        (values.SAMPLER, "always_on"),
    ],
)
def test_what_cannot_be_read_is_refused(kind: Kind, given: object) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        kind.read(given)


def test_a_credential_file_is_read_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    assert read_credential(file) == Secret(SECRET)
    file.write_text("rotated")
    assert read_credential(file) == Secret("rotated")


@pytest.mark.parametrize("content", [None, b"", b"two\nlines", b"\xff"])
def test_a_file_without_a_credential_is_said_without_its_content(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match="holds no credential") as error:
        read_credential(file)
    assert "lines" not in str(error.value)
