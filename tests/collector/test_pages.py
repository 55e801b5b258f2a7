"""The configurations in docs/collector are valid, whole."""

import re
from pathlib import Path

import pytest

from tollspan.collector import graph
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.config.load import load
from tollspan.collector.config.validate import validate
from tollspan.collector.registry import build_registry

PAGES = Path(__file__).parents[2] / "docs" / "collector"
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLES = [
    pytest.param(text, id=f"{path.relative_to(PAGES)}-{number}")
    for path in sorted(PAGES.rglob("*.md"))
    for number, text in enumerate(BLOCK.findall(path.read_text()))
    if "\nservice:" in text
]


@pytest.mark.parametrize("example", EXAMPLES)
async def test_an_example_can_be_run_as_it_stands(example):
    graph.build(validate(load([f"yaml:{example}"]), build_registry(FACTORIES)))


def test_every_link_between_the_pages_leads_somewhere():
    links = [
        path.parent / link
        for path in PAGES.rglob("*.md")
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text())
    ]
    assert [str(link) for link in links if not link.exists()] == []
