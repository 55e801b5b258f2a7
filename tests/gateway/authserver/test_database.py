import stat
import subprocess
import sys
import textwrap

import pytest
from sqlalchemy import text

from tollspan.errors import StoreError
from tollspan.gateway.authserver.database import FILE_NAME, open_database, reading, writing


@pytest.fixture
def engine(tmp_path):
    made = open_database(tmp_path / "deep" / "data")
    yield made
    made.dispose()


def count(connection):
    return connection.execute(text("SELECT count(*) FROM credentials")).scalar_one()


def insert(connection, credential_id):
    connection.execute(
        text("INSERT INTO credentials VALUES (:id, 'oauth2', 'n', 't', '[]', '[]', 0, NULL, NULL)"),
        {"id": credential_id},
    )


def test_its_files_are_for_their_owner_only(engine, tmp_path):
    with writing(engine) as connection:
        insert(connection, "a")
    files = list((tmp_path / "deep" / "data").iterdir())

    assert {file.name for file in files} >= {FILE_NAME, f"{FILE_NAME}-wal"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "deep" / "data").stat().st_mode) == 0o700


def test_a_transaction_that_fails_leaves_nothing(engine):
    def fail_halfway():
        with writing(engine) as connection:
            insert(connection, "a")
            raise KeyError

    with pytest.raises(KeyError):
        fail_halfway()

    with reading(engine) as connection:
        assert count(connection) == 0


def test_a_reader_is_not_held_up_by_a_writer_and_sees_what_was_committed(engine):
    with writing(engine) as writer:
        insert(writer, "a")
        with reading(engine) as reader:
            assert count(reader) == 0
    with reading(engine) as reader:
        assert count(reader) == 1


def test_a_database_error_becomes_a_store_error_without_the_parameters(engine):
    def twice():
        with writing(engine) as connection:
            insert(connection, "s3cr3t")
            insert(connection, "s3cr3t")

    with pytest.raises(StoreError, match="UNIQUE") as raised:
        twice()

    assert "s3cr3t" not in str(raised.value)


def test_opening_again_keeps_what_is_there(engine, tmp_path):
    with writing(engine) as connection:
        insert(connection, "a")
    again = open_database(tmp_path / "deep" / "data")

    with reading(again) as connection:
        assert count(connection) == 1
    again.dispose()


def test_a_database_of_a_newer_version_is_left_alone(engine, tmp_path):
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreError, match="newer Tollspan") as raised:
        open_database(tmp_path / "deep" / "data")

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


def test_processes_that_open_a_new_database_at_the_same_moment_all_succeed(tmp_path):
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from tollspan.gateway.authserver.credential import CredentialDraft
        from tollspan.gateway.authserver.credentials import CredentialStore
        print("ready", flush=True)
        sys.stdin.readline()
        store = CredentialStore(Path(sys.argv[1]))
        store.create(CredentialDraft("n", ("write:traces",)))
        store.close()
    """)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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
    engine = open_database(tmp_path)
    with reading(engine) as connection:
        assert count(connection) == 4
    engine.dispose()
