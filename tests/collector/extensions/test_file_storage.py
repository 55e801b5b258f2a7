import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3
import yaml

from helpers.destinations import Landing
from helpers.otlp_peer import Answer, running_peer
from helpers.pipelines import trace_batch
from helpers.requests import OTLP, TraceRequest
from helpers.service import StandInHost
from tollspan.collector.config.decode import Decoding
from tollspan.collector.extensions.file_storage import FileStorage, FileStorageConfig
from tollspan.collector.sender import Sender
from tollspan.collector.sender_config import QueueConfig, SenderConfig
from tollspan.errors import ConfigError


@contextlib.asynccontextmanager
async def running(folder, landing, **settings):
    storage = FileStorage(FileStorageConfig(directory=str(folder), create_directory=True, **settings))
    host = StandInHost(file_storage=storage)
    await storage.start(host)
    sender = Sender(SenderConfig(sending_queue=QueueConfig(storage="file_storage")), landing)
    await sender.start(host)
    sender.counters = host.counters
    try:
        yield sender
    finally:
        landing.gate.set()
        await sender.shutdown()
        await storage.shutdown()


async def test_a_queue_goes_on_where_the_last_run_ended(tmp_path):
    down, up = Landing(*[ConnectionError("down")] * 1000), Landing()
    async with running(tmp_path / "new", down) as sender:
        for size in (1, 2, 3):
            await sender.consume(trace_batch(size))
    assert sender.counters.total("otelcol_exporter_send_failed_spans") == 0
    async with running(tmp_path / "new", up) as sender:
        await up.wait_until(lambda: up.items == 6)
    assert sender.counters.total("otelcol_exporter_sent_spans") == 6
    third = Landing()
    async with running(tmp_path / "new", third):
        pass
    assert third.batches == []


async def test_what_one_run_leaves_and_the_next_takes_over_stays_in_the_ledger_of_one(tmp_path):
    async with running(tmp_path / "new", Landing(*[ConnectionError("down")] * 1000)) as sender:
        old = sender.counters.ledger.account(trace_batch().lane)
        old.received += 3  # what the receiver's door counts
        await sender.consume(trace_batch(3))
        assert old.pending == 3
    assert (old.received, old.pending) == (0, 0)
    up = Landing()
    async with running(tmp_path / "new", up) as sender:
        await up.wait_until(lambda: up.items == 3)
    new = sender.counters.ledger.account(trace_batch().lane)
    assert (new.received, new.sent, new.pending) == (3, 3, 0)


async def test_a_queue_in_memory_can_be_handed_over_to_one_on_disk(tmp_path):
    storage = FileStorage(FileStorageConfig(directory=str(tmp_path)))
    host = StandInHost(file_storage=storage)
    await storage.start(host)
    old = Sender(SenderConfig(), Landing(*[ConnectionError("down")] * 1000))
    await old.start(host)
    for size in (1, 2, 3):
        await old.consume(trace_batch(size))
    landing = Landing()
    new = Sender(SenderConfig(sending_queue=QueueConfig(storage="file_storage")), landing)
    new.inherit(await old.hand_over())
    await new.start(host)
    await landing.wait_until(lambda: landing.items == 6)
    await new.shutdown()
    await storage.shutdown()
    assert host.counters.total("otelcol_exporter_sent_spans") == 6


async def test_what_is_too_old_is_dropped_and_counted(tmp_path):
    down, up = Landing(*[ConnectionError("down")] * 1000), Landing()
    async with running(tmp_path, down) as sender:
        await sender.consume(trace_batch(3))
    async with running(tmp_path, up, age_max_s=1e-9) as sender:
        await sender.consume(trace_batch(1))
    assert up.batches == []
    assert sender.counters.total("otelcol_exporter_send_failed_spans", reason="expired") >= 3


async def test_a_folder_in_use_is_refused(tmp_path):
    async with running(tmp_path, Landing()):
        config = FileStorageConfig(directory=str(tmp_path), timeout_s=0.01)
        with pytest.raises(ConfigError, match="another process uses"):
            await FileStorage(config).start(StandInHost())


