import contextlib
import mmap

import psutil
import pytest

from helpers.components import Recorder
from helpers.service import StandInHost
from helpers.signals import trace_request
from tollspan.collector.component import Receipt
from tollspan.collector.config.decode import Decoding
from tollspan.collector.processors import memory_limiter
from tollspan.collector.processors.memory_limiter import MemoryLimiter, MemoryLimiterConfig, total_memory
from tollspan.errors import RetryableError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

BATCH = Batch(Signal.TRACES, trace_request(2).SerializeToString(), 2)


@contextlib.asynccontextmanager
async def running(**settings):
    recorder, host = Recorder(), StandInHost()
    limiter = MemoryLimiter(MemoryLimiterConfig(check_interval_s=60, **settings), recorder)
    await limiter.start(host)
    limiter.counters = host.counters
    yield limiter
    await limiter.shutdown()


async def test_data_goes_through_while_there_is_memory():
    async with running(limit_mib=1 << 20) as limiter:
        assert await limiter.consume(BATCH) == Receipt()
    assert limiter.counters.total("otelcol_processor_memory_limiter_accepted_spans") == 2


async def test_data_is_refused_with_a_wait_while_there_is_not():
    async with running(limit_mib=1) as limiter:
        with pytest.raises(RetryableError, match="high memory usage") as caught:
            await limiter.consume(BATCH)
    assert 60 <= caught.value.after_s <= 120
    assert limiter.counters.total("otelcol_processor_memory_limiter_refused_spans") == 2


async def test_data_is_taken_again_when_memory_was_given_back(monkeypatch):
    # Pages of its own: what a list of bytes takes and gives back may be memory that the process keeps.
    hoard = mmap.mmap(-1, 64 << 20)
    hoard.write(b"x" * len(hoard))
    used_mib = psutil.Process().memory_info().rss >> 20
    monkeypatch.setattr(memory_limiter, "trim_memory", hoard.close)
    async with running(limit_mib=used_mib, spike_limit_mib=24) as limiter:
        assert await limiter.consume(BATCH) == Receipt()


def test_percentages_are_of_the_containers_memory(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    limit.write_text("104857600\n")
    monkeypatch.setattr(memory_limiter, "CGROUP_LIMITS", (str(tmp_path / "none"), str(limit)))
    config = MemoryLimiterConfig(limit_percentage=50, spike_limit_percentage=10)
    assert total_memory() == 100 << 20
    assert config.bytes_max(total_memory()) == (40 << 20, 50 << 20)


def test_without_a_container_they_are_of_the_machines(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    limit.write_text("max\n")
    monkeypatch.setattr(memory_limiter, "CGROUP_LIMITS", (str(limit),))
    assert total_memory() == psutil.virtual_memory().total


def test_the_spike_is_a_fifth_where_it_is_not_set():
    assert MemoryLimiterConfig(limit_mib=1000).bytes_max(0) == (1000 * 1048576 * 8 // 10, 1000 << 20)


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (
            {"limit_mib": 0},
            [
                "::check_interval: must be greater than zero",
                ": limit_mib or limit_percentage must be greater",
            ],
        ),
        (
            {"check_interval": "1s", "limit_mib": 10, "spike_limit_mib": 10},
            ["::spike_limit_mib: must be smaller"],
        ),
        (
            {"check_interval": "1s", "limit_percentage": 10, "spike_limit_percentage": 20},
            ["::spike_limit_percentage: must be smaller"],
        ),
    ],
)
def test_limits_that_make_no_sense_are_refused(body, problems):
    decoding = Decoding()
    decoding.struct(MemoryLimiterConfig, body, "processors::memory_limiter")
    told = [str(problem) for problem in decoding.problems]
    assert len(told) == len(problems)
    assert all(t.startswith(f"processors::memory_limiter{p}") for t, p in zip(told, problems, strict=True))
