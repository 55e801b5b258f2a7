"""A disk that fills up: nothing is acknowledged that is not stored, and with room again it goes on."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers.spans import batch, span
from helpers.stores import open_store
from tollspan.errors import StoreError
from tollspan.gateway.query import traces
from tollspan.gateway.query.time_range import ALWAYS
from tollspan.gateway.storage.engine import DISK_RESERVE_BYTES

pytestmark = pytest.mark.xdist_group("telemetry")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own with little more than the reserve, in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    size = f"size={DISK_RESERVE_BYTES + (32 << 20)}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], check=False)
    if os.getuid() != 0 or mounted.returncode != 0:
        pytest.skip("only root may mount a disk")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path) -> Path:
    ballast = place / "ballast"
    surplus = shutil.disk_usage(place).free - DISK_RESERVE_BYTES
    ballast.write_bytes(bytes(surplus + (4 << 20)))
    return ballast


async def count(store):
    return sum(found.spans for found in await traces.find_services(store.view("acme"), ALWAYS))


async def test_a_full_disk_refuses_to_be_sent_again_and_the_resend_is_stored_once(small_disk):
    sent = [batch(span()) for _ in range(3)]
    async with open_store(small_disk / "telemetry") as store:
        await store.write(sent[0])
        ballast = fill(small_disk)
        with pytest.raises(StoreError) as refusal:
            await store.write(sent[1])
        assert refusal.value.retryable
        assert await count(store) == 1  # what is there can be read
        assert (await store.check())["disk"]
        ballast.unlink()
        assert not (await store.check())["disk"]
        for own in sent:
            await store.write(own)
        assert await count(store) == 3
