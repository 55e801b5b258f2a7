from importlib import import_module

import pytest

from tollspan.collector.builtins import FACTORIES


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: f"{factory.kind.value}-{factory.type}")
def test_a_component_lives_where_its_yaml_key_says(factory):
    module = import_module(f"tollspan.collector.{factory.kind.value}.{factory.type}")
    assert factory.build.__module__.startswith(module.__name__)
    assert f"{factory.kind.value}:\n" in module.__doc__
    assert factory.config.__doc__
