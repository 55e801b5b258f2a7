import asyncio
import io
import os
import sqlite3
import stat
import subprocess
import sys
import tarfile

import pytest

from helpers.logs import log_batch, log_record
from helpers.projections import agreed, complete
from helpers.spans import batch, span
from helpers.stores import open_store
from tollspan.errors import StoreError
from tollspan.gateway.query import logs, spans
from tollspan.gateway.query.logs import LogQuery
from tollspan.gateway.storage.backup import DRAFT, backup, restore

pytestmark = pytest.mark.xdist_group("telemetry")


async def make_data(folder, made):
    """The helpers' answers are returned: from a part with projections and one without."""
    async with open_store(folder / "telemetry") as store:
        await store.write(batch(made))
        complete(store._engine)
        await store.write(batch(span(attributes={"late": "x"})))
        await store.write(log_batch(log_record("kept")))
        answers = agreed(store._engine, [made.trace_id])
    (folder / "keys").write_text("secret")
    return answers


async def test_what_was_backed_up_is_there_again(tmp_path):
    made = span("lasting")
    data, file, again = tmp_path / "data", tmp_path / "backup.tar", tmp_path / "again"
    answers = await make_data(data, made)
    backup(data, file)
    restore(again, file)
    async with open_store(again / "telemetry") as store:
        assert agreed(store._engine, [made.trace_id]) == answers
        view = store.view("acme")
        found = await spans.get_span(view, made.trace_id.hex(), made.span_id.hex())
        page = await logs.find_logs(view, LogQuery(), limit=10)
        assert await store.write(batch(made))  # a resend is known here too
        again_found = await spans.trace_spans(view, made.trace_id.hex())
    assert (found.name, [record.body for record in page.records]) == ("lasting", ["kept"])
    assert len(again_found) == 1
    assert (again / "keys").read_text() == "secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(again.stat().st_mode) == 0o700
    assert sorted(os.listdir(again)) == ["keys", "telemetry"]


def test_an_sqlite_database_in_use_is_copied_with_what_is_committed_and_no_more(tmp_path):
    data, file, again = tmp_path / "data", tmp_path / "backup.tar", tmp_path / "again"
    data.mkdir()
    using = sqlite3.connect(data / "identity.db", isolation_level=None)
    using.execute("PRAGMA journal_mode = WAL")
    using.execute("CREATE TABLE people (name)")
    using.execute("INSERT INTO people VALUES ('committed')")
    using.execute("BEGIN IMMEDIATE")
    using.execute("INSERT INTO people VALUES ('not yet')")
    backup(data, file)
    using.close()
    restore(again, file)
    restored = sqlite3.connect(again / "identity.db")
    assert restored.execute("SELECT name FROM people").fetchall() == [("committed",)]
    restored.close()
    assert stat.S_IMODE((again / "identity.db").stat().st_mode) == 0o600


async def test_a_folder_that_another_process_has_open_and_gives_no_image_of_is_not_backed_up(tmp_path):
    data, file = tmp_path / "data", tmp_path / "backup.tar"
    async with open_store(data / "telemetry"):
        script = (
            "import pathlib, sys; from tollspan.gateway.storage.backup import backup; "
            "backup(*map(pathlib.Path, sys.argv[1:]))"
        )
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, data, file, stderr=subprocess.PIPE
        )
        _, output = await second.communicate()
    assert second.returncode == 1
    assert b"is in use by another process" in output
    assert os.listdir(tmp_path) == ["data"]


async def test_nothing_is_overwritten_by_a_restore(tmp_path):
    data, file = tmp_path / "data", tmp_path / "backup.tar"
    await make_data(data, span())
    backup(data, file)
    with pytest.raises(StoreError, match="not empty"):
        restore(data, file)


def test_what_is_no_data_folder_or_would_hold_its_own_backup_is_told(tmp_path):
    with pytest.raises(StoreError, match="not the data folder"):
        backup(tmp_path / "nothing", tmp_path / "file")
    (tmp_path / "identity.db").touch()
    with pytest.raises(StoreError, match="is in the folder that is to be saved"):
        backup(tmp_path, tmp_path / "file")


def member(name, content=b"", **facts):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for fact, value in facts.items():
        setattr(info, fact, value)
    return info, content


async def archive_of(tmp_path, kind):
    """A file that is no whole backup, in one of several ways."""
    file, data = tmp_path / "file", tmp_path / "data"
    if kind in ("cut off", "cut off after a file", "damaged"):
        await make_data(data, span())
        if kind == "damaged":
            for columns in (data / "telemetry").glob("store/*/*/20*/data.bin"):
                columns.write_bytes(bytes(reversed(columns.read_bytes())))
        backup(data, file)
        if kind != "damaged":
            with tarfile.open(file) as archive:
                middle = archive.getmembers()[len(archive.getmembers()) // 2]
            os.truncate(file, middle.offset + (0 if kind == "cut off after a file" else 700))
        return file
    members = {
        "no tar": None,
        "of something else": [member("readme", b"hello")],
        "no database": [member("identity.db", b"nothing that SQLite knows" * 100)],
        "path that escapes": [member("../escaped", b"x")],
        "link that escapes": [member("link", type=tarfile.SYMTYPE, linkname="../..")],
        "device": [member("null", type=tarfile.CHRTYPE)],
    }[kind]
    if members is None:
        file.write_bytes(b"not a tar")
    else:
        with tarfile.open(file, "w") as archive:
            for info, content in members:
                archive.addfile(info, io.BytesIO(content))
    return file


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("no tar", "cannot be restored"),
        ("of something else", "is not a backup of a gateway"),
        ("no database", "identity.db: file is not a database"),
        ("path that escapes", "outside the destination"),
        ("link that escapes", "outside the destination"),
        ("device", "is a special file"),
        ("cut off", "cut off"),
        ("cut off after a file", "cut off"),
        ("damaged", "is damaged"),
    ],
)
async def test_what_is_no_whole_backup_is_refused_in_one_line_and_leaves_nothing(tmp_path, kind, problem):
    file = await archive_of(tmp_path, kind)
    existing = tmp_path / "existing"
    (existing / DRAFT).mkdir(parents=True)  # of a restore that was killed
    for folder in (tmp_path / "new", existing):
        with pytest.raises(StoreError, match=problem) as refused:
            restore(folder, file)
        assert "\n" not in str(refused.value)
    assert not (tmp_path / "new").exists()
    assert os.listdir(existing) == []
    assert not (tmp_path / "escaped").exists()
