from pathlib import Path
from typing import Annotated

import msgspec
import pytest
import yaml

from helpers.components import NoConfig
from tollspan.collector.component import Authenticator, Factory, Kind, Reference
from tollspan.collector.config.load import load
from tollspan.collector.config.validate import validate
from tollspan.collector.exporters import debug
from tollspan.collector.processors import batch
from tollspan.collector.receivers.otlp import receiver as otlp_receiver
from tollspan.collector.registry import build_registry
from tollspan.otlp.signals import Signal


class LokiConfig(msgspec.Struct, frozen=True, kw_only=True):
    auth: Annotated[str, Reference(Authenticator)] | None = None


REGISTRY = build_registry(
    [
        otlp_receiver.FACTORY,
        debug.FACTORY,
        batch.FACTORY,
        Factory(
            kind=Kind.EXPORTER, type="loki", config=LokiConfig, build=None, signals=frozenset({Signal.LOGS})
        ),
        Factory(kind=Kind.EXTENSION, type="oidc", config=NoConfig, build=None),
    ]
)

GOOD = """
receivers: {otlp: {protocols: {http: }}, otlp/unused: {protocols: {http: {auth: {authenticator: gone}}}}}
processors: {batch: , batch/2: }
exporters: {debug: {verbosity: detailed}, loki: {auth: oidc}}
extensions: {oidc: , oidc/unused: }
service:
  extensions: [oidc]
  pipelines:
    traces: {receivers: [otlp], processors: [batch/2, batch], exporters: [debug]}
    logs/a: {receivers: [otlp], exporters: [debug, loki]}
"""


def test_a_good_configuration_becomes_parts_and_pipelines():
    configuration = validate(yaml.safe_load(GOOD), REGISTRY)
    assert configuration.extensions == ("oidc",)
    assert [(pipeline.id, pipeline.signal) for pipeline in configuration.pipelines] == [
        ("traces", Signal.TRACES),
        ("logs/a", Signal.LOGS),
    ]
    assert configuration.pipelines[0].components == {
        Kind.RECEIVER: ("otlp",),
        Kind.PROCESSOR: ("batch/2", "batch"),
        Kind.EXPORTER: ("debug",),
    }
    used = {kind: set(parts) for kind, parts in configuration.parts.items()}
    assert used == {
        Kind.RECEIVER: {"otlp"},
        Kind.PROCESSOR: {"batch", "batch/2"},
        Kind.EXPORTER: {"debug", "loki"},
        Kind.EXTENSION: {"oidc"},
    }
    assert configuration.parts[Kind.EXPORTER]["debug"].config.verbosity == "detailed"


WRONG = Path(__file__).with_name("wrong")


@pytest.mark.parametrize("path", sorted(WRONG.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_wrong_configuration_is_told_everything_at_once(path):
    """Each file starts with what must be said about it, one line of comment for each problem."""
    expected = [line[2:] for line in path.read_text().splitlines() if line.startswith("# ")]
    with pytest.raises(ExceptionGroup, match="invalid configuration") as caught:
        validate(load([str(path)]), REGISTRY)
    assert sorted(str(error) for error in caught.value.exceptions) == sorted(expected)


def test_a_text_field_gets_the_text_of_a_reference_and_a_number_its_value(monkeypatch):
    monkeypatch.setenv("TEST_NUMBER", "123")
    config = load(
        [
            yaml.safe_load(GOOD),
            {"exporters": {"named": {"text": "${env:TEST_NUMBER}", "number": "${env:TEST_NUMBER}"}}},
        ]
    )
    config["service"]["pipelines"]["traces"]["exporters"].append("named")

    class Named(msgspec.Struct, frozen=True, kw_only=True):
        text: str = ""
        number: int = 0

    named = Factory(kind=Kind.EXPORTER, type="named", config=Named, build=None)
    registry = {**REGISTRY, Kind.EXPORTER: {**REGISTRY[Kind.EXPORTER], "named": named}}
    found = validate(config, registry).parts[Kind.EXPORTER]["named"].config
    assert (found.text, found.number) == ("123", 123)
