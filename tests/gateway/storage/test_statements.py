import re

import pytest

from tollspan.gateway.storage import statements

FOLDER = statements._FOLDER
# Those that a caller's question never reaches.
INTERNAL = {
    "check_table",
    "count_expired",
    "count_items",
    "count_part",
    "create_schema_migrations",
    "drop_partition",
    "erase_items",
    "expire_items",
    "find_broken_parts",
    "find_days",
    "find_incomplete_parts",
    "find_partitions",
    "freeze_table",
    "keep_request_digests",
    "load_callees",
    "load_callers",
    "load_request_digests",
    "load_schema_migrations",
    "materialize_projections",
    "record_schema_migration",
    "set_part_aside",
}
ASKED = sorted({file.name.removesuffix(".sql") for file in FOLDER.iterdir() if file.is_file()} - INTERNAL)


OWN = "WHERE tenant = {tenant:String}"
OWN_DATASETS = "AND dataset IN {datasets:Array(String)} -- if datasets"
ENVELOPES = {"resources", "instrumentation_scopes"}


@pytest.mark.parametrize("name", ASKED)
def test_every_question_is_bound_to_one_tenant_and_its_datasets(name):
    text = statements.statement(name)
    read = re.findall(r"\bFROM (\w+)\s+(.*)\n\s+(.*)", text)
    assert len(read) == len(re.findall(r"\b(?:FROM|JOIN)\s+[^(\s]", text)) > 0
    for table, first, second in read:
        assert first.removeprefix("PRE") == OWN
        assert table in ENVELOPES or second == OWN_DATASETS
    # The conditions hold together: an alternative stands in brackets or says which groups to take.
    conditions = [line.strip() for line in text.partition(OWN)[2].splitlines()]
    assert not [line for line in conditions if line.startswith("OR ")]
    assert not [line for line in conditions if line.startswith("AND ") and " OR " in line and line[4] != "("]


@pytest.mark.parametrize("name", ASKED)
def test_what_may_be_left_out_is_a_condition_that_needs_the_parameter_it_is_left_out_without(name):
    for line in statements.statement(name).splitlines():
        condition, optional, parameter = line.partition(" -- if ")
        if optional:
            assert re.match(r" *AND |HAVING ", condition)
            flags = {"bounded", "errors", "paged", "roots"}
            assert parameter in flags or f"{{{parameter}:" in condition


@pytest.mark.parametrize("name", sorted(INTERNAL))
def test_what_the_store_does_for_itself_leaves_nothing_out(name):
    assert " -- if " not in statements.statement(name)


def test_a_condition_is_left_out_where_its_parameter_is_empty_and_only_there():
    asked = {"tenant": "acme", "datasets": ["shop"], "trace_ids": [b"\x01" * 16]}
    assert "dataset IN {datasets" in statements.fill("find_trace_slots", asked)
    everywhere = statements.fill("find_trace_slots", asked | {"datasets": ()})
    assert "dataset" not in everywhere
    assert "tenant = {tenant:String}" in everywhere
    with pytest.raises(KeyError, match="datasets"):
        statements.fill("find_trace_slots", {"tenant": "acme"})


def test_migrations_are_numbered_without_gaps():
    names = list(statements.migrations())
    assert [name[:5] for name in names] == [f"{number:04}_" for number in range(1, len(names) + 1)]


def test_a_cluster_gets_the_same_tables_replicated_on_every_node():
    schema = statements.cluster_schema("prod")
    created = re.findall(r"^(?:CREATE TABLE IF NOT EXISTS|ALTER TABLE) \w+(.*)$", schema, re.MULTILINE)
    assert len(created) == len(statements.migrations())
    assert all(rest.startswith(" ON CLUSTER 'prod'") for rest in created)
    engines = re.findall(r"^ENGINE = (\w+)", schema, re.MULTILINE)
    assert set(engines) == {"ReplicatedMergeTree", "ReplicatedReplacingMergeTree"}
