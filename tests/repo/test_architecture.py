"""ARCHITECTURE.md names the functions that each flow passes: they exist."""

import re
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "ARCHITECTURE.md"
HOPS = re.findall(r"`(tollspan(?:\.\w+)+):([\w.]+)`", PAGE.read_text())


def test_each_of_the_three_flows_has_hops():
    flows = PAGE.read_text().split("\n### ")[1:]

    assert len(flows) == 3
    assert all(len(re.findall(r"^\d+\. `tollspan", flow, re.MULTILINE)) >= 4 for flow in flows)


@pytest.mark.parametrize(("module", "name"), HOPS)
def test_the_hop_exists(module: str, name: str):
    assert callable(attrgetter(name)(import_module(module)))
