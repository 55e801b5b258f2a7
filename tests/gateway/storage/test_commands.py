import argparse

import pytest

from helpers.stores import open_store
from tollspan.gateway.storage.commands import add_arguments, run

pytestmark = pytest.mark.xdist_group("telemetry")


def tollspan_storage(*arguments):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(list(map(str, arguments))))


async def test_a_folder_is_backed_up_restored_and_checked(tmp_path):
    async with open_store(tmp_path / "data" / "telemetry"):
        pass
    assert tollspan_storage("backup", tmp_path / "file", "--data-dir", tmp_path / "data") == 0
    assert tollspan_storage("restore", tmp_path / "file", "--data-dir", tmp_path / "again") == 0
    assert tollspan_storage("check", "--data-dir", tmp_path / "again") == 0


def test_the_schema_of_a_cluster_is_printed_for_a_cluster_alone(capsys):
    assert tollspan_storage("cluster-schema", "prod") == 0
    assert "CREATE TABLE IF NOT EXISTS spans ON CLUSTER 'prod'" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        tollspan_storage("cluster-schema", "x'; DROP TABLE spans")
