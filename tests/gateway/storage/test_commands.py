import argparse
import asyncio
import os
import stat
import subprocess
import sys

import pytest

from helpers.logs import log_batch, log_record
from helpers.spans import batch, span
from helpers.stores import open_store
from tollspan.errors import StoreError
from tollspan.gateway.query import logs, spans
from tollspan.gateway.query.logs import LogQuery
from tollspan.gateway.storage.commands import add_arguments, backup, restore, run

pytestmark = pytest.mark.xdist_group("telemetry")


async def make_data(folder, made):
    async with open_store(folder / "telemetry") as store:
        await store.write(batch(made))
        await store.write(log_batch(log_record("kept")))
    (folder / "keys").write_text("secret")


def tollspan_storage(*arguments):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(list(map(str, arguments))))


async def test_what_was_backed_up_is_there_again(tmp_path):
    made = span("lasting")
    data, file, again = tmp_path / "data", tmp_path / "backup.tar", tmp_path / "again"
    await make_data(data, made)
    assert tollspan_storage("backup", file, "--data-dir", data) == 0
    assert tollspan_storage("restore", file, "--data-dir", again) == 0
    async with open_store(again / "telemetry") as store:
        view = store.view("acme")
        found = await spans.get_span(view, made.trace_id.hex(), made.span_id.hex())
        page = await logs.find_logs(view, LogQuery(), limit=10)
        assert await store.write(batch(made))  # a resend is known here too
        again_found = await spans.trace_spans(view, made.trace_id.hex())
    assert (found.name, [record.body for record in page.records]) == ("lasting", ["kept"])
    assert len(again_found) == 1
    assert (again / "keys").read_text() == "secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_folder_in_use_is_not_backed_up(tmp_path):
    data, file = tmp_path / "data", tmp_path / "backup.tar"
    async with open_store(data / "telemetry"):
        script = (
            "import pathlib, sys; from tollspan.gateway.storage.commands import backup; "
            "backup(*map(pathlib.Path, sys.argv[1:]))"
        )
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, data, file, stderr=subprocess.PIPE
        )
        _, output = await second.communicate()
    assert second.returncode == 1
    assert b"is another process using it?" in output
    assert os.listdir(tmp_path) == ["data"]


async def test_nothing_is_overwritten_by_a_restore(tmp_path):
    data, file = tmp_path / "data", tmp_path / "backup.tar"
    await make_data(data, span())
    backup(data, file)
    with pytest.raises(StoreError, match="not empty"):
        restore(data, file)


def test_what_is_no_backup_or_no_data_folder_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"not a tar")
    with pytest.raises(StoreError, match="cannot be restored: file could not be opened") as refused:
        restore(tmp_path / "new", tmp_path / "file")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "new").exists()
    with pytest.raises(StoreError, match="not the data folder"):
        backup(tmp_path / "nothing", tmp_path / "file")


def test_the_schema_of_a_cluster_is_printed_for_a_cluster_alone(capsys):
    assert tollspan_storage("cluster-schema", "prod") == 0
    assert "CREATE TABLE IF NOT EXISTS spans ON CLUSTER 'prod'" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        tollspan_storage("cluster-schema", "x'; DROP TABLE spans")
