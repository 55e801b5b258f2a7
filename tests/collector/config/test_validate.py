from pathlib import Path
from typing import Annotated

import msgspec
import pytest
import yaml

from helpers.components import NoConfig
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.component import Authenticator, Factory, Kind, Reference
from tollspan.collector.config.load import load
from tollspan.collector.config.validate import validate
from tollspan.collector.registry import build_registry
from tollspan.otlp.signals import Signal


class LokiConfig(msgspec.Struct, frozen=True, kw_only=True):
    auth: Annotated[str, Reference(Authenticator)] | None = None


REGISTRY = build_registry(
    [
        *FACTORIES,
        Factory(kind=Kind.PROCESSOR, type="batch", config=NoConfig, build=lambda config, consumer: consumer),
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
