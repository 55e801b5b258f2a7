"""Settings for every test."""

import resource
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import HealthCheck, settings

# No test asserts a time, a law included: machines are busy.
settings.register_profile("tollspan", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tollspan")

# chDB keeps threads of every database that was ever open in a process, and files of each thread.
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


@pytest.fixture
def small_process(monkeypatch):
    """This process, in which many tests may have run before, is told to have little in memory."""
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _: SimpleNamespace(rss=64 << 20))
