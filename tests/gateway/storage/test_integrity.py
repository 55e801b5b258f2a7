"""What becomes of the telemetry when a disk damages it."""

from pathlib import Path

import pytest

from helpers.spans import batch, span
from helpers.stores import new_writer, open_engine, open_store
from tollspan.errors import StoreError
from tollspan.gateway.query import spans
from tollspan.gateway.storage import commands
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.integrity import find_damaged, find_set_aside, set_aside

pytestmark = pytest.mark.xdist_group("telemetry")

LOST, KEPT = span("lost"), span("kept")


@pytest.fixture
def part(tmp_path):
    """The folder of the part that has the span LOST; another has KEPT."""
    with open_engine(tmp_path / "telemetry") as engine:
        writer = new_writer(engine)
        writer.write([batch(LOST)])
        writer.write([batch(KEPT)])
        sql = "SELECT path FROM system.parts WHERE table = 'spans' ORDER BY min_block_number LIMIT 1"
        [found] = engine.rows(sql, {})
    return Path(found["path"])


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x40
    file.write_bytes(content)


async def test_what_is_cut_off_is_set_aside_at_the_start_and_the_rest_is_shown(tmp_path, part):
    data = part / "data.bin"
    data.write_bytes(data.read_bytes()[:-100])
    async with open_store(tmp_path / "telemetry") as store:
        view = store.view("acme")
        assert await spans.trace_spans(view, LOST.trace_id.hex()) == []
        [kept] = await spans.trace_spans(view, KEPT.trace_id.hex())
        [aside] = find_set_aside(store._engine)
    assert kept.name == "kept"
    assert (aside.table, aside.name) == ("spans", f"broken-on-start_{part.name}")


async def test_damaged_bytes_are_never_shown_and_their_part_can_be_set_aside(tmp_path, part):
    flip(part / "data.bin")
    async with open_store(tmp_path / "telemetry") as store:
        with pytest.raises(StoreError, match=r"[Cc]hecksum"):
            await spans.trace_spans(store.view("acme"), LOST.trace_id.hex())
    engine = Engine(tmp_path / "telemetry")
    try:
        [damaged] = find_damaged(engine)
        assert (damaged.table, damaged.name, damaged.items) == ("spans", part.name, 1)
        set_aside(engine, [damaged])
        assert find_damaged(engine) == []
    finally:
        engine.close()
    async with open_store(tmp_path / "telemetry") as store:
        assert await spans.trace_spans(store.view("acme"), LOST.trace_id.hex()) == []
        # It is not there, so a resend is stored.
        await store.write(batch(LOST))
        assert len(await spans.trace_spans(store.view("acme"), LOST.trace_id.hex())) == 1


def test_the_command_names_what_is_damaged(tmp_path, part, capsys):
    flip(part / "data.bin")
    parser = commands.argparse.ArgumentParser()
    commands.add_arguments(parser)
    codes = [
        commands.run(parser.parse_args(["check", "--data-dir", str(tmp_path), *options]))
        for options in ([], ["--set-aside"], [])
    ]
    assert codes == [1, 1, 0]
    assert f"spans {part.name}: 1 rows" in capsys.readouterr().out
