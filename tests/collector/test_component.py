import msgspec
import pytest

from helpers.components import FixedCallers, Recorder
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.component import Authenticator, Component, Kind
from tollspan.collector.extensions.basicauth import HtpasswdConfig
from tollspan.otlp.signals import Signal

EITHER = {"htpasswd": HtpasswdConfig()}
"""Settings of which a component needs one, though none by itself is required."""


def plainest(config):
    """A configuration with nothing but what is required."""
    fields = msgspec.structs.fields(config)
    required = {field.name: "http://localhost:1" for field in fields if field.required}
    return config(**required, **{f.name: EITHER[f.name] for f in fields if f.name in EITHER})


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: f"{factory.kind.value}-{factory.type}")
def test_what_a_factory_builds_has_a_life_and_a_pipeline_part_consumes(factory):
    arguments = {Kind.RECEIVER: [dict.fromkeys(Signal, Recorder())], Kind.PROCESSOR: [Recorder()]}
    built = factory.build(plainest(factory.config), *arguments.get(factory.kind, []))
    assert isinstance(built, Component)
    if factory.kind in (Kind.PROCESSOR, Kind.EXPORTER):
        assert callable(built.consume)


def test_an_authenticator_is_told_from_other_components():
    assert isinstance(FixedCallers({}), Authenticator)
    assert not isinstance(Recorder(), Authenticator)
