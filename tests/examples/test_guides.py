"""The guides' programs run, and the files, commands and variables they name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples.conftest import Run
from helpers.otlp_peer import OTLPPeer
from tollspan.cli import COMMANDS
from tollspan.gateway.authserver.commands import IDENTITY_VARIABLE
from tollspan.gateway.commands import STORAGE_VARIABLE
from tollspan.sdk.settings import ROWS, variable

GATEWAY = {IDENTITY_VARIABLE, STORAGE_VARIABLE}
GUIDES = sorted((Path(__file__).parents[2] / "docs" / "guides").glob("*.md"))
PROGRAMS = [
    pytest.param(block, id=f"{guide.stem}-{number}")
    for guide in GUIDES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", guide.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_program_of_a_guide_runs(peer: OTLPPeer, run: Run, program: str):
    run("-W", "error", "-c", program)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_a_guide_names_what_exists(guide: Path):
    text = guide.read_text()
    known = {variable(name) for name in ROWS} | {f"{variable(name)}_FILE" for name in ROWS} | GATEWAY

    assert [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not (guide.parent / link).exists()] == []
    assert set(re.findall(r"TOLLSPAN_[A-Z_]+", text)) <= known
    assert set(re.findall(r"tollspan ([a-z]+) ", text)) & {"run", "doctor", "collector"} <= {
        c.name for c in COMMANDS
    }


def test_every_guide_is_reached_from_the_first():
    pages = {guide.name: set(re.findall(r"\]\((\w[\w-]*\.md)\)", guide.read_text())) for guide in GUIDES}
    reached, waiting = set(), {"choosing.md"}
    while waiting:
        page = waiting.pop()
        reached.add(page)
        waiting |= pages[page] - reached

    assert reached == set(pages)
