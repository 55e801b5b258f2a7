import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from tollspan.errors import ConfigError, StoreError
from tollspan.gateway.authserver.database import FILE_NAME, open_database


@pytest.fixture
def database(where):
    made = open_database(where)
    yield made
    made.close()


@pytest.fixture
def file(tmp_path):
    """A database that is a file."""
    made = open_database(tmp_path / "deep" / "data")
    yield made
    made.close()


def count(connection):
    return connection.execute(text("SELECT count(*) FROM credentials")).scalar_one()


def insert(connection, credential_id):
    connection.execute(
        text(
            "INSERT INTO credentials (id, kind, name, tenant, datasets, permissions, created_s)"
            " VALUES (:id, 'oauth2', 'n', 't', '[]', '[]', 0)"
        ),
        {"id": credential_id},
    )


def test_its_files_are_for_their_owner_only(file, tmp_path):
    with file.writing() as connection:
        insert(connection, "a")
    files = list((tmp_path / "deep" / "data").iterdir())

    assert {file.name for file in files} >= {FILE_NAME, f"{FILE_NAME}-wal"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "deep" / "data").stat().st_mode) == 0o700


def test_a_transaction_that_fails_leaves_nothing(database):
    def fail_halfway():
        with database.writing() as connection:
            insert(connection, "a")
            raise KeyError

    with pytest.raises(KeyError):
        fail_halfway()

    with database.reading() as connection:
        assert count(connection) == 0


def test_a_reader_is_not_held_up_by_a_writer_and_sees_what_was_committed(database):
    with database.writing() as writer:
        insert(writer, "a")
        with database.reading() as reader:
            assert count(reader) == 0
    with database.reading() as reader:
        assert count(reader) == 1


def test_a_database_error_becomes_a_store_error_without_the_parameters(database):
    def twice():
        with database.writing() as connection:
            insert(connection, "s3cr3t")
            insert(connection, "s3cr3t")

    with pytest.raises(StoreError, match=r"(?i)unique") as raised:
        twice()

    assert "s3cr3t" not in str(raised.value)


def test_opening_again_keeps_what_is_there(database, where):
    with database.writing() as connection:
        insert(connection, "a")
    again = open_database(where)

    with again.reading() as connection:
        assert count(connection) == 1
    again.close()


def test_a_database_of_a_newer_version_is_left_alone(database, where):
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreError, match="newer Tollspan") as raised:
        open_database(where)

    assert not raised.value.retryable


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match="file"):
        open_database(tmp_path / "file" / "data")


def test_a_file_that_is_no_database_is_an_error_and_stays(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"something else entirely" * 100)

    with pytest.raises(StoreError, match="not a database"):
        open_database(tmp_path)

    assert (tmp_path / FILE_NAME).read_bytes().startswith(b"something else")


@pytest.mark.parametrize("url", ["mysql://user:s3cr3t@host/db", "sqlite:///s3cr3t.db", "s3cr3t"])
def test_a_url_of_another_engine_is_refused_without_being_quoted(url):
    with pytest.raises(ConfigError, match="identity") as raised:
        open_database(url)

    assert "s3cr3t" not in str(raised.value)


def test_a_server_that_is_not_there_is_an_error_without_the_password():
    with pytest.raises(StoreError, match="identity database") as raised:
        open_database("postgresql://user:s3cr3t@127.0.0.1:1/db")

    assert "s3cr3t" not in str(raised.value)


def test_two_writers_take_turns_and_none_decides_by_what_the_other_changed(database):
    def note_once(_):
        with database.writing() as connection:
            if count(connection) == 0:
                insert(connection, "only")
                return 1
        return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(note_once, range(16))) == 1


def test_a_write_that_is_not_announced_keeps_the_change_number(database):
    before = database.change_number()
    with database.writing(announced=False) as connection:
        insert(connection, "a")
    assert database.change_number() == before
    with database.writing() as connection:
        insert(connection, "b")

    assert database.change_number() > before


def test_processes_that_open_a_new_database_at_the_same_moment_all_succeed(where):
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from tollspan.gateway.authserver.credential import CredentialDraft
        from tollspan.gateway.authserver.identity import Identity
        print("ready", flush=True)
        sys.stdin.readline()
        where = sys.argv[1]
        identity = Identity.open(where if "://" in where else Path(where))
        identity.credentials.create(CredentialDraft("n", ("write:traces",)))
        identity.close()
    """)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, where], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)

    assert [process.returncode for process in processes] == [0] * 4
    database = open_database(where)
    with database.reading() as connection:
        assert count(connection) == 4
    database.close()
