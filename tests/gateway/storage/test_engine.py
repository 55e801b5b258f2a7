import os
import stat
import subprocess
import sys
import threading
from array import array

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tollspan.errors import StoreError
from tollspan.gateway.storage._native import Block, Rows
from tollspan.gateway.storage.engine import Engine

pytestmark = pytest.mark.xdist_group("telemetry")

TEXTS = st.text() | st.text(st.sampled_from("\\'\"\t\n\r\b\0N[]{}%?,"))


@pytest.fixture
def engine(tmp_path):
    made = Engine(tmp_path)
    made.execute("CREATE TABLE numbers (number UInt64) ENGINE = MergeTree ORDER BY number")
    yield made
    made.close()


@given(
    text=TEXTS,
    texts=st.lists(TEXTS),
    ids=st.lists(st.binary(min_size=4, max_size=4)),
    number=st.integers(-(2**63), 2**63 - 1),
)
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parameters_arrive_as_they_are(engine, text, texts, ids, number):
    sql = """
        SELECT {text:String} AS text, {texts:Array(String)} AS texts, {number:Int64} AS number,
               arrayMap(id -> lower(hex(id)), {ids:Array(FixedString(4))}) AS ids
    """
    parameters = {"text": text, "texts": texts, "number": number, "ids": ids}
    assert engine.rows(sql, parameters) == [parameters | {"ids": [own.hex() for own in ids]}]


def test_numbers_that_json_lacks_come_as_text(engine):
    [row] = engine.rows("SELECT nan AS nan, -1/0 AS infinity, toUInt64(-1) AS big, [1, 2] AS list", {})
    assert row == {"nan": "nan", "infinity": "-inf", "big": 2**64 - 1, "list": [1, 2]}


def test_an_alias_does_not_hide_the_column_of_its_name(engine):
    engine.execute("INSERT INTO numbers VALUES (7)")
    sql = "SELECT toString(number) AS number FROM numbers WHERE number = {number:UInt64}"
    assert engine.rows(sql, {"number": 7}) == [{"number": "7"}]


def test_what_the_database_refuses_is_a_store_error(engine):
    with pytest.raises(StoreError, match="Unknown table"):
        engine.rows("SELECT 1 FROM nothing", {})
    with pytest.raises(StoreError, match="Code: "):
        engine.insert("numbers", b"not a block")
    assert engine.rows("SELECT count() AS rows FROM numbers", {}) == [{"rows": 0}]


@pytest.mark.parametrize(
    ("columns", "options", "problem"),
    [
        ("number UInt64, CONSTRAINT small CHECK number < 10", "", "VIOLATED_CONSTRAINT"),
        (
            "number UInt64",
            "SETTINGS min_free_disk_bytes_to_perform_insert = 1000000000000000",
            "NOT_ENOUGH_SPACE",
        ),
    ],
)
def test_an_insert_that_fails_late_is_a_store_error_and_leaves_nothing(engine, columns, options, problem):
    block = Block(20)
    block.numbers("number", "UInt64", 8, [(array("Q", range(20)), None, Rows.every(20))])
    engine.execute(f"CREATE TABLE strict ({columns}) ENGINE = MergeTree ORDER BY () {options}")
    engine.insert("numbers", bytes(block))
    with pytest.raises(StoreError, match=problem):
        engine.insert("strict", bytes(block))
    assert engine.rows("SELECT count() AS rows FROM numbers", {}) == [{"rows": 20}]
    assert engine.rows("SELECT count() AS rows FROM strict", {}) == [{"rows": 0}]


def test_a_statement_is_stopped_when_it_takes_too_much(engine):
    with pytest.raises(StoreError, match="MEMORY_LIMIT_EXCEEDED"):
        engine.execute("SELECT groupArray(number) FROM numbers(1000000000)")


def test_threads_ask_at_the_same_time(engine):
    # Each statement waits for the other's row, so one after the other they would never end.
    meeting = threading.Barrier(2, timeout=30)
    answers = []

    def ask():
        engine.rows("SELECT 1", {})
        meeting.wait()
        answers.append(engine.rows("SELECT sleep(0.1)", {}))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 2


def test_a_second_process_is_told_why_it_cannot_open_the_directory(engine, tmp_path):
    script = (
        "import sys, pathlib; from tollspan.gateway.storage.engine import Engine; "
        "Engine(pathlib.Path(sys.argv[1])).execute('SELECT 1')"
    )
    second = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"{tmp_path} is in use by another process" in second.stderr


def test_the_folders_that_it_makes_are_their_owners_alone(tmp_path):
    path = tmp_path / "data" / "telemetry"
    engine = Engine(path)
    engine.execute("SELECT 1")
    engine.close()
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path)] == [0o700, 0o700]


def test_a_directory_that_cannot_be_made_is_named_with_the_reason(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"/file cannot be written: File exists"):
        Engine(tmp_path / "file" / "telemetry").execute("SELECT 1")


def test_what_the_database_says_of_a_directory_is_told_in_one_line(tmp_path):
    (tmp_path / "data").touch()
    with pytest.raises(StoreError, match="cannot be opened: ") as refused:
        Engine(tmp_path).execute("SELECT 1")
    assert "Stack trace" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_that_may_not_be_written_to_is_told_in_our_words_alone(tmp_path):
    tmp_path.chmod(0o500)
    script = "import pathlib, sys; from tollspan.gateway.storage.engine import Engine; "
    script += "Engine(pathlib.Path(sys.argv[1])).rows('SELECT 1', {})"
    # Root may write everywhere, unless it gives that up.
    command = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", sys.executable, "-c", script, tmp_path]
    done = subprocess.run(command[3 * bool(os.geteuid()) :], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith(
        f"{tmp_path}/status cannot be written: Permission denied; name a folder of this user's"
    )
    assert "DB::" not in done.stderr
