import asyncio
import contextlib
import stat

import pytest

from helpers.spans import batch, span
from helpers.stores import open_store
from tollspan.errors import StoreError
from tollspan.gateway.storage.image import SHADOW
from tollspan.gateway.storage.image_socket import SOCKET, ImageSocket, open_image

pytestmark = pytest.mark.xdist_group("telemetry")


@contextlib.asynccontextmanager
async def open_socket(data_dir):
    async with open_store(data_dir / "telemetry") as store:
        await store.write(batch(span()))
        images = ImageSocket(store, data_dir)
        await images.open()
        try:
            yield images
        finally:
            await images.close()


def columns_of_image(data_dir):
    with open_image(data_dir) as image:
        return len(list(image.glob("store/*/*/*/*.bin")))


async def test_an_image_is_had_from_the_gateway_while_it_runs_and_without_it_else(tmp_path):
    async with open_socket(tmp_path):
        running = await asyncio.to_thread(columns_of_image, tmp_path)
        assert not (tmp_path / "telemetry" / SHADOW).exists()
    assert running == columns_of_image(tmp_path) > 0
    assert not (tmp_path / "telemetry" / SHADOW).exists()


async def test_the_socket_is_its_owners_and_goes_with_the_gateway(tmp_path):
    (tmp_path / SOCKET).touch()  # of a gateway that was killed
    async with open_socket(tmp_path):
        mode = (tmp_path / SOCKET).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    assert not (tmp_path / SOCKET).exists()


async def test_a_second_image_is_refused_and_the_first_is_not_disturbed(tmp_path):
    async with open_socket(tmp_path):
        reader, writer = await asyncio.open_unix_connection(tmp_path / SOCKET)
        await reader.readline()
        with pytest.raises(StoreError, match="no image of the telemetry: there can be one"):
            await asyncio.to_thread(columns_of_image, tmp_path)
        writer.write_eof()
        assert await reader.readline() == b'{"was_kept": true}\n'
        writer.close()


async def test_a_gateway_that_ends_during_the_block_makes_it_fail(tmp_path):
    async with open_socket(tmp_path) as images:
        with pytest.raises(StoreError, match="the gateway ended"):  # noqa: PT012 - it ends inside
            loop = asyncio.get_running_loop()
            await asyncio.to_thread(read_while, tmp_path, lambda: run_on(loop, images.close()))
        assert not (tmp_path / "telemetry" / SHADOW).exists()


def read_while(data_dir, happens):
    with open_image(data_dir):
        happens()


def run_on(loop, coroutine):
    asyncio.run_coroutine_threadsafe(coroutine, loop).result()


async def test_a_place_where_no_socket_can_be_is_logged_and_the_gateway_runs(tmp_path, capfd):
    deep = tmp_path / ("long" * 30)
    async with open_socket(deep):
        assert "backup_not_possible_while_running" in "".join(capfd.readouterr())
