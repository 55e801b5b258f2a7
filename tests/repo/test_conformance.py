"""docs/conformance.md shows the checklists of OTLP and of identity, and each test that they name exists.

`python tests/repo/test_conformance.py` writes the page anew.
"""

import re
import tomllib
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "conformance.md"
CHECKLISTS = ("otlp_checklist", "identity_checklist")

INTRODUCTIONS = (
    """\
# OTLP conformance

What the OpenTelemetry protocol (OTLP 1.11) asks of a server, and the tests that show how the collector's
receiver and the gateway keep it; what it asks of a client (O-27, O-40 to O-47, O-70 to O-79, O-100 to O-105),
and those of the SDK and the collector's exporters. "ours" marks what the specification leaves open. The table
is made from `tests/data/otlp_checklist.toml`; a test checks that every test it names exists.
""",
    """\
# Identity and security

What OAuth 2.0 (RFC 6749, 7009, 7523, 7662, 8414, 8707, 9068, 9700, 9728) and its known attacks ask of the
gateway: A of the token endpoint, R of whatever takes a token, K of secrets at rest, T the attacks that are
tried. The level says how far a statement holds: kept, partly, or not done. The table is made from
`tests/data/identity_checklist.toml`.
""",
)


def statements_of(checklist: str):
    return tomllib.loads((TESTS / "data" / f"{checklist}.toml").read_text())["statement"]


STATEMENTS = {checklist: statements_of(checklist) for checklist in CHECKLISTS}
NAMED = sorted({name for every in STATEMENTS.values() for one in every for name in one["tests"]})


def page() -> str:
    tables = (table(statements) for statements in STATEMENTS.values())
    return "\n".join(map("\n".join, zip(INTRODUCTIONS, tables, strict=True)))


def table(statements) -> str:
    lines = ["| Number | Level | Statement | Shown by |", "|---|---|---|---|"]
    for statement in statements:
        says = " ".join(filter(None, (statement["says"], statement.get("note", ""))))
        shown = "<br>".join(f"`{name}`" for name in statement["tests"])
        lines.append(f"| {statement['id']} | {statement['level']} | {says} | {shown} |")
    return "\n".join(lines) + "\n"


def test_the_page_is_made_of_the_checklists():
    assert PAGE.read_text() == page()


@pytest.mark.parametrize("checklist", CHECKLISTS)
def test_every_statement_has_a_number_of_its_own_and_a_test(checklist):
    statements = STATEMENTS[checklist]
    assert len({statement["id"] for statement in statements}) == len(statements)
    untested = [one for one in statements if not one["tests"]]
    # What does not hold, or not wholly, says so and why.
    assert [one["id"] for one in untested if one["level"] not in {"partly", "not done"}] == []
    assert [one["id"] for one in untested if not one.get("note")] == []


def test_every_number_of_identity_is_there():
    wanted = [f"A-{n:02}" for n in range(1, 33)] + [f"R-{n:02}" for n in range(1, 14)]
    wanted += [f"K-{n:02}" for n in range(1, 7)] + [f"T-{n}" for n in range(40, 56)]
    assert [statement["id"] for statement in STATEMENTS["identity_checklist"]] == wanted


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(name):
    path, _, function = name.partition("::")
    assert re.search(rf"^(async )?def {function}\(", (TESTS / path).read_text(), re.MULTILINE)


if __name__ == "__main__":
    PAGE.write_text(page())