async def test_damage_on_disk_is_counted_and_costs_only_what_it_hit(tmp_path):
    down, up = Landing(*[ConnectionError("down")] * 1000), Landing()
    async with running(tmp_path, down) as sender:
        for size in (1, 2, 3):
            await sender.consume(trace_batch(size))
    (path,) = tmp_path.glob("*/*.seg")
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    async with running(tmp_path, up) as sender:
        await up.wait_until(lambda: up.items == 5)
    assert sender.counters.total("otelcol_storage_damaged_bytes") > 0


def test_a_folder_that_is_not_there_is_told_before_anything_starts(tmp_path):
    decoding = Decoding()
    decoding.struct(FileStorageConfig, {"directory": str(tmp_path / "none")}, "extensions::file_storage")
    assert [p.path for p in decoding.problems] == ["extensions::file_storage::directory"]


@pytest.mark.parametrize(("text", "mode"), [("0750", 0o750), ("700", 0o700), ("0800", None), (750, None)])
def test_permissions_are_octal_text(text, mode):
    decoding = Decoding()
    body = {"create_directory": True, "directory_permissions": text}
    config = decoding.struct(FileStorageConfig, body, "")
    assert (config.directory_permissions if not decoding.problems else None) == mode


def write_config(path, folder, url):
    document = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "processors": {"batch": {"timeout": "5ms", "send_batch_size": 40}},
        "exporters": {
            "otlp_http": {
                "endpoint": url,
                "retry_on_failure": {"initial_interval": "10ms", "max_interval": "20ms"},
                "sending_queue": {"storage": "file_storage"},
            }
        },
        "extensions": {"file_storage": {"directory": str(folder), "create_directory": True}},
        "service": {
            "extensions": ["file_storage"],
            "pipelines": {
                "traces": {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["otlp_http"]}
            },
        },
    }
    path.write_text(yaml.safe_dump(document))


@contextlib.contextmanager
def collector(config):
    command = [sys.executable, "-m", "tollspan.cli", "collector", "--config", str(config)]
    with open(f"{config}.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def log_of(config):
    return Path(f"{config}.log").read_text()


async def ready_url(process, config):
    async with asyncio.timeout(20):
        while process.poll() is None:
            for line in log_of(config).splitlines(keepends=True):
                if '"service_ready"' in line and line.endswith("\n"):
                    return json.loads(line)["http"][0]
            await asyncio.sleep(0.02)
    raise AssertionError(log_of(config))


async def test_a_killed_collector_loses_no_acknowledged_span_and_doubles_none(tmp_path):
    config, requests = tmp_path / "collector.yaml", [TraceRequest(5) for _ in range(40)]
    acknowledged = []

    def post(url, request):
        with urllib3.PoolManager() as pool:
            answer = pool.request("POST", f"{url}/v1/traces", body=request.wire, headers=OTLP, retries=False)
        assert answer.status == 200
        acknowledged.append(request)

    with running_peer() as peer:
        write_config(config, tmp_path / "queue", peer.url)
        peer.always = Answer(503)
        for chunk in (requests[:20], requests[20:]):
            with collector(config) as process:
                url = await ready_url(process, config)
                await asyncio.gather(*(asyncio.to_thread(post, url, request) for request in chunk))
                process.send_signal(signal.SIGKILL)
        peer.always = Answer(stores=True)
        with collector(config) as process:
            await ready_url(process, config)
            sent = [span_id for request in acknowledged for span_id in request.span_ids]
            await asyncio.to_thread(
                peer.wait, lambda: sum(len(e.spans) for e in peer.exports if e.stored) >= len(sent)
            )
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        with collector(config) as process:
            await ready_url(process, config)
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        stored = [span.span_id for export in peer.exports if export.stored for span in export.spans]
    assert sorted(stored) == sorted(sent)
    assert len(sent) == 200
