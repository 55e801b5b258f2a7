import sys
from pathlib import Path

import pytest

from helpers.components import NoConfig
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.component import Factory, Kind
from tollspan.collector.registry import build_registry, installed_factories
from tollspan.errors import ConfigError


def factory(kind=Kind.EXPORTER, type_="mine"):
    return Factory(kind=kind, type=type_, config=NoConfig, build=None)


def test_a_factory_is_found_by_kind_and_type():
    exporter, receiver = factory(), factory(Kind.RECEIVER)
    registry = build_registry([exporter, receiver])
    assert (registry[Kind.EXPORTER], registry[Kind.RECEIVER]) == ({"mine": exporter}, {"mine": receiver})
    assert registry[Kind.PROCESSOR] == {}


def test_two_factories_for_one_type_are_refused():
    with pytest.raises(ConfigError, match="exporters::debug: two installed components claim this type"):
        build_registry([*FACTORIES, factory(type_="debug")])


@pytest.fixture
def install(tmp_path: Path, monkeypatch):
    """Install a package whose module `plugin` has this source, with these entry points."""

    def install(source, *entry_points):
        (tmp_path / "tollspan_test_plugin.py").write_text(source)
        metadata = tmp_path / "tollspan_test_plugin-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: tollspan-test-plugin\nVersion: 1.0\n"
        )
        lines = ["[tollspan_components]", *(f"{name} = tollspan_test_plugin:{name}" for name in entry_points)]
        (metadata / "entry_points.txt").write_text("\n".join(lines))
        monkeypatch.syspath_prepend(tmp_path)

    yield install
    sys.modules.pop("tollspan_test_plugin", None)


PLUGIN = """
from tollspan.collector.component import Factory, Kind
from helpers.components import NoConfig
MINE = Factory(kind=Kind.EXPORTER, type="mine", config=NoConfig, build=None)
OTHER = "not a factory"
"""


def test_an_installed_package_adds_its_components(install):
    install(PLUGIN, "MINE")
    (found,) = installed_factories()
    assert build_registry([*FACTORIES, found])[Kind.EXPORTER]["mine"] is found


@pytest.mark.parametrize(
    ("source", "name", "problem"),
    [
        ("import a_module_that_is_missing", "MINE", "cannot be loaded: ModuleNotFoundError"),
        (PLUGIN, "ABSENT", "cannot be loaded: AttributeError"),
        (PLUGIN, "OTHER", "is not a Factory but a str"),
    ],
)
def test_a_component_that_does_not_load_is_named(install, source, name, problem):
    install(source, name)
    with pytest.raises(
        ConfigError, match=f"tollspan_components::{name}: tollspan_test_plugin:{name} {problem}"
    ):
        installed_factories()
