import pytest

from helpers.spans import batch, span
from helpers.stores import open_store
from tollspan.errors import StoreError
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.image import IMAGE, SHADOW
from tollspan.gateway.storage.statements import migrations

pytestmark = pytest.mark.xdist_group("telemetry")


async def test_an_image_can_be_opened_and_has_what_was_stored_before_it_and_nothing_later(tmp_path):
    folder = tmp_path / "telemetry"
    async with open_store(folder) as store:
        await store.write(batch(span("before")))
        async with store.image():
            await store.write(batch(span("later")))
            (folder / IMAGE).rename(tmp_path / "image")
    engine = Engine(tmp_path / "image")
    try:
        names = [row["name"] for row in engine.rows("SELECT name FROM spans", {})]
        resources = engine.rows("SELECT count() AS number FROM resources", {})
        applied = {row["name"] for row in engine.rows("SELECT name FROM schema_migrations", {})}
    finally:
        engine.close()
    assert names == ["before"]
    assert resources == [{"number": 1}]
    assert applied == migrations().keys()


async def test_the_files_of_an_image_take_no_space_of_their_own_and_go_after_the_block(tmp_path):
    folder = tmp_path / "telemetry"
    async with open_store(folder) as store:
        await store.write(batch(span()))
        with pytest.raises(RuntimeError):  # noqa: PT012 - it is about the end of the block
            async with store.image():
                columns = list((folder / IMAGE).glob("store/*/*/*/*.bin"))
                assert columns
                assert {column.stat().st_nlink for column in columns} == {2}
                raise RuntimeError
        assert not (folder / SHADOW).exists()


async def test_there_is_one_image_at_a_time_and_a_new_store_removes_one_that_was_left(tmp_path):
    folder = tmp_path / "telemetry"
    async with open_store(folder) as store:
        async with store.image():
            with pytest.raises(StoreError, match="one of a directory at a time"):
                async with store.image():
                    pass
        async with store.image():
            pass
    (folder / IMAGE).mkdir(parents=True)
    async with open_store(folder):
        assert not (folder / SHADOW).exists()
