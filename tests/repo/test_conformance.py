"""docs/conformance.md shows the OTLP checklist, and each test that it names exists.

`python tests/repo/test_conformance.py` writes the page anew.
"""

import re
import tomllib
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "conformance.md"
STATEMENTS = tomllib.loads((TESTS / "data" / "otlp_checklist.toml").read_text())["statement"]
NAMED = sorted({name for statement in STATEMENTS for name in statement["tests"]})

INTRODUCTION = """\
# OTLP conformance

What the OpenTelemetry protocol (OTLP 1.11) asks of a server, and the tests that show how the collector's
receiver and the gateway keep it; what it asks of a client (O-27, O-40 to O-47, O-70 to O-79, O-100 to O-105),
and those of the SDK and the collector's exporters. "ours" marks what the specification leaves open. The table
is made from `tests/data/otlp_checklist.toml`; a test checks that every test it names exists.
"""


def page() -> str:
    lines = [INTRODUCTION, "| Number | Level | Statement | Shown by |", "|---|---|---|---|"]
    for statement in STATEMENTS:
        says = " ".join(filter(None, (statement["says"], statement.get("note", ""))))
        shown = "<br>".join(f"`{name}`" for name in statement["tests"])
        lines.append(f"| {statement['id']} | {statement['level']} | {says} | {shown} |")
    return "\n".join(lines) + "\n"


def test_the_page_is_made_of_the_checklist():
    assert PAGE.read_text() == page()


def test_every_statement_has_a_number_of_its_own_and_a_test():
    assert len({statement["id"] for statement in STATEMENTS}) == len(STATEMENTS)
    assert [statement["id"] for statement in STATEMENTS if not statement["tests"]] == []


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(name):
    path, _, function = name.partition("::")
    assert re.search(rf"^(async )?def {function}\(", (TESTS / path).read_text(), re.MULTILINE)


if __name__ == "__main__":
    PAGE.write_text(page())
