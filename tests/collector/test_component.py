import pytest

from helpers.components import FixedCallers, Recorder
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.component import Authenticator, Component, Kind
from tollspan.otlp.signals import Signal


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: f"{factory.kind.value}-{factory.type}")
def test_what_a_factory_builds_has_a_life_and_a_pipeline_part_consumes(factory):
    arguments = {Kind.RECEIVER: [dict.fromkeys(Signal, Recorder())], Kind.PROCESSOR: [Recorder()]}
    built = factory.build(factory.config(), *arguments.get(factory.kind, []))
    assert isinstance(built, Component)
    if factory.kind in (Kind.PROCESSOR, Kind.EXPORTER):
        assert callable(built.consume)


def test_an_authenticator_is_told_from_other_components():
    assert isinstance(FixedCallers({}), Authenticator)
    assert not isinstance(Recorder(), Authenticator)
