import json
import resource
import signal

import pytest

from helpers.pipelines import trace_batch
from helpers.service import StandInHost
from tollspan.collector.exporters.file import FileConfig, FileExporter, RotationConfig
from tollspan.errors import ConfigError, RetryableError
from tollspan.otlp.json_mapping import json_to_wire
from tollspan.otlp.signals import Signal


async def write(path, *batches, **settings):
    exporter = FileExporter(FileConfig(path=str(path), **settings))
    await exporter.start(StandInHost())
    try:
        for batch in batches:
            await exporter.consume(batch)
    finally:
        await exporter.shutdown()


async def test_a_batch_is_a_line_of_json(tmp_path):
    batches = [trace_batch(1), trace_batch(3)]
    await write(tmp_path / "out.jsonl", *batches)
    lines = (tmp_path / "out.jsonl").read_bytes().splitlines()
    assert [json_to_wire(Signal.TRACES, line).wire for line in lines] == [batch.wire for batch in batches]


async def test_a_batch_is_its_length_and_its_bytes(tmp_path):
    await write(tmp_path / "out.bin", trace_batch(2), format="proto")
    wire = trace_batch(2).wire
    assert (tmp_path / "out.bin").read_bytes() == len(wire).to_bytes(4, "big") + wire


async def test_an_old_file_is_replaced_unless_it_is_to_be_appended_to(tmp_path):
    path = tmp_path / "out.jsonl"
    for _ in range(2):
        await write(path, trace_batch(), append=True)
    assert len(path.read_bytes().splitlines()) == 2
    await write(path, trace_batch())
    assert len(path.read_bytes().splitlines()) == 1


async def test_a_file_that_is_full_is_put_aside_and_the_oldest_are_deleted(tmp_path):
    path = tmp_path / "out.jsonl"
    large = trace_batch(4000)
    await write(path, *[large] * 5, rotation=RotationConfig(max_megabytes=1, max_backups=2))
    files = sorted(tmp_path.iterdir())
    assert (len(files), files[-1].name) == (3, "out.jsonl")
    for file in files:
        json.loads(file.read_text())


async def test_what_cannot_be_written_whole_leaves_nothing_behind(tmp_path):
    path = tmp_path / "out.jsonl"
    exporter = FileExporter(FileConfig(path=str(path)))
    await exporter.start(StandInHost())
    await exporter.consume(trace_batch(1))
    before = path.read_bytes()
    old_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, old_limit[1]))
    try:
        with pytest.raises(RetryableError, match=r"cannot write .*: File too large"):
            await exporter.consume(trace_batch(100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
        signal.signal(signal.SIGXFSZ, old_handler)
    assert path.read_bytes() == before
    await exporter.consume(trace_batch(1))
    await exporter.shutdown()
    assert path.read_bytes() == before * 2


async def test_directories_are_made_when_that_is_said(tmp_path):
    path = tmp_path / "a" / "b" / "out.jsonl"
    with pytest.raises(ConfigError, match="path: cannot open"):
        await write(path)
    await write(path, trace_batch(), create_directory=True)
    assert path.read_bytes()


def test_settings_that_do_not_fit_are_problems():
    assert [problem.path for problem in FileConfig(path="").problems()] == ["path"]
    both = FileConfig(path="x", append=True, rotation=RotationConfig())
    assert [problem.path for problem in both.problems()] == ["append"]
