import pytest

from tollspan.gateway.storage import statements

FOLDER = statements._FOLDER
# Those that a caller's question never reaches.
INTERNAL = {
    "create_schema_migrations",
    "load_request_digests",
    "load_schema_migrations",
    "record_schema_migration",
}
ASKED = sorted({file.name.removesuffix(".sql") for file in FOLDER.iterdir() if file.is_file()} - INTERNAL)


@pytest.mark.parametrize("name", ASKED)
def test_every_question_is_bound_to_one_tenant(name):
    text = statements.statement(name)
    assert text.count("FROM ") == text.count("\nFROM ") == 1
    assert "\nWHERE tenant = {tenant:String}\n  AND " in text
    assert " OR " not in "".join(
        line for line in text.splitlines() if not line.startswith("  AND (") and "HAVING" not in line
    )


@pytest.mark.parametrize("name", ASKED)
def test_every_question_about_spans_is_bound_to_datasets(name):
    text = statements.statement(name)
    bound = "AND (empty({datasets:Array(String)}) OR dataset IN {datasets:Array(String)})" in text
    assert bound == ("\nFROM spans\n" in text)


def test_migrations_are_numbered_without_gaps():
    names = list(statements.migrations())
    assert [name[:5] for name in names] == [f"{number:04}_" for number in range(1, len(names) + 1)]
